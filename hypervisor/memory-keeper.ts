// Gives memory back that the process has freed but the C library keeps: after a burst (a table, a replica's death with thousands of messages
// under way) that is a third of what the process seems to need. Owns when it is worth the time, some 3 ms for each 10 MB, in which nobody else
// can allocate; what is freed, and when, is the garbage collector's affair.
import process from 'node:process';
import { giveFreedMemoryBack } from '../preload/native.js';

export interface MemoryKeeperOptions {
  /** Looked at so often, ms. Default a minute. */
  interval?: number;
  /** By so much it must have grown since it was last looked at and found settled, bytes. Default 32 MiB. */
  growth?: number;
  /** Resident bytes of the process. */
  resident?: () => number;
  giveBack?: () => Promise<unknown>;
}

export class MemoryKeeper {
  private readonly options: Required<MemoryKeeperOptions>;
  private nextLook = -Infinity;
  /** Resident bytes after the last time that memory was given back; undefined before, and while it is being given back. */
  private settled: number | undefined;

  constructor(options: MemoryKeeperOptions = {}) {
    const resident = (): number => process.memoryUsage.rss();
    this.options = { interval: 60_000, growth: 32 << 20, resident, giveBack: giveFreedMemoryBack, ...options };
  }

  tick(now: number): void {
    if (now < this.nextLook) return;
    const { interval, growth, resident, giveBack } = this.options;
    const first = this.nextLook === -Infinity;
    this.nextLook = now + interval;
    const bytes = resident();
    if (first || (this.settled !== undefined && bytes < this.settled)) this.settled = bytes;
    if (this.settled === undefined || bytes < this.settled + growth) return;
    this.settled = undefined;
    void giveBack().then(() => (this.settled = resident()));
  }
}
