// The findings against all replicas: one for each replica, place and kind, opened, closed and opened again. Owns the list, its bound and
// what of it is news; which dissents belong into it is fault-ledger.ts.
import type { Finding, FindingExample, FindingKind, Place, SystemCause } from './types.js';

/** Most prefixes that a finding names. */
export const MAX_SAMPLES = 20;

/** What a finding is about. */
export interface Subject {
  replica: number;
  kind: FindingKind;
  place?: Place;
  cause?: SystemCause;
}

export class FindingRecord implements Finding {
  readonly id: number;
  readonly replica: number;
  readonly kind: FindingKind;
  readonly place: Place | undefined;
  readonly cause: SystemCause | undefined;
  readonly first: number;
  last: number;
  open = false;
  total = 0;
  samples: string[] = [];
  example: FindingExample | undefined;
  text = '';
  /** Prefix ids in dissent now, oldest first, and when each was found, ms. Empty where only a count is known. */
  readonly since = new Map<number, number>();
  /** Prefixes in dissent now, of which only the number is known; of these lasting; and when the oldest was found, ms. */
  counted = { prefixes: 0, lasting: 0, since: Infinity };
  /** What was said of it last. */
  told = false;
  openedSince = false;

  constructor(id: number, { replica, kind, place, cause }: Subject, now: number) {
    this.id = id;
    this.replica = replica;
    this.kind = kind;
    this.place = place;
    this.cause = cause;
    this.first = now;
    this.last = now;
  }

  get prefixes(): number {
    return this.since.size + this.counted.prefixes;
  }

  get oldest(): number | undefined {
    const [first = Infinity] = this.since.values();
    const oldest = Math.min(first, this.counted.since);
    return oldest === Infinity ? undefined : oldest;
  }
}

export interface FindingNews {
  type: 'begins' | 'ends';
  finding: Finding;
}

export class FindingBook {
  /** Faults found so far: findings that are no known differences. */
  readonly found: Int32Array;
  /** Those that are open. */
  readonly openRecords = new Set<FindingRecord>();
  private readonly keep: number;
  private readonly regroupMs: number;
  private readonly current = new Map<string, FindingRecord>();
  private readonly records = new Set<FindingRecord>();
  private readonly changed = new Set<FindingRecord>();
  private nextId = 1;

  /** `keep`: findings that are over; the oldest give way. What comes back within `regroupMs` is the same finding. */
  constructor(replicas: number, keep: number, regroupMs: number) {
    this.found = new Int32Array(replicas);
    this.keep = keep;
    this.regroupMs = regroupMs;
  }

  /** The finding about this, a new one where the last is long over. */
  about(subject: Subject, now: number): FindingRecord {
    const key = keyOf(subject);
    const known = this.current.get(key);
    if (known !== undefined && (known.open || now - known.last <= this.regroupMs)) return known;
    const record = new FindingRecord(this.nextId++, subject, now);
    this.current.set(key, record);
    this.records.add(record);
    if (record.kind !== 'known-difference') this.found[record.replica]++;
    this.forgetOldest();
    return record;
  }

  /** The finding about this, if there is one. */
  find(subject: Subject): FindingRecord | undefined {
    return this.current.get(keyOf(subject));
  }

  open(record: FindingRecord, now: number): void {
    if (record.open) return;
    record.last = now;
    record.open = true;
    record.openedSince = true;
    this.openRecords.add(record);
    record.samples = [];
    record.example = undefined;
    this.changed.add(record);
  }

  close(record: FindingRecord, now: number): void {
    if (!record.open) return;
    record.open = false;
    record.last = now;
    this.openRecords.delete(record);
    this.changed.add(record);
    // The order of the list is that in which findings came to their end.
    this.records.delete(record);
    this.records.add(record);
  }

  /** All that are kept, those first that have been over for the longest time. */
  all(): IterableIterator<FindingRecord> {
    return this.records.values();
  }

  /** What began and ended since the last call. What ended and began again in between has not ended. */
  takeNews(): FindingNews[] {
    const news: FindingNews[] = [];
    for (const finding of this.changed) {
      if (finding.openedSince && !finding.told) news.push({ type: 'begins', finding });
      if (!finding.open && (finding.told || finding.openedSince)) news.push({ type: 'ends', finding });
      finding.told = finding.open;
      finding.openedSince = false;
    }
    this.changed.clear();
    return news;
  }

  private forgetOldest(): void {
    if (this.records.size <= this.keep) return;
    for (const record of this.records) {
      // Those that are open stay; there are no more of them than replicas, places and kinds.
      if (record.open || record.total === 0) continue;
      this.records.delete(record);
      const key = keyOf(record);
      if (this.current.get(key) === record) this.current.delete(key);
      return;
    }
  }
}

function keyOf({ replica, kind, place, cause }: Subject): string {
  return `${replica} ${kind} ${place ?? ''} ${cause ?? ''}`;
}
