// `btr fib --verify`: do the verdicts, the kernel and what neighbours were told agree? Walks over our own routes in the kernel, a slice
// per turn, and reports every prefix where they do not. Changes nothing.
import type { FibEngine } from '../../fib/engine.js';
import { FAMILIES } from '../../wire/family.js';
import { formatPrefix } from '../../wire/prefix-text.js';
import { visitor } from './audit.js';
import type { FibBackend, OwnDump } from './kernel/backend.js';
import type { FibReports } from './reports.js';
import type { FibDifference, FibVerification } from './status.js';

/** Differences that are spelled out. */
const LISTED = 1000;

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
  private kernelRoutes = 0;
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
    if (this.dump.step()) return undefined;
    const { id, dump } = this;
    if (dump.error !== undefined) return { id, error: `the kernel's table cannot be read: ${dump.error}` };
    this.compare();
    const advertised = this.compareAdvertised();
    return {
      id,
      result: {
        ok: this.total === 0,
        quiet: this.quietAtStart && this.quiet,
        verdicts: this.engine.voter.stats().routes,
        kernelRoutes: this.kernelRoutes,
        advertised,
        total: this.total,
        differences: this.differences,
      },
    };
  }

  private get quiet(): boolean {
    const { voter, installer } = this.engine;
    return voter.dirty === 0 && voter.unsettled === 0 && installer.pending === 0 && installer.staleCount === 0;
  }

  private compare(): void {
    const { prefixes } = this.engine;
    for (let prefix = 1; prefix < prefixes.limit; prefix++) {
      if (!prefixes.has(prefix)) continue;
      const verdict = this.engine.verdict(prefix);
      const kernel = prefix < this.seen.length ? this.seen[prefix] : (this.strangers.get(prefix) ?? 0);
      if (verdict === kernel) continue;
      const kind = verdict === 0 ? 'extra' : kernel === 0 ? 'missing' : 'different';
      this.note(kind, prefixes.format(prefix), verdict, kernel);
    }
  }

  /** What was advertised with this router as next hop must be in the table. Returns how many prefixes that are. */
  private compareAdvertised(): number {
    const { prefixes } = this.engine;
    let count = 0;
    for (const family of FAMILIES) {
      const nlri = this.advertised[family];
      for (let at = 0; at < nlri.length; at += 1 + ((nlri[at] + 7) >> 3)) {
        count++;
        const prefix = prefixes.find(family, nlri, at + 1, nlri[at]);
        if (prefix !== 0 && this.engine.verdict(prefix) !== 0) continue;
        this.note('advertised-without-route', formatPrefix(family, nlri, at + 1, nlri[at]), 0, 0);
      }
    }
    return count;
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
