// The way from verdicts to neighbours in the simulated routers: some time after a verdict has changed, and when the neighbour's socket takes
// something, what the voter wants advertised is. Owns when, and what a sabotaged one makes of it.
import type { UpdateVoter } from '../../voter/update-voter.js';
import type { EventQueue } from './event-queue.js';
import type { ModelNeighbor } from './model-neighbor.js';
import type { Random } from './random.js';
import type { Routes } from './routes.js';

/** Prefixes that are sent at once. */
const BATCH = 4;

export interface EmitterParts {
  queue: EventQueue;
  random: Random;
  routes: Routes;
  /** Chance that a neighbour's socket is blocked when something is to be sent. */
  blocking: number;
  /** By index; a voter may be another one later. */
  voters: readonly UpdateVoter[];
  neighbors: readonly ModelNeighbor[];
  /** Sabotage: this route is not sent, or another one in its place. */
  loses: () => boolean;
  falsifies: () => boolean;
  emitted: (n: number, prefix: number, route: number) => void;
}

export class Emitters {
  /** Routes and withdrawals so far. */
  count = 0;
  private readonly parts: EmitterParts;
  private readonly scheduled: boolean[] = [];
  private readonly dirty = new Uint32Array(BATCH);

  constructor(parts: EmitterParts) {
    this.parts = parts;
  }

  /** Something may have changed towards neighbour `n`. */
  schedule(n: number): void {
    const { voters, random, queue, blocking } = this.parts;
    if (this.scheduled[n] || voters[n].dirty === 0) return;
    this.scheduled[n] = true;
    const blocked = random.chance(blocking) ? random.between(0, 3000) : 0;
    queue.after(random.between(0, 2) + blocked, () => this.emit(n));
  }

  private emit(n: number): void {
    this.scheduled[n] = false;
    const { routes, loses, falsifies, emitted } = this.parts;
    const [neighbor, voter] = [this.parts.neighbors[n], this.parts.voters[n]];
    if (!neighbor.up) return;
    const count = voter.takeDirty(this.dirty);
    for (let i = 0; i < count; i++) {
      const prefix = this.dirty[i];
      if (loses()) continue;
      let route = voter.verdict(prefix);
      voter.markAdvertised(prefix, route);
      if (falsifies()) route = routes.fakeRoute(prefix, 0);
      if (route === 0) neighbor.received.delete(prefix);
      else neighbor.received.set(prefix, route);
      this.count++;
      emitted(n, prefix, route);
    }
    this.schedule(n);
  }
}
