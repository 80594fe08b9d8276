// What the forwarding-table benchmark and its two child processes (fib-observer.ts, fib-own.ts) tell each other over Node's message
// channel. Times are CLOCK_MONOTONIC in milliseconds.

/** Which prefixes the observer is shown: those whose third address byte has these bits clear, about one in 32. */
export const SAMPLE_MASK = 0x1f00;

export type ToObserver = { kind: 'watch'; action: 'new' | 'del'; expect: number };

export type FromObserver =
  | { kind: 'ready' }
  /** So many sampled routes have come or gone, the first and the last at these times. */
  | { kind: 'complete'; firstMs: number; lastMs: number }
  | { kind: 'progress'; count: number };

export type OwnOp = 'insert' | 'replace' | 'remove';

export type ToOwn =
  /** `file`: pairs of 32-bit words, address and length. */
  { kind: 'load'; file: string; gateways: [string, string]; ifindex: number } | { kind: 'run'; op: OwnOp };

export type FromOwn =
  { kind: 'ready' } | { kind: 'done'; ms: number; userMs: number; systemMs: number; calls: number; refused: number };
