// Random delays that make replicas which share code meet the same things at different times: a draw from a range, and the delay line that
// holds back what a neighbour sends to one replica without changing its order. Pure: time and randomness are arguments. Who waits with a
// timer, and the messages themselves, belong to the hypervisor and the replicator.

/** Milliseconds, both included. */
export interface Range {
  from: number;
  to: number;
}

/** A number in [0, 1). */
export type Random = () => number;

/** Marks that a delay line keeps; when there are more, what comes in later shares the last one. */
const MAX_MARKS = 4096;

/** A delay drawn uniformly from the range, ms; 0 without a range. */
export function draw(range: Range | undefined, random: Random): number {
  return range === undefined ? 0 : range.from + (range.to - range.from) * random();
}

/**
 * Until when what came in may be handed on. Works with times of arrival in whole milliseconds (as the replicator's log keeps them): all that
 * comes in within one millisecond shares a delay. Nobody overtakes: who draws a short delay waits for those before him.
 */
export class DelayLine {
  private readonly range: Range;
  private readonly random: Random;
  /** What came in up to `arrivals[i]` may go at `dues[i]`; both grow. */
  private arrivals: number[] = [];
  private dues: number[] = [];
  private first = 0;
  private released = -Infinity;

  constructor(range: Range, random: Random) {
    this.range = range;
    this.random = random;
  }

  /** Something has come in that was not there at the last call. */
  arrived(now: number): void {
    const arrival = Math.floor(now);
    const last = this.arrivals.length - 1;
    const waiting = last >= this.first;
    if (waiting && this.arrivals[last] >= arrival) return;
    // Counted from the end of this millisecond, so that nothing that shares the mark is early.
    const due = Math.max(arrival + 1 + draw(this.range, this.random), waiting ? this.dues[last] : -Infinity);
    const full = this.arrivals.length - this.first >= MAX_MARKS;
    if (waiting && (full || due === this.dues[last])) {
      this.arrivals[last] = arrival;
      this.dues[last] = due;
      return;
    }
    this.arrivals.push(arrival);
    this.dues.push(due);
  }

  /** All that came in up to this time (ms, whole) may be handed on; -Infinity when nothing may. */
  horizon(now: number): number {
    while (this.first < this.dues.length && this.dues[this.first] <= now) this.released = this.arrivals[this.first++];
    if (this.first === this.dues.length) {
      this.arrivals.length = this.dues.length = this.first = 0;
    } else if (this.first > MAX_MARKS) {
      this.arrivals.splice(0, this.first);
      this.dues.splice(0, this.first);
      this.first = 0;
    }
    return this.released;
  }

  /** When the horizon moves next, ms; Infinity while nothing is held back. */
  nextDue(): number {
    return this.first < this.dues.length ? this.dues[this.first] : Infinity;
  }
}
