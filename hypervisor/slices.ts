// Long look-ups on the main thread, in slices: who walks over many ballots lets everybody else have a turn every few milliseconds. Owns only
// when it is time to let go.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { now } from './clock.js';

/** A slice, ms. */
const SLICE_MS = 2;
/** Steps between two looks at the clock. */
const AT_ONCE = 64;

export class Slices {
  private steps = 0;
  private until = now() + SLICE_MS;

  /** To be called once per step of the work, and awaited where it returns a promise. `weight`: how many small steps it was worth. */
  step(weight = 1): Promise<void> | undefined {
    this.steps += weight;
    if (this.steps < AT_ONCE) return undefined;
    this.steps = 0;
    return now() < this.until ? undefined : this.letGo();
  }

  private async letGo(): Promise<void> {
    await nextTurn();
    this.until = now() + SLICE_MS;
  }
}
