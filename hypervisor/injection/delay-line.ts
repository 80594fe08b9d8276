// What a slow replica sends arrives late and in order. Owns messages that wait, with their bound; who is slow is the desk's.
import { now } from '../clock.js';

/** Bytes that may wait; beyond, the oldest arrive earlier than they should. */
export const DELAYED_BYTES = 64 * 1024 * 1024;

interface Waiting {
  due: number;
  message: Uint8Array;
  deliver: (message: Uint8Array) => void;
}

export class DelayLine {
  /** Messages that arrived too early because too much waited. */
  hurried = 0;
  private waiting: Waiting[] = [];
  private first = 0;
  private bytes = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly maxBytes: number;

  constructor(maxBytes: number = DELAYED_BYTES) {
    this.maxBytes = maxBytes;
  }

  get empty(): boolean {
    return this.first === this.waiting.length;
  }

  /** Hands `message` (kept; not to be changed) to `deliver` after `delay` ms, and never before an earlier one. */
  add(message: Uint8Array, delay: number, deliver: (message: Uint8Array) => void): void {
    const due = Math.max(now() + delay, this.waiting.at(-1)?.due ?? 0);
    this.waiting.push({ due, message, deliver });
    this.bytes += message.length;
    while (this.bytes > this.maxBytes) {
      this.hurried++;
      this.release();
    }
    this.arm();
  }

  /** Everything that waits is lost. */
  clear(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting = [];
    this.first = 0;
    this.bytes = 0;
  }

  private arm(): void {
    if (this.timer !== undefined || this.empty) return;
    this.timer = setTimeout(() => this.due(), Math.max(0, Math.ceil(this.waiting[this.first].due - now())));
  }

  private due(): void {
    this.timer = undefined;
    const at = now();
    while (!this.empty && this.waiting[this.first].due <= at) this.release();
    this.arm();
  }

  private release(): void {
    const { message, deliver } = this.waiting[this.first++];
    this.bytes -= message.length;
    if (this.empty || this.first > 1024) {
      this.waiting = this.waiting.slice(this.first);
      this.first = 0;
    }
    deliver(message);
  }
}
