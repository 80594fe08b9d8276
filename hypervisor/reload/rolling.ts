// Restarts replicas one after the other with another configuration, each only while the others vote, so that no neighbour notices. Owns
// the order, the waiting and when to stop; what a replica is started with is equipment.ts, its life recovery/.
import { setTimeout as delay } from 'node:timers/promises';
import type { ReplicaLife } from '../../recovery/types.js';
import { now } from '../clock.js';
import type { ReplicaStep } from './types.js';

/** How long a replica may take to vote again, ms: a full table takes a slow daemon a minute or two. */
export const PATIENCE_MS = 300_000;
const LOOK_MS = 50;
/** Phases of a replica that comes up as it should. */
const RISING: readonly ReplicaLife['phase'][] = ['starting', 'syncing', 'standby', 'voting'];

export interface RollingParts {
  life(r: number): ReplicaLife;
  isVoting(r: number): boolean;
  /** How many vote now. */
  voters(): number;
  /** It is started with the new configuration the next time. */
  equip(r: number): void;
  /** Ends it in order; it is started again. */
  renew(r: number): void;
  step(r: number, step: ReplicaStep): void;
  stopped(): boolean;
  patienceMs?: number;
}

/** Who did not come back, and why. */
export interface RollingFailure {
  replica: number;
  reason: string;
}

/**
 * Each of `replicas` gets its new configuration: those that do not run at once, for their next start, then standbys, then voters. Resolves
 * with the failure that stopped it; who is in `reached` then has the new configuration.
 */
export class RollingRestart {
  /** Replicas that have the new configuration, in the order in which they got it. */
  readonly reached: number[] = [];
  private readonly parts: RollingParts;
  private readonly seats: number;

  /** `seats`: how many vote when all is well. */
  constructor(parts: RollingParts, seats: number) {
    this.parts = parts;
    this.seats = seats;
  }

  async run(replicas: readonly number[]): Promise<RollingFailure | undefined> {
    const rank = (r: number): number => (!this.runs(r) ? 0 : this.parts.isVoting(r) ? 2 : 1);
    for (const r of [...replicas].sort((a, b) => rank(a) - rank(b))) {
      const failure = this.runs(r) ? await this.restart(r) : this.prepare(r);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  private runs(r: number): boolean {
    return RISING.includes(this.parts.life(r).phase);
  }

  private prepare(r: number): RollingFailure | undefined {
    const failure = this.equip(r);
    this.parts.step(r, failure === undefined ? 'later' : 'failed');
    return failure;
  }

  private equip(r: number): RollingFailure | undefined {
    try {
      this.parts.equip(r);
    } catch (error) {
      return { replica: r, reason: (error as Error).message };
    }
    this.reached.push(r);
    return undefined;
  }

  private async restart(r: number): Promise<RollingFailure | undefined> {
    const { parts } = this;
    // Never more than one is missing.
    const others = (): number => parts.voters() - (parts.isVoting(r) ? 1 : 0);
    const ready = await this.until(() => others() >= this.seats - 1);
    if (ready !== undefined) return { replica: r, reason: `was not restarted: the others do not all vote: ${ready}` };
    if (!this.runs(r)) return this.prepare(r);
    parts.step(r, 'restarting');
    const { restarts } = parts.life(r);
    const unfit = this.equip(r);
    if (unfit !== undefined) {
      parts.step(r, 'failed');
      return unfit;
    }
    parts.renew(r);
    let reason: string | undefined;
    const late = await this.until(() => {
      const life = parts.life(r);
      const began = life.restarts > restarts;
      if (life.phase === 'retired' || life.restarts > restarts + 1 || (began && !RISING.includes(life.phase))) {
        reason = life.reason ?? life.phase;
        return true;
      }
      return began && (parts.isVoting(r) || (life.phase === 'standby' && parts.voters() >= this.seats));
    });
    reason ??= late;
    parts.step(r, reason === undefined ? 'done' : 'failed');
    return reason === undefined ? undefined : { replica: r, reason };
  }

  /** Undefined once it holds; else why it was not waited for any longer. */
  private async until(holds: () => boolean): Promise<string | undefined> {
    const { patienceMs = PATIENCE_MS } = this.parts;
    const deadline = now() + patienceMs;
    while (!holds()) {
      if (this.parts.stopped()) return 'the router is shutting down';
      if (now() > deadline) return `not within ${patienceMs / 1000} s`;
      await delay(LOOK_MS);
    }
    return undefined;
  }
}
