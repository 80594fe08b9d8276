// The shapes of `btr fib --json` and of `fib` in `btr status --json`. Public: fields are added, not renamed.
import type { HopsObject } from '../../fib/next-hops.js';

/** Next hops as an operator reads them. */
export type NextHopsReport = HopsObject;

/** `installed`: the kernel has the verdict. `stale`: left by an earlier life, nobody has asked for it yet. */
export type FibRouteState = 'installed' | 'pending' | 'failing' | 'stale' | 'absent';

export interface FibVote {
  replica: string;
  /** False: it is not in the electorate now, or has no say in the forwarding table. */
  counts: boolean;
  agrees: boolean;
  nextHops: NextHopsReport | null;
}

export interface FibRouteReport {
  prefix: string;
  state: FibRouteState;
  verdict: NextHopsReport | null;
  /** What the kernel holds of ours. */
  kernel: NextHopsReport | null;
  /** Why the kernel does not take it. */
  error: string | null;
  votes: FibVote[];
}

export interface FibReplicaStatus {
  replica: string;
  source: 'netlink' | 'tap' | 'none';
  /** Prefixes for which it wants a route. */
  routes: number;
  /** Ballots on which its stable vote differs from the majority. */
  dissents: number;
  /** Netlink sockets open; 0 for a tap. */
  sockets: number;
  /** Routes it has written to its virtual kernel (added, replaced, deleted); 0 for a tap. The probe's are among them. */
  routeWrites: number;
  /** Writes that Linux would have refused, though the daemon was told otherwise. */
  conflicts: number;
  /** Writes that met a route of somebody else with the same key. */
  foreignConflicts: number;
  /** Datagrams that were not netlink. */
  malformed: number;
}

export interface FibStatus {
  backend: 'kernel' | 'dry-run';
  table: number;
  protocol: number;
  metric: number;
  /** Prefixes whose verdict is a route. */
  routes: number;
  /** Of these, the kernel has … */
  installed: number;
  contested: number;
  withoutMajority: number;
  /** Changes that wait to be written. */
  pending: number;
  /** Routes that the kernel refuses; tried again. */
  failing: number;
  /** Left by an earlier life and not asked for yet. */
  stale: number;
  /** Written since the start. */
  created: number;
  replaced: number;
  deleted: number;
  /** Writes that the kernel has refused, by the name of the errno. */
  refused: Record<string, number>;
  /** Repaired because somebody else had changed or removed them. */
  repaired: number;
  /** Routes of others that the replicas see. */
  foreign: number;
  /** Whole checks of the table, and how many differences they found. */
  audits: number;
  auditDifferences: number;
  /** How often events of the kernel were lost (and everything was read anew). */
  overruns: number;
  /** Prefixes, next hops or sets of a tap that found no room: the votes are lost. */
  tableFull: number;
  replicas: FibReplicaStatus[];
}

export interface FibDifference {
  prefix: string;
  kind: 'missing' | 'different' | 'extra' | 'advertised-without-route';
  verdict: NextHopsReport | null;
  kernel: NextHopsReport | null;
}

export interface FibVerification {
  ok: boolean;
  /** Nothing was pending or contested meanwhile; else the differences may be of the moment. */
  quiet: boolean;
  verdicts: number;
  kernelRoutes: number;
  advertised: number;
  /** All there are; `differences` holds the first thousand. */
  total: number;
  differences: FibDifference[];
}
