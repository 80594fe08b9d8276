// One replica as the planner sees it: its phase, what comes next, and what is remembered of it from one life of the daemon to the next.
import { RestartBudget } from './restart-budget.js';
import type { PlannerOptions, ReplicaLife, ReplicaPhase, StandbyKind } from './types.js';

/** What follows once its processes are gone: a restart by the budget, one that costs nothing, or none. */
export type Sequel = 'restart' | 'again' | 'off' | 'retire';

export class Life implements ReplicaLife {
  readonly index: number;
  readonly name: string;
  readonly standby: StandbyKind;
  readonly budget: RestartBudget;
  phase: ReplicaPhase = 'off';
  since = 0;
  nextStart = Infinity;
  reason: string | null = null;
  /** Has failed, and was not synchronised since: somebody may take its place. */
  failed = false;
  sequel: Sequel = 'restart';
  starts = 0;
  /** When it was last restarted for dissent, and for a warning, ms. */
  repairedAt = -Infinity;
  warnedAt = -Infinity;
  /** What has been said about the dissent that lasts now. */
  told: 'spared' | 'reported' | undefined;
  toldCount = 0;

  constructor(index: number, options: PlannerOptions) {
    this.index = index;
    ({ name: this.name, standby: this.standby } = options.replicas[index]);
    this.budget = new RestartBudget(options);
  }

  get restarts(): number {
    return Math.max(0, this.starts - 1);
  }

  /** Its daemon is there, or on its way. */
  get runs(): boolean {
    return this.phase === 'starting' || this.phase === 'syncing' || this.isSynchronised;
  }

  get isSynchronised(): boolean {
    return this.phase === 'standby' || this.phase === 'voting';
  }

  enter(phase: ReplicaPhase, now: number): void {
    if (this.phase === phase) return;
    this.phase = phase;
    this.since = now;
    this.nextStart = Infinity;
    if (phase !== 'voting') this.told = undefined;
  }
}
