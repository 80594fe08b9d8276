// What a checker of the FIB simulation can look at, and when it is asked. Each returns what is wrong, or undefined.
import type { FibWorld } from './world.js';

/** One of our writes to the kernel, after it was carried out. */
export interface Write {
  op: number;
  prefix: number;
  hops: number;
  /** What the kernel answered. */
  errno: number;
  /** Our route before it, 0 for none. */
  before: number;
  /** Somebody else's route was overwritten. */
  harmed: boolean;
}

export interface FibChecker {
  /** For the report, and for the proof that it can fail. */
  readonly name: string;
  /** The verdict on a prefix has changed. */
  onVerdict?(world: FibWorld, prefix: number): string | undefined;
  onWrite?(world: FibWorld, write: Write): string | undefined;
  /** The installer says that a prefix became installed. */
  onReport?(world: FibWorld, prefix: number): string | undefined;
  /** Eight times per stability threshold, while the hypervisor runs. */
  onTick?(world: FibWorld): string | undefined;
  /** At the end, after a long rest. */
  atRest?(world: FibWorld): string | undefined;
}
