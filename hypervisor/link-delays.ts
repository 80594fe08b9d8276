// Random delays on the sessions of one replica (diversity): what a neighbour sends is handed on late, and so is the news that a neighbour
// went away. Owns the timers; how long is recovery/delays.ts, the sessions are replica-link.ts.
import { DelayLine, draw, type Range } from '../recovery/delays.js';
import { now } from './clock.js';

/** Holds back what comes in for one session. The messages stay in the replicator's log, this only says up to which time they may go. */
export class DelayedDelivery {
  private readonly line: DelayLine;
  private readonly wake: () => void;
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Infinity;
  private seen = 0;

  /** `wake` is called when more may go. */
  constructor(range: Range, wake: () => void) {
    this.line = new DelayLine(range, Math.random);
    this.wake = wake;
  }

  /** What came in up to this time (ms) may go now. `backlog`: bytes that wait, among them what has come in since the last call. */
  horizon(backlog: number): number {
    const at = now();
    if (backlog > this.seen) this.line.arrived(at);
    return this.line.horizon(at);
  }

  /** What might go has been taken as far as there was room for it; so much is left, bytes. `room`: there would be for more. */
  left(backlog: number, room: boolean): void {
    this.seen = backlog;
    // Whatever a change between log and current state has done to the numbers: nothing waits for ever.
    if (room && backlog > 0 && this.line.nextDue() === Infinity) this.line.arrived(now());
    this.arm();
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private arm(): void {
    const due = this.line.nextDue();
    if (due >= this.timerAt) return;
    clearTimeout(this.timer);
    this.timerAt = due;
    this.timer = setTimeout(
      () => {
        this.timerAt = Infinity;
        this.wake();
      },
      Math.max(1, Math.ceil(due - now())),
    );
  }
}

/** A session whose neighbour went away. */
export interface Departing {
  plan: { id: number };
  isUp: boolean;
  /** Nothing that comes from it counts from now on, and nothing is sent any more. */
  depart(): void;
  close(): void;
}

/** Sessions of neighbours that are gone, of which the replica is told after a while. */
export class Departures {
  private readonly range: Range | undefined;
  private readonly waiting = new Map<number, { link: Departing; since: number; timer: NodeJS.Timeout }>();

  constructor(range: Range | undefined) {
    this.range = range;
  }

  /** The earliest time at which a neighbour went away of which the replica does not know yet, ms; Infinity for none. */
  get since(): number {
    let since = Infinity;
    for (const one of this.waiting.values()) since = Math.min(since, one.since);
    return since;
  }

  /** Closes the session, after a delay if there is one. */
  add(link: Departing): void {
    if (this.range === undefined || !link.isUp) {
      link.close();
      return;
    }
    const { id } = link.plan;
    this.finish(id);
    link.depart();
    const timer = setTimeout(() => this.finish(id), draw(this.range, Math.random));
    this.waiting.set(id, { link, since: now(), timer });
  }

  /** Closes the session now: the neighbour is back, and there is one session for each. */
  finish(id: number): void {
    const one = this.waiting.get(id);
    if (one === undefined) return;
    this.waiting.delete(id);
    clearTimeout(one.timer);
    one.link.close();
  }

  finishAll(): void {
    for (const id of [...this.waiting.keys()]) this.finish(id);
  }
}
