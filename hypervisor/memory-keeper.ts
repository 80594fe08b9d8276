// Gives memory back that the process has freed but the C library keeps: after a burst (a table, a replica's death with thousands of messages
// under way) that is a third of what the process seems to need. Owns when it is worth the time, some 3 ms for each 10 MB, in which nobody else
// can allocate; what is freed, and when, is the garbage collector's affair.
import process from 'node:process';
import { giveFreedMemoryBack } from '../preload/native.js';

export interface MemoryKeeperOptions {
  /** Looked at so often, ms. Default a minute. */
  interval?: number;
  /** By so much it must have grown since it was smallest, or since the last try, bytes. Default 32 MiB; half of it given back is a success. */
  growth?: number;
  /** Resident bytes of the process. */
  resident?: () => number;
  giveBack?: () => Promise<unknown>;
}

/** A try that gave nothing back is repeated after two intervals, then four, and at most so many. */
const LONGEST_WAIT = 16;

export class MemoryKeeper {
  private readonly options: Required<MemoryKeeperOptions>;
  private nextLook = -Infinity;
  private underWay = false;
  /** The fewest resident bytes since memory was last given back with success. */
  private lowest = Infinity;
  /** What the last try left, bytes, when the next one is due, ms, and after how many intervals. */
  private left = Infinity;
  private nextTry = -Infinity;
  private wait = 1;

  constructor(options: MemoryKeeperOptions = {}) {
    const resident = (): number => process.memoryUsage.rss();
    this.options = { interval: 60_000, growth: 32 << 20, resident, giveBack: giveFreedMemoryBack, ...options };
  }

  tick(now: number): void {
    if (now < this.nextLook || this.underWay) return;
    const { interval, growth, resident } = this.options;
    this.nextLook = now + interval;
    const bytes = resident();
    this.lowest = Math.min(this.lowest, bytes);
    if (bytes < this.lowest + growth) this.wait = 1;
    else if (now >= this.nextTry || bytes >= this.left + growth) void this.giveBack(bytes, now);
  }

  /** In the middle of a burst nothing is free yet, and what is used for good never will be: it is tried again, more and more rarely. */
  private async giveBack(before: number, now: number): Promise<void> {
    const { interval, growth, resident, giveBack } = this.options;
    this.underWay = true;
    await giveBack();
    this.underWay = false;
    this.left = resident();
    const isSuccess = before - this.left >= growth / 2;
    this.wait = isSuccess ? 1 : Math.min(2 * this.wait, LONGEST_WAIT);
    if (isSuccess) this.lowest = this.left;
    this.nextTry = now + this.wait * interval;
  }
}
