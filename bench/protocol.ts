// What the benchmark and its peer processes (peer.ts) tell each other over Node's message channel. Times are
// CLOCK_MONOTONIC in milliseconds, which all processes of a machine share.
import process from 'node:process';

export interface PeerSettings {
  role: 'feeder' | 'sink';
  host: string;
  localAddress: string;
  as: number;
  peerAs: number;
  /** Feeder: file of encoded UPDATEs. */
  input?: string;
  /** Sink: prefixes to wait for. */
  expect?: number;
}

export type ToPeer =
  | { kind: 'settings'; settings: PeerSettings }
  /** Feeder: write the whole input now. */
  | { kind: 'feed' }
  /** Feeder: announce one new prefix, the `index`-th. */
  | { kind: 'single'; index: number }
  /** Sink: say when more than so many different prefixes have arrived, or at once when they have. */
  | { kind: 'watch'; beyond: number }
  /** Sink: note what is announced for the `index`-th single prefix from now on. */
  | { kind: 'follow'; index: number }
  | { kind: 'report' }
  | { kind: 'stop' };

export type FromPeer =
  | { kind: 'established' }
  /** Feeder: all of the input was taken by the socket. */
  | { kind: 'fed'; startMs: number; endMs: number }
  | { kind: 'complete'; atMs: number }
  | { kind: 'arrived'; atMs: number }
  | { kind: 'report'; report: PeerReport }
  | { kind: 'down'; reason: string };

export interface PeerReport {
  distinct: number;
  announcements: number;
  withdrawals: number;
  messages: number;
  /** When the last UPDATE arrived; 0 when none did. */
  lastMs: number;
  /** Feeder: when each single prefix was written. */
  singles: number[];
  /** Sink: the announcements of the prefix that is followed, attributes in hexadecimal. */
  heard: { atMs: number; attributes: string }[];
}

/** CLOCK_MONOTONIC, ms. performance.now() counts from each process's own start. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
