// What the main thread and the forwarding table's thread say to each other. Owns the shapes only; both ends keep the order in which
// things were said.
import type { EngineOptions } from '../../fib/engine.js';
import type { ElectorateState } from '../../voter/electorate.js';
import type { FibRouteReport } from './status.js';

/** What the thread is started with. */
export interface FibSettings {
  backend: 'kernel' | 'dry-run';
  /** Without the clock, which cannot be copied: its memory is shared. */
  engine: Omit<EngineOptions, 'clock'>;
  clockMemory: SharedArrayBuffer;
  /** Replica names by index. */
  replicas: readonly string[];
  /** Between two checks of the whole table, ms. */
  auditInterval: number;
  /** Prefixes that became installed are reported. */
  reportInstalled: boolean;
}

export interface FibWorkerData extends FibSettings {
  /** An eventfd: signalled after every message. */
  wake: number;
  /** The main thread's `now()` minus the monotonic clock, ms. */
  clockOffset: number;
}

export type ToFib =
  | { kind: 'socket'; replica: number; fd: number; portId: number }
  /** `life`: the number of the replica's start; what is said of it from here on carries it. */
  | { kind: 'reset'; replica: number; life: number }
  | { kind: 'electorate'; state: ElectorateState }
  /** Everything that came in before `until` (ms) has come out of the replica's forwarding path. */
  | { kind: 'caught-up'; replica: number; until: number }
  /** Whole UPDATE messages from a replica's tap. */
  | { kind: 'tap'; replica: number; bytes: Uint8Array }
  /** Routes of an earlier life that nobody asked for again may go. */
  | { kind: 'sweep-stale' }
  | { kind: 'request'; id: number; request: FibRequest }
  | { kind: 'stop'; keep: boolean };

export type FibRequest =
  | { what: 'status' }
  /** No vote counts any more: the replicas are being ended. */
  | { what: 'freeze' }
  | { what: 'routes'; query: FibQuery }
  /** `advertised`: NLRI of what neighbours were told, IPv4 and IPv6 apart. */
  | { what: 'verify'; advertised: readonly [Uint8Array, Uint8Array] }
  | { what: 'inject'; replica: number; injection: unknown };

export interface FibRoutes {
  routes: FibRouteReport[];
  /** Those that were left out because of the limit are counted, too. */
  total: number;
}

export interface FibQuery {
  prefix?: string;
  /** Only routes in this state. */
  state?: string;
  limit?: number;
}

/** NLRI of prefixes that the table has from now on, and that it has no longer; IPv4 and IPv6 apart. */
export interface InstalledNlri {
  installed: readonly [Uint8Array, Uint8Array];
  removed: readonly [Uint8Array, Uint8Array];
}

export type FromFib =
  /** Ours that were in the table at start, by family. */
  | { kind: 'ready'; found: readonly [number, number] }
  | { kind: 'failed'; message: string }
  | { kind: 'probe'; replica: number; life: number; n: number }
  | { kind: 'overthrow'; from: number; candidates: number; epoch: number }
  | { kind: 'log'; level: 'error' | 'warn' | 'info' | 'debug'; text: string }
  /** Lines for the vote log. */
  | { kind: 'records'; lines: string[] }
  | ({ kind: 'installed' } & InstalledNlri)
  | { kind: 'fault'; replica: number; life: number; reason: string }
  /** Some of the routes that were asked for; the rest is in the answer. */
  | { kind: 'part'; id: number; routes: FibRouteReport[] }
  | { kind: 'answer'; id: number; result?: unknown; error?: string }
  | { kind: 'stopped' };
