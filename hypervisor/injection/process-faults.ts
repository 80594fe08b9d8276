// Faults of a replica's process and sessions: stopped, killed, slow, a session lost. Owns the delay lines and that a stopped process goes on
// when its fault ends; which fault is in force is the desk's.
import { DelayLine } from './delay-line.js';
import type { InjectionTarget } from './targets.js';
import type { InjectionRequest } from './types.js';

export class ProcessFaults {
  private readonly targets: readonly InjectionTarget[];
  private readonly lines = new Map<number, DelayLine>();
  /** By injection: replica and delay, ms. */
  private readonly slow = new Map<number, { replica: number; delay: number }>();
  /** By injection: the process that was stopped. */
  private readonly stopped = new Map<number, { replica: number; pid: number }>();

  constructor(targets: readonly InjectionTarget[]) {
    this.targets = targets;
  }

  /** Whether anything that a replica sends has to come this way. */
  get delays(): boolean {
    return this.lines.size > 0;
  }

  /** Hands what the replica sent to `deliver`, at once or later. `message` is copied when it has to wait. */
  pass(replica: number, message: Uint8Array, start: number, end: number, deliver: Deliver): void {
    const line = this.lines.get(replica);
    const delay = this.delayOf(replica);
    if (line === undefined || (delay === 0 && line.empty)) {
      deliver(message, start, end);
      return;
    }
    line.add(message.slice(start, end), delay, (bytes) => deliver(bytes, 0, bytes.length));
  }

  slowDown(id: number, replica: number, delay: number): void {
    this.slow.set(id, { replica, delay });
    if (!this.lines.has(replica)) this.lines.set(replica, new DelayLine());
  }

  /** Throws an Error for the user. */
  stop(id: number, replica: number): void {
    this.stopAgain(id, replica);
    if (!this.stopped.has(id)) throw new Error(`${this.targets[replica].name} does not run`);
  }

  /** The replica has another process by now. */
  stopAgain(id: number, replica: number): void {
    const target = this.targets[replica];
    const pid = target.pid();
    if (pid !== undefined && target.signal('SIGSTOP', true)) this.stopped.set(id, { replica, pid });
  }

  /** Says in words what was done. Throws an Error for the user. */
  crash({ replica, signal }: InjectionRequest): string {
    const target = this.targets[replica];
    const pid = target.pid();
    if (pid === undefined || !target.signal(signal, false)) throw new Error(`${target.name} does not run`);
    return `${signal} to ${target.name} (pid ${pid})`;
  }

  /** As `crash`. `neighbors`: which to try, in this order. */
  reset(replica: number, neighbors: readonly number[], names: readonly string[]): string {
    const target = this.targets[replica];
    for (const n of neighbors) {
      if (target.loseSession(n, `injected: NOTIFICATION 6/0 (Cease)`)) return `${target.name} lost ${names[n]}`;
    }
    throw new Error(`${target.name} has no session up to ${neighbors.map((n) => names[n]).join(', ')}`);
  }

  end(id: number): void {
    this.slow.delete(id);
    const stopped = this.stopped.get(id);
    this.stopped.delete(id);
    if (stopped === undefined || [...this.stopped.values()].some(({ pid }) => pid === stopped.pid)) return;
    const target = this.targets[stopped.replica];
    if (target.pid() === stopped.pid) target.signal('SIGCONT', true);
  }

  /** The replica starts anew: what it had sent is nobody's word any more. */
  forgotten(replica: number): void {
    this.lines.get(replica)?.clear();
  }

  /** Lines that are of no use any more go. */
  tick(): void {
    for (const [replica, line] of this.lines) {
      if (line.empty && this.delayOf(replica) === 0) this.lines.delete(replica);
    }
  }

  close(): void {
    for (const line of this.lines.values()) line.clear();
    for (const id of [...this.stopped.keys()]) this.end(id);
  }

  private delayOf(replica: number): number {
    let delay = 0;
    for (const one of this.slow.values()) if (one.replica === replica) delay = Math.max(delay, one.delay);
    return delay;
  }
}

export type Deliver = (message: Uint8Array, start: number, end: number) => void;
