// What is found against the replicas: dissents of the voters and system events, brought together into findings, with known differences
// apart, and what of it lasts. Pure. The list is finding-book.ts; what is done about a finding is recovery's business.
//
// Neighbours' dissents are followed prefix by prefix. Voters end dissents without a word when a replica leaves or abstains, and drop events
// when there are too many; so after each batch the number of dissents is compared with the voter's own, and where they differ the voter's
// ballots are looked through. Of the forwarding table, which has another thread, only exact counts and a few samples are known.
import type { DissentKind, VoterEvent } from '../types.js';
import { FindingBook, MAX_SAMPLES, type FindingNews, type FindingRecord } from './finding-book.js';
import { persistentDissent, type Words } from './persistent.js';
import type { FaultCounts, Finding, FindingKind, PersistentDissent, Place, SystemFault } from './types.js';

/** Of a voter: its ballots in dissent. */
export interface DissentSource {
  dissentCount(r: number): number;
  dissenters(prefix: number): number;
  forEachDissent(visit: (prefix: number, dissenters: number) => boolean): void;
  verdict(prefix: number): number;
  currentVote(r: number, prefix: number): number;
  agreement(prefix: number): number;
}

/** One vote against the majority, as attribute ids; `agreeing`: bitmask of those who say what the majority says. */
export interface Dissent {
  replica: number;
  prefix: number;
  vote: number;
  majority: number;
  agreeing: number;
}

/** What the numbers mean. */
export interface LedgerContext extends Words {
  isVoting(r: number): boolean;
  /** The attributes of an id, a copy; null for 0. */
  attributes(id: number): Uint8Array | null;
  /** Names of the known differences that explain a dissent; undefined when it is a fault. */
  explain(dissent: Dissent): readonly string[] | undefined;
  /** The same of a route that is missing in the forwarding table. */
  explainRefusal(r: number, prefix: string): readonly string[] | undefined;
}

/** Open dissents in the forwarding table, counted there; whoever is not named has none. */
export interface ForwardingDissent {
  replica: number;
  kind: DissentKind;
  open: number;
  lasting: number;
  since: number;
  samples: readonly { prefix: string; vote: string | null; majority: string | null }[];
}

export interface LedgerOptions {
  /** Dissents that are older (ms) last. */
  faultThreshold: number;
  /** Lasting dissents are counted up to this number of prefixes; default 1000. */
  countUpTo?: number;
  /** Dissents that are followed at a time, all together; default 1,000,000. */
  maxDissents?: number;
  /** Findings that are over and kept; default 1000. */
  maxFindings?: number;
}

const DISSENT_KINDS: readonly FindingKind[] = ['extra', 'missing', 'different', 'known-difference'];
/** A finding that comes back within this time is the same, ms. */
const REGROUP_MS = 3_600_000;
/** Between two looks through all ballots of a voter, ms, and dissents taken up in one of them. */
const RECONCILE_MS = 1000;
const RECONCILE_DISSENTS = 50_000;
/** How long what was found to last is not looked for again, ms. */
const PERSISTENT_MS = 250;

/** A part of what the forwarding table told; `names` of the rules that explain it. */
interface CountedDissent extends Omit<ForwardingDissent, 'kind'> {
  kind: FindingKind;
  names?: readonly string[];
}

interface PlaceState {
  source: DissentSource;
  reconciledAt: number;
  /** Per replica: dissents that are followed here. */
  open: Int32Array;
}

export class FaultLedger {
  private readonly replicas: number;
  private readonly context: LedgerContext;
  private readonly options: Required<LedgerOptions>;
  private readonly book: FindingBook;
  private readonly places = new Map<number, PlaceState>();
  /** Dissents that are followed, all together. */
  private dissents = 0;
  private members = 0;
  /** Per replica: the last answer of `persistent`, and until when it holds. */
  private readonly lasting: { until: number; dissent: PersistentDissent | undefined }[];

  constructor(replicas: number, context: LedgerContext, options: LedgerOptions) {
    this.replicas = replicas;
    this.context = context;
    this.options = { countUpTo: 1000, maxDissents: 1_000_000, maxFindings: 1000, ...options };
    this.book = new FindingBook(replicas, this.options.maxFindings, REGROUP_MS);
    this.lasting = Array.from({ length: replicas }, () => ({ until: -Infinity, dissent: undefined }));
  }

  /** Judges by these numbers from now on. */
  configure(options: Pick<LedgerOptions, 'faultThreshold' | 'countUpTo'>): void {
    Object.assign(this.options, options);
  }

  /** What is in dissent towards neighbours is judged anew, as if it had begun now. O(all ballots), bit by bit. */
  judgeAnew(now: number): void {
    for (const place of [...this.places.keys()]) this.placeGone(place, now);
  }

  /** `events` happened in the voter of neighbour `place`. A voter that is not the one of last time has taken its place. */
  voted(place: number, source: DissentSource, events: readonly VoterEvent[], now: number): void {
    const state = this.placeOf(place, source, now);
    for (const event of events) {
      if (event.type !== 'dissent-begins' && event.type !== 'dissent-ends') continue;
      const { replica, prefix, vote, majority, at } = event;
      this.end(place, state, replica, prefix, at);
      // One that is over already, without a word, would stay for ever.
      if (event.type === 'dissent-ends' || !isOpen(source, replica, prefix)) continue;
      const agreeing = source.verdict(prefix) === majority ? source.agreement(prefix) : 0;
      this.begin(place, state, { replica, prefix, vote, majority, agreeing }, at);
    }
    if (now - state.reconciledAt < RECONCILE_MS || this.agrees(state)) return;
    state.reconciledAt = now;
    this.reconcile(place, state, now);
  }

  /** The dissents in the forwarding table are these. */
  forwarded(open: readonly ForwardingDissent[], now: number): void {
    const told = open.filter((d) => d.open > 0 && this.context.isVoting(d.replica)).flatMap((d) => this.apart(d));
    for (const record of [...this.book.openRecords]) {
      const { replica, kind, place } = record;
      if (place === 'fib' && !told.some((d) => d.replica === replica && d.kind === kind)) this.clear(record, now);
    }
    for (const dissent of told) this.count(dissent, now);
  }

  /** The neighbour's session is down: nobody says anything to it any more. */
  placeGone(place: Place, now: number): void {
    for (const record of [...this.book.openRecords]) {
      if (record.place === place && record.kind !== 'system') this.clear(record, now);
    }
    if (place !== 'fib') this.places.delete(place);
  }

  system({ replica, cause, reason, neighbor, at }: SystemFault): void {
    const record = this.book.about({ replica, kind: 'system', place: neighbor, cause }, at);
    this.book.open(record, at);
    record.last = at;
    record.total++;
    record.text = reason;
  }

  /** Notes who has left the electorate (its dissents are over) and who votes again (what was wrong with the replica is over). */
  tick(now: number): void {
    for (let r = 0; r < this.replicas; r++) {
      const votes = this.context.isVoting(r);
      const voted = ((this.members >>> r) & 1) === 1;
      if (votes === voted) continue;
      this.members ^= 1 << r;
      for (const record of [...this.book.openRecords]) {
        if (record.replica === r && (record.kind === 'system') === votes) this.clear(record, now);
      }
    }
  }

  /**
   * What speaks against replica `r` for longer than the fault threshold and is no known difference; undefined when nothing does. Looked
   * for at most every 250 ms, at the cost of the dissents that last; nothing is looked for while there are none.
   */
  persistent(r: number, now: number): PersistentDissent | undefined {
    const accused = this.accused(r);
    const answer = this.lasting[r];
    if (accused.length === 0) {
      answer.until = -Infinity;
      return undefined;
    }
    if (now >= answer.until) {
      const { faultThreshold, countUpTo } = this.options;
      answer.until = now + PERSISTENT_MS;
      answer.dissent = persistentDissent(accused, now - faultThreshold, countUpTo, this.context);
    }
    return answer.dissent;
  }

  /** All findings that are kept, the open ones first, the latest first. */
  findings(): Finding[] {
    const order = (a: Finding, b: Finding): number => Number(b.open) - Number(a.open) || b.last - a.last || b.id - a.id;
    return [...this.book.all()].sort(order);
  }

  /** Of replica `r`: open faults, faults found so far, and open findings that are known differences. */
  counts(r: number): FaultCounts {
    let [open, known] = [0, 0];
    for (const { replica, kind } of this.book.openRecords) {
      if (replica !== r) continue;
      if (kind === 'known-difference') known++;
      else open++;
    }
    return { open, found: this.book.found[r], known };
  }

  /** The open finding that the dissent of replica `r` at `place` on a prefix belongs to, and since when it is in it, ms. */
  dissentOn(r: number, place: number, prefix: number): { finding: Finding; since: number } | undefined {
    for (const kind of DISSENT_KINDS) {
      const finding = this.book.find({ replica: r, kind, place });
      const since = finding?.since.get(prefix);
      if (finding !== undefined && since !== undefined) return { finding, since };
    }
    return undefined;
  }

  takeNews(): FindingNews[] {
    return this.book.takeNews();
  }

  private placeOf(place: number, source: DissentSource, now: number): PlaceState {
    const known = this.places.get(place);
    if (known?.source === source) return known;
    this.placeGone(place, now);
    const state = { source, reconciledAt: -Infinity, open: new Int32Array(this.replicas) };
    this.places.set(place, state);
    return state;
  }

  private begin(place: number, state: PlaceState, dissent: Dissent, at: number): void {
    if (this.dissents >= this.options.maxDissents) return;
    const { replica, prefix, vote, majority } = dissent;
    const names = this.context.explain(dissent);
    const kind = names === undefined ? kindOf(vote, majority) : 'known-difference';
    const record = this.book.about({ replica, kind, place }, at);
    this.book.open(record, at);
    record.last = at;
    record.since.set(prefix, at);
    record.total++;
    for (const name of names ?? []) addName(record, name);
    if (record.samples.length < MAX_SAMPLES) record.samples.push(this.context.prefixText(prefix));
    record.example ??= {
      prefix: this.context.prefixText(prefix),
      vote: this.context.attributes(vote),
      majority: this.context.attributes(majority),
    };
    state.open[replica]++;
    this.dissents++;
  }

  private end(place: number, state: PlaceState, replica: number, prefix: number, at: number): void {
    if (state.open[replica] === 0) return;
    for (const kind of DISSENT_KINDS) {
      const record = this.book.find({ replica, kind, place });
      if (record?.since.delete(prefix) !== true) continue;
      state.open[replica]--;
      this.dissents--;
      record.last = at;
      if (record.since.size === 0) this.book.close(record, at);
      return;
    }
  }

  /** Known differences and faults apart. Where all samples are known differences, all the rest is taken for such, too. */
  private apart(dissent: ForwardingDissent): CountedDissent[] {
    if (dissent.kind !== 'missing') return [dissent];
    const names = new Set<string>();
    const rest = dissent.samples.filter(({ prefix }) => {
      const explained = this.context.explainRefusal(dissent.replica, prefix);
      for (const name of explained ?? []) names.add(name);
      return explained === undefined;
    });
    if (names.size === 0) return [dissent];
    const known = rest.length === 0 ? dissent.open : dissent.samples.length - rest.length;
    const habits = dissent.samples.filter((sample) => !rest.includes(sample));
    return [
      { ...dissent, kind: 'known-difference', open: known, lasting: 0, samples: habits, names: [...names] },
      { ...dissent, open: dissent.open - known, lasting: Math.max(0, dissent.lasting - known), samples: rest },
    ].filter(({ open }) => open > 0) as CountedDissent[];
  }

  /** Takes the forwarding table's word for one finding. */
  private count({ replica, kind, open, lasting, since, samples, names }: CountedDissent, now: number): void {
    const record = this.book.about({ replica, kind, place: 'fib' }, now);
    this.book.open(record, now);
    // How often a prefix was in dissent is not told: what was the most at a time.
    record.total = Math.max(record.total, open);
    if (record.prefixes !== open) record.last = now;
    record.counted = { prefixes: open, lasting, since };
    record.samples = samples.slice(0, MAX_SAMPLES).map(({ prefix }) => prefix);
    for (const name of names ?? []) addName(record, name);
    record.example ??= samples[0] && { ...samples[0] };
  }

  private clear(record: FindingRecord, now: number): void {
    const state = typeof record.place === 'number' ? this.places.get(record.place) : undefined;
    if (state !== undefined) state.open[record.replica] -= record.since.size;
    this.dissents -= record.since.size;
    record.since.clear();
    record.counted = { prefixes: 0, lasting: 0, since: Infinity };
    this.book.close(record, now);
  }

  private accused(r: number): FindingRecord[] {
    if (this.book.openRecords.size === 0) return [];
    return [...this.book.openRecords].filter(
      ({ replica, kind }) => replica === r && kind !== 'system' && kind !== 'known-difference',
    );
  }

  private agrees({ source, open }: PlaceState): boolean {
    for (let r = 0; r < this.replicas; r++) if (source.dissentCount(r) !== open[r]) return false;
    return true;
  }

  /** Events were lost or never made: follows what is in dissent by the voter's own word. */
  private reconcile(place: number, state: PlaceState, now: number): void {
    const { source } = state;
    for (const record of [...this.book.openRecords]) {
      if (record.place !== place) continue;
      for (const prefix of [...record.since.keys()]) {
        if (!isOpen(source, record.replica, prefix)) this.end(place, state, record.replica, prefix, now);
      }
    }
    if (this.agrees(state)) return;
    let budget = RECONCILE_DISSENTS;
    source.forEachDissent((prefix, dissenters) => {
      for (let replica = 0; replica < this.replicas; replica++) {
        if (((dissenters >>> replica) & 1) === 0 || this.isFollowed(place, replica, prefix)) continue;
        const vote = source.currentVote(replica, prefix);
        const dissent = { replica, prefix, vote, majority: source.verdict(prefix), agreeing: source.agreement(prefix) };
        this.begin(place, state, dissent, now);
        budget--;
      }
      return budget > 0;
    });
  }

  private isFollowed(place: number, replica: number, prefix: number): boolean {
    return DISSENT_KINDS.some((kind) => this.book.find({ replica, kind, place })?.since.has(prefix));
  }
}

function addName(record: FindingRecord, name: string): void {
  const names = record.text.split(', ');
  if (!names.includes(name)) record.text = record.text === '' ? name : [...names, name].sort().join(', ');
}

function isOpen(source: DissentSource, replica: number, prefix: number): boolean {
  return ((source.dissenters(prefix) >>> replica) & 1) === 1;
}

function kindOf(vote: number, majority: number): DissentKind {
  if (vote === 0) return 'missing';
  return majority === 0 ? 'extra' : 'different';
}
