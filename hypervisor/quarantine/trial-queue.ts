// The trials that are to be held: one at a time, each when its replica votes again, so that it takes no time from a recovery. Owns the
// queue and its bound; one trial is trial.ts, what follows from its result trial-desk.ts.
import type { RouterConfig } from '../../configs/model.js';
import type { ShimHub } from '../../preload/hub.js';
import type { Death } from './repeats.js';
import { runTrial, type TrialResult } from './trial.js';
import { TrialInstance, type TrialMessage, type TrialNeighbor } from './trial-instance.js';

/** Deaths whose trial waits; those of further ones are held when none waits any more. */
export const MAX_WAITING = 16;
/** A replica that does not vote again is not waited for longer than this, ms. */
const PATIENCE_MS = 20_000;
/** For one trial, and for one that is held again when no other waits; ms. */
const LIMIT_MS = 120_000;
const PATIENT_LIMIT_MS = 300_000;

/** The messages that one death is put down to. */
export interface TrialCase {
  /** Index of the replica. */
  replica: number;
  death: Death;
  messages: readonly TrialMessage[];
  /** Quarantine numbers, by message; 0 for one that is not quarantined and only belongs to the state. */
  ids: readonly number[];
  neighbors: readonly TrialNeighbor[];
  before: readonly TrialMessage[];
  /** How often they were tried before. */
  tries: number;
}

export interface TrialQueueParts {
  config: RouterConfig;
  hub: ShimHub;
  runDirectory: string;
  /** Whether the replica votes again. */
  recovered: (replica: number) => boolean;
  began: (one: TrialCase) => void;
  ended: (one: TrialCase, result: TrialResult) => void;
}

export class TrialQueue {
  private readonly parts: TrialQueueParts;
  private readonly cases: TrialCase[] = [];
  private current: { replica: number; over: Promise<void> } | undefined;
  private readonly end = new AbortController();

  constructor(parts: TrialQueueParts) {
    this.parts = parts;
  }

  get waiting(): number {
    return this.cases.length;
  }

  /** The replica whose messages are on trial now, as an index. */
  get running(): number | undefined {
    return this.current?.replica;
  }

  /** False when too many wait. */
  add(one: TrialCase): boolean {
    if (this.cases.length >= MAX_WAITING || this.end.signal.aborted) return false;
    this.cases.push(one);
    return true;
  }

  /** Begins the next trial if its time has come, `now` in ms. */
  tick(now: number): void {
    if (this.current !== undefined || this.cases.length === 0 || this.end.signal.aborted) return;
    const next = this.cases.findIndex((one) => this.parts.recovered(one.replica) || now - one.death.at > PATIENCE_MS);
    if (next < 0) return;
    const [one] = this.cases.splice(next, 1);
    this.current = { replica: one.replica, over: this.hold(one) };
  }

  /** Ends the trial under way; nothing of it is left when this resolves. */
  async stop(): Promise<void> {
    this.end.abort();
    await this.current?.over;
  }

  private async hold(one: TrialCase): Promise<void> {
    const { config, hub, runDirectory, began, ended } = this.parts;
    const { messages, neighbors, before } = one;
    const { signal } = this.end;
    const setup = { config, replica: config.replicas[one.replica], hub, runDirectory, neighbors, before };
    began(one);
    const result = await runTrial({
      messages,
      start: () => TrialInstance.start(setup, signal),
      signal,
      limit: one.tries === 0 ? LIMIT_MS : PATIENT_LIMIT_MS,
    });
    this.current = undefined;
    if (!signal.aborted) ended(one, result);
  }
}
