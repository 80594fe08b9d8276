// Answers to `btr fib` and the forwarding table's part of `btr status`: verdicts, the kernel's state and votes as an operator reads them.
// Owns the look-up of one thing; walks over all are listing.ts and verification.ts, the shapes are status.ts.
import os from 'node:os';
import type { EngineOptions, FibEngine } from '../../fib/engine.js';
import { UNKNOWN_HOPS } from '../../fib/installer.js';
import { hopsAsObject } from '../../fib/next-hops.js';
import type { Audit } from './audit.js';
import type { FibBackend } from './kernel/backend.js';
import type { ReplicaSockets } from './sockets.js';
import type { FibReplicaStatus, FibRouteReport, FibRouteState, FibStatus, FibVote, NextHopsReport } from './status.js';

const UNKNOWN_REPORT: NextHopsReport = { type: 'unknown', nextHops: [] };

const errnoNames = new Map(Object.entries(os.constants.errno).map(([name, value]) => [value as number, name]));

/** `ENOBUFS`, or the number where it has no name. */
export function errnoName(errno: number): string {
  return errnoNames.get(errno) ?? `errno ${errno}`;
}

export class FibReports {
  private readonly engine: FibEngine;
  private readonly settings: Omit<EngineOptions, 'clock'>;
  private readonly replicas: readonly string[];

  constructor(engine: FibEngine, settings: Omit<EngineOptions, 'clock'>, replicas: readonly string[]) {
    this.engine = engine;
    this.settings = settings;
    this.replicas = replicas;
  }

  /** Next hops by id; null for none. */
  nextHops(id: number): NextHopsReport | null {
    if (id === 0) return null;
    if (id === UNKNOWN_HOPS) return UNKNOWN_REPORT;
    return hopsAsObject(this.engine.hops.get(id), (ifindex) => this.engine.mirror.linkName(ifindex));
  }

  status(backend: FibBackend, sockets: ReplicaSockets, audit: Audit, overruns: number): FibStatus {
    const { installer, voter, mirror } = this.engine;
    const stats = voter.stats();
    const { created, replaced, deleted, interfered } = installer.counters;
    return {
      backend: backend.name,
      ...this.settings.own,
      routes: stats.routes,
      installed: installer.installedCount,
      contested: stats.contested,
      withoutMajority: stats.withoutMajority,
      pending: installer.pending + voter.dirty,
      failing: installer.failing,
      stale: installer.staleCount,
      created,
      replaced,
      deleted,
      refused: Object.fromEntries([...installer.refusals].map(([errno, count]) => [errnoName(errno), count])),
      repaired: interfered,
      foreign: mirror.routeCount,
      audits: audit.count,
      auditDifferences: audit.differences,
      overruns,
      tableFull: this.engine.tap.tableFull,
      replicas: this.replicas.map((replica, r) => this.replicaStatus(replica, r, stats, sockets)),
    };
  }

  /** Whether there is anything to say about the prefix, and it is in the state that is asked for. */
  isAskedFor(prefix: number, state: string | undefined): boolean {
    if (!this.engine.prefixes.has(prefix) || !this.isKnown(prefix)) return false;
    if (state === undefined) return true;
    return state === 'contested' ? this.engine.voter.isContested(prefix) : this.state(prefix) === state;
  }

  route(prefix: number): FibRouteReport {
    const { installer, prefixes } = this.engine;
    const verdict = this.engine.verdict(prefix);
    const errno = installer.refusedWith(prefix);
    return {
      prefix: prefixes.format(prefix),
      state: this.state(prefix),
      verdict: this.nextHops(verdict),
      kernel: this.nextHops(installer.installedHops(prefix)),
      error: errno === 0 ? null : errnoName(errno),
      votes: this.replicas.flatMap((replica, r) =>
        this.settings.sources[r] === 'none' ? [] : [this.vote(replica, r, prefix, verdict)],
      ),
    };
  }

  private replicaStatus(
    replica: string,
    r: number,
    stats: { present: number[]; dissents: number[] },
    sockets: ReplicaSockets,
  ): FibReplicaStatus {
    return {
      replica,
      source: this.settings.sources[r],
      routes: stats.present[r],
      dissents: stats.dissents[r],
      sockets: sockets.countOf(r),
      routeWrites: this.routeWrites(r),
      ...this.troubles(r),
    };
  }

  /** What went otherwise than the daemon believes, or was no netlink. */
  private troubles(r: number): Pick<FibReplicaStatus, 'conflicts' | 'foreignConflicts' | 'malformed'> {
    const { conflicts = {}, foreignConflicts = 0, malformed = 0 } = this.engine.kernels[r]?.counters ?? {};
    const refused = Object.values(conflicts).reduce((sum, count) => sum + count, 0);
    return { conflicts: refused, foreignConflicts, malformed };
  }

  private routeWrites(r: number): number {
    const { routesAdded = 0, routesReplaced = 0, routesDeleted = 0 } = this.engine.kernels[r]?.counters ?? {};
    return routesAdded + routesReplaced + routesDeleted;
  }

  private isKnown(prefix: number): boolean {
    const { voter, installer } = this.engine;
    if (voter.verdict(prefix) !== 0 || installer.installedHops(prefix) !== 0) return true;
    for (let r = 0; r < this.replicas.length; r++) if (voter.currentVote(r, prefix) !== 0) return true;
    return false;
  }

  private state(prefix: number): FibRouteState {
    const { installer } = this.engine;
    if (installer.refusedWith(prefix) !== 0) return 'failing';
    const verdict = this.engine.verdict(prefix);
    const held = installer.installedHops(prefix);
    if (verdict === held) return verdict === 0 ? 'absent' : 'installed';
    return verdict === 0 && installer.staleCount > 0 ? 'stale' : 'pending';
  }

  private vote(replica: string, r: number, prefix: number, verdict: number): FibVote {
    const vote = this.engine.voter.currentVote(r, prefix);
    return {
      replica,
      counts: this.engine.voter.hasSay(r, prefix),
      agrees: vote === verdict,
      nextHops: this.nextHops(vote),
    };
  }
}
