// A model of a daemon as the FIB voter sees it: it is told the truth about each prefix, thinks about it, and writes a next hop to its
// virtual kernel. And every way of going wrong. Its faults are switched from outside (faults.ts).
import type { EventQueue } from '../event-queue.js';
import type { Random } from '../random.js';

/** What the replica says instead of the truth on a prefix. */
export type FibLie = { kind: 'fake'; hops: number } | { kind: 'silence' } | { kind: 'stuck' };

export interface FibReplicaParts {
  queue: EventQueue;
  random: Random;
  digestion: number;
  thinking: number;
  cast(prefix: number, hops: number): void;
  /** Whether its kernel shows it a way to these next hops. */
  reachable(hops: number): boolean;
}

export class FibReplica {
  hung = false;
  /** Everything takes so many times as long. */
  lag = 1;
  /** Chance that a write does not arrive. */
  losing = 0;
  readonly lies = new Map<number, FibLie>();
  /** What it knows: prefix → next hops. */
  readonly known = new Map<number, number>();
  private readonly told = new Map<number, number>();
  private readonly parts: FibReplicaParts;
  /** Grows with every restart, so that what an earlier life had in mind is dropped. */
  private life = 0;
  private deferred: (() => void)[] = [];
  private digestedAt = 0;
  private lastOutputAt = 0;
  private readonly thinkingOf = new Set<number>();

  constructor(parts: FibReplicaParts) {
    this.parts = parts;
  }

  /** A new process that knows nothing. Its lies stay: they are in the code. */
  restart(): void {
    this.life++;
    this.hung = false;
    this.deferred = [];
    this.known.clear();
    this.told.clear();
    this.thinkingOf.clear();
  }

  /** It is told the truth (0: no route). */
  learn(prefix: number, hops: number): void {
    const { queue, random, digestion } = this.parts;
    this.digestedAt = Math.max(this.digestedAt, queue.now + random.between(0, digestion * this.lag));
    this.later(this.digestedAt, () => {
      this.known.set(prefix, hops);
      this.think(prefix);
    });
  }

  /** What a correct replica that knows what this one knows says about a prefix. */
  best(prefix: number): number {
    const hops = this.known.get(prefix) ?? 0;
    return hops !== 0 && this.parts.reachable(hops) ? hops : 0;
  }

  /** Calls back when everything it was told so far has been worked off and its outcome has been said. */
  probe(done: () => void): void {
    this.later(this.digestedAt, () => this.later(this.lastOutputAt, done));
  }

  resume(): void {
    this.hung = false;
    const { deferred } = this;
    this.deferred = [];
    for (const run of deferred) run();
  }

  /** Thinks again about everything; `anew`: as if it had not said anything yet. */
  speakUp(anew = false): void {
    if (anew) this.told.clear();
    for (const prefix of this.known.keys()) this.think(prefix);
  }

  /** Says any next hop whatever, and takes it back when it next thinks about it. */
  babble(prefix: number, hops: number): void {
    if (this.hung || !this.known.has(prefix)) return;
    this.told.set(prefix, hops);
    this.parts.cast(prefix, hops);
    this.think(prefix);
  }

  private later(time: number, run: () => void): void {
    const { life } = this;
    this.parts.queue.at(time, () => {
      if (life !== this.life) return;
      if (this.hung) this.deferred.push(run);
      else run();
    });
  }

  /** Says what it makes of a prefix after a while; states that do not last are never said. */
  private think(prefix: number): void {
    if (this.thinkingOf.has(prefix)) return;
    this.thinkingOf.add(prefix);
    const { queue, random, thinking } = this.parts;
    const time = queue.now + random.between(0, thinking * this.lag);
    this.lastOutputAt = Math.max(this.lastOutputAt, time);
    this.later(time, () => {
      this.thinkingOf.delete(prefix);
      this.tell(prefix);
    });
  }

  private tell(prefix: number): void {
    const lie = this.lies.get(prefix);
    if (lie?.kind === 'stuck') return;
    let hops = this.best(prefix);
    if (lie?.kind === 'silence') hops = 0;
    else if (lie?.kind === 'fake') hops = lie.hops;
    if (this.told.get(prefix) === hops) return;
    this.told.set(prefix, hops);
    if (!this.parts.random.chance(this.losing)) this.parts.cast(prefix, hops);
  }
}
