// The real kernel as one replica is to see it when events reach it late: a picture of its own that follows the real one after a random
// delay, in one step, so that what comes and goes meanwhile is never seen. Owns when it follows and what is told then. Dumps are answered from
// the same picture, so that they never say more than was announced.
import { KernelMirror } from './kernel-mirror.js';
import type { MirrorChange, MirrorKind, MirrorOptions } from './kernel-mirror.js';

/** Milliseconds, both included. */
export interface EventDelay {
  from: number;
  to: number;
}

export interface DelayedMirrorParts {
  real: Pick<KernelMirror, 'forEach'>;
  delay: EventDelay;
  /** 0..1. */
  random: () => number;
  mirror: MirrorOptions;
}

/** What others hang on comes first: a daemon takes no address of a link that it does not know. */
const ORDER: readonly MirrorKind[] = ['link', 'netconf', 'address', 'rule', 'neighbor', 'route'];

export class DelayedMirror {
  /** As far as the replica knows. */
  readonly shown: KernelMirror;
  private readonly parts: DelayedMirrorParts;
  private due = Infinity;

  constructor(parts: DelayedMirrorParts) {
    this.parts = parts;
    this.shown = new KernelMirror(parts.mirror);
  }

  /** The real kernel changed. The first change that waits decides when all that have come by then are told. */
  changed(now: number): void {
    if (this.due !== Infinity) return;
    const { from, to } = this.parts.delay;
    this.due = now + from + this.parts.random() * (to - from);
  }

  get waiting(): boolean {
    return this.due !== Infinity;
  }

  /** What is to be told now: the difference between what is known and what is, once its time has come. */
  take(now: number): MirrorChange[] {
    return now < this.due ? [] : this.catchUp();
  }

  /** The same at once. Costs a pass over all that the kernel has. */
  catchUp(): MirrorChange[] {
    const { shown, parts } = this;
    const changes: MirrorChange[] = [];
    this.due = Infinity;
    shown.beginResync();
    for (const kind of ORDER) {
      parts.real.forEach(kind, undefined, (message) => {
        const change = shown.apply(message, 0, message.length);
        if (change !== undefined) changes.push(change);
      });
    }
    // Netconf and addresses go before their link, routes come last.
    return [...changes, ...shown.endResync()];
  }
}
