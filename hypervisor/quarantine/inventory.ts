// What is quarantined, for the operator: the replicator's entries together with what is known about each from its death and its trial.
// Owns these notes and the answers to `btr quarantine list` and `show`; changes nothing else.
import type { QuarantineEntry } from '../../replicator/types.js';
import { describeUpdate } from '../../wire/bgp/describe-message.js';
import type { RouterContext } from '../context.js';
import type { Due } from './give-back.js';
import {
  reportOf,
  type EntryNotes,
  type QuarantineDetail,
  type QuarantineListing,
  type QuarantineQuery,
  type QuarantineReport,
} from './report.js';

/** Entries in one answer, unless asked for fewer. */
const MAX_LISTED = 10_000;
const MAX_WITHHELD = 100;
const UNKNOWN: EntryNotes = { cause: '', file: '', trial: 'untried', note: null, probation: false };

export class Inventory {
  private readonly context: Pick<RouterContext, 'config' | 'replicator' | 'tables' | 'electorate' | 'abstentions'>;
  private readonly notes = new Map<number, EntryNotes>();

  constructor(context: Inventory['context']) {
    this.context = context;
  }

  /** Changes what is known of an entry. */
  note(id: number, notes: Partial<EntryNotes>): void {
    this.notes.set(id, { ...UNKNOWN, ...this.notes.get(id), ...notes });
  }

  forget(id: number): void {
    this.notes.delete(id);
  }

  /** Entries give way to newer ones without a word. */
  forgetEvicted(): void {
    for (const id of this.notes.keys())
      if (this.context.replicator.withholding.entry(id) === undefined) this.notes.delete(id);
  }

  /** Whether no trial speaks against an entry. */
  isOnProbation(id: number): boolean {
    return this.notes.get(id)?.probation ?? false;
  }

  /** What may be given back to replica `r` because its probation is over at `now` (ms), the oldest first. O(all). */
  probationOver(r: number, now: number): Due[] {
    const due: Due[] = [];
    for (const [id, { probation, probationEnds = Infinity, times = 1 }] of this.notes) {
      if (!probation || probationEnds > now) continue;
      const entry = this.context.replicator.withholding.entry(id);
      if (entry?.replica === r) due.push({ id, times, prefixes: entry.suspect.prefixes });
    }
    return due;
  }

  /** Throws an Error for the user when there is none. */
  entry(id: number): QuarantineEntry {
    const entry = this.context.replicator.withholding.entry(id);
    if (entry === undefined) throw new Error(`nothing is quarantined under number ${id}`);
    return entry;
  }

  /** The index of a replica. Throws an Error for the user. */
  indexOf(name: string): number {
    const r = this.context.config.replicas.findIndex((replica) => replica.name === name);
    if (r < 0) throw new Error(`there is no replica ${name}`);
    return r;
  }

  /** `trials`: the index of the replica whose messages are on trial, and how many trials wait. Throws an Error for the user. */
  list(
    { replica, prefix, limit = MAX_LISTED }: QuarantineQuery,
    trials: { running: number | undefined; waiting: number },
  ): QuarantineListing {
    const { config, replicator, abstentions, electorate } = this.context;
    let onProbation = 0;
    for (const { probation } of this.notes.values()) if (probation) onProbation++;
    const all = replicator.withholding.entries(replica === undefined ? undefined : this.indexOf(replica)).reverse();
    const entries = prefix === undefined ? all : this.withholding(all, prefix);
    const { running, waiting } = trials;
    return {
      entries: entries.slice(0, Math.max(0, Math.min(limit, MAX_LISTED))).map((entry) => this.report(entry)),
      total: entries.length,
      onProbation,
      shared: abstentions.countShared(),
      uncarried: abstentions.common(electorate.succession).length,
      replicas: config.replicas.map(({ name }, r) => ({
        name,
        ...replicator.withholding.stats(r),
        careful: replicator.withholding.isCareful(r),
      })),
      trials: { running: running === undefined ? null : config.replicas[running].name, waiting },
    };
  }

  /** Throws an Error for the user. */
  show(id: number): QuarantineDetail {
    const entry = this.entry(id);
    const { replicator, tables } = this.context;
    const withheld = replicator.withholding.prefixesOf(id);
    return {
      ...this.report(entry),
      hex: Buffer.from(entry.suspect.bytes).toString('hex'),
      message: describeUpdate(entry.suspect.bytes),
      withheld: withheld.slice(0, MAX_WITHHELD).map((prefix) => tables.prefixes.format(prefix)),
      withheldTotal: withheld.length,
    };
  }

  private withholding(entries: readonly QuarantineEntry[], text: string): QuarantineEntry[] {
    const { config, replicator, tables } = this.context;
    const prefix = tables.prefixes.findText(text);
    const concerned = new Set(config.replicas.flatMap((_, r) => replicator.withholding.entriesOn(r, prefix)));
    return entries.filter((entry) => concerned.has(entry));
  }

  private report(entry: QuarantineEntry): QuarantineReport {
    const { replicas, neighbors } = this.context.config;
    return reportOf(entry, this.notes.get(entry.id) ?? UNKNOWN, {
      replica: replicas[entry.replica].name,
      neighbor: neighbors[entry.suspect.neighbor].address,
    });
  }
}
