// `btr fib --verify`: do the verdicts, the kernel and what neighbours were told agree? Walks over our own routes in the kernel, a slice
// per turn, and reports every prefix where they do not. Changes nothing. The tables must not be swept meanwhile: ids are remembered.
import type { FibEngine } from '../../fib/engine.js';
import { FAMILIES } from '../../wire/family.js';
import { formatPrefix } from '../../wire/prefix-text.js';
import { visitor } from './audit.js';
import type { FibBackend, OwnDump } from './kernel/backend.js';
import type { FibReports } from './reports.js';
import type { FibDifference, FibVerification } from './status.js';

/** Differences that are spelled out. */
const LISTED = 1000;
/** Prefixes looked at in one slice, of those that were read. */
const AT_ONCE = 8192;

type Kind = FibDifference['kind'];

export class Verification {
  private readonly id: number;
  private readonly engine: FibEngine;
  private readonly reports: FibReports;
  private readonly advertised: readonly [Uint8Array, Uint8Array];
  private readonly dump: OwnDump;
  private readonly seen: Uint32Array;
  /** Prefixes that were nobody's when the walk began. */
  private readonly strangers = new Map<number, number>();
  private readonly quietAtStart: boolean;
  private phase: 'reading' | 'comparing' | 'advertised' = 'reading';
  /** The next prefix to compare, or the offset of the next advertised one of a family. */
  private at = 1;
  private family = 0;
  private kernelRoutes = 0;
  private advertisedCount = 0;
  private total = 0;
  private readonly differences: FibDifference[] = [];

  constructor(
    id: number,
    engine: FibEngine,
    backend: FibBackend,
    reports: FibReports,
    advertised: readonly [Uint8Array, Uint8Array],
  ) {
    this.id = id;
    this.engine = engine;
    this.reports = reports;
    this.advertised = advertised;
    this.quietAtStart = this.quiet;
    this.seen = new Uint32Array(engine.prefixes.limit);
    this.dump = backend.startDump(
      visitor(engine, (prefix, hops) => {
        this.kernelRoutes++;
        if (prefix < this.seen.length) this.seen[prefix] = hops;
        else this.strangers.set(prefix, hops);
      }),
    );
  }

  /** One slice. The answer when that was the last one. */
  step(): { id: number; result?: FibVerification; error?: string } | undefined {
    const { id, dump } = this;
    if (this.phase === 'reading') {
      if (dump.step()) return undefined;
      if (dump.error !== undefined) return { id, error: `the kernel's table cannot be read: ${dump.error}` };
      this.phase = 'comparing';
    }
    const done = this.phase === 'comparing' ? this.compare() : this.compareAdvertised();
    if (!done) return undefined;
    if (this.phase === 'comparing') {
      this.phase = 'advertised';
      return undefined;
    }
    return { id, result: this.result };
  }

  private get result(): FibVerification {
    return {
      ok: this.total === 0,
      quiet: this.quietAtStart && this.quiet,
      verdicts: this.engine.voter.stats().routes,
      kernelRoutes: this.kernelRoutes,
      advertised: this.advertisedCount,
      total: this.total,
      differences: this.differences,
    };
  }

  private get quiet(): boolean {
    const { voter, installer } = this.engine;
    return voter.dirty === 0 && voter.unsettled === 0 && installer.pending === 0 && installer.staleCount === 0;
  }

  /** Some thousand prefixes; true when those were the last. */
  private compare(): boolean {
    const { prefixes } = this.engine;
    const end = Math.min(this.at + AT_ONCE, prefixes.limit);
    for (; this.at < end; this.at++) {
      const prefix = this.at;
      if (!prefixes.has(prefix)) continue;
      const verdict = this.engine.verdict(prefix);
      const kernel = prefix < this.seen.length ? this.seen[prefix] : (this.strangers.get(prefix) ?? 0);
      if (verdict === kernel) continue;
      const kind = verdict === 0 ? 'extra' : kernel === 0 ? 'missing' : 'different';
      this.note(kind, prefixes.format(prefix), verdict, kernel);
    }
    const done = this.at >= prefixes.limit;
    if (done) this.at = 0;
    return done;
  }

  /** What was advertised with this router as next hop must be in the table. Some thousand prefixes; true when those were the last. */
  private compareAdvertised(): boolean {
    const { prefixes } = this.engine;
    const nlri = this.advertised[FAMILIES[this.family]];
    for (let left = AT_ONCE; left > 0 && this.at < nlri.length; left--) {
      const { at } = this;
      const family = FAMILIES[this.family];
      this.at += 1 + ((nlri[at] + 7) >> 3);
      this.advertisedCount++;
      const prefix = prefixes.find(family, nlri, at + 1, nlri[at]);
      if (prefix !== 0 && this.engine.verdict(prefix) !== 0) continue;
      const address = new Uint8Array(16);
      address.set(nlri.subarray(at + 1, this.at));
      this.note('advertised-without-route', formatPrefix(family, address, 0, nlri[at]), 0, 0);
    }
    if (this.at < nlri.length) return false;
    this.at = 0;
    return ++this.family === FAMILIES.length;
  }

  private note(kind: Kind, prefix: string, verdict: number, kernel: number): void {
    this.total++;
    if (this.differences.length >= LISTED) return;
    this.differences.push({
      prefix,
      kind,
      verdict: this.reports.nextHops(verdict),
      kernel: this.reports.nextHops(kernel),
    });
  }
}
