// A planner with model replicas: carries out its effects, checks after each of them that it was allowed, and lets time pass.
import assert from 'node:assert/strict';
import { RecoveryPlanner } from '../../../recovery/planner.js';
import type { PlannerOptions, RecoveryEffect, RecoveryNotice, StandbyKind } from '../../../recovery/types.js';

export const OPTIONS: Omit<PlannerOptions, 'replicas'> = {
  restartDelay: 100,
  longestRestartDelay: 60_000,
  forgiveAfter: 60_000,
  maxRestarts: 5,
  restartWindow: 600_000,
  retireFor: 900_000,
  fewPrefixes: 10,
  muteFew: false,
  failBack: true,
  quorum: 2,
};

export class PlannerRig {
  readonly planner: RecoveryPlanner;
  readonly standbys: readonly StandbyKind[];
  /** By replica: processes exist; they are being ended; it was told to start and is not ready. */
  readonly alive: boolean[];
  readonly dying: boolean[];
  readonly voting: boolean[];
  readonly muted: boolean[];
  readonly effects: RecoveryEffect[] = [];
  now = 1000;

  constructor(standbys: readonly StandbyKind[], options: Partial<PlannerOptions> = {}) {
    this.standbys = standbys;
    const replicas = standbys.map((standby, r) => ({ name: `r${r}`, standby }));
    this.planner = new RecoveryPlanner({ ...OPTIONS, ...options, replicas });
    [this.alive, this.dying, this.voting, this.muted] = [0, 1, 2, 3].map(() => standbys.map(() => false));
  }

  get seats(): number {
    return this.standbys.filter((standby) => standby === 'no').length;
  }

  get voters(): number[] {
    return [...this.voting.keys()].filter((r) => this.voting[r]);
  }

  phases(): string[] {
    return this.standbys.map((_, r) => this.planner.life(r).phase);
  }

  get notices(): RecoveryNotice[] {
    return this.effects.filter((effect) => effect.do === 'tell');
  }

  /** What was told, without what is told at every restart. */
  get told(): string[] {
    return this.notices.flatMap(({ what, replica }) => (what === 'restarting' ? [] : [`${what} ${replica}`]));
  }

  begin(): this {
    this.follow(this.planner.begin(this.now));
    return this;
  }

  /** All that run become ready and synchronised. */
  allWell(): this {
    for (const r of this.standbys.keys()) this.comeUp(r);
    return this;
  }

  comeUp(r: number): void {
    if (!this.alive[r] || this.dying[r]) return;
    this.follow(this.planner.started(r, this.now));
    this.follow(this.planner.synchronised(r, this.now));
  }

  fault(r: number): void {
    this.follow(this.planner.faulted(r, 'hangs', this.now));
  }

  /** Its processes are gone. */
  end(r: number): void {
    if (!this.alive[r]) return;
    this.alive[r] = false;
    this.dying[r] = false;
    this.follow(this.planner.ended(r, 'killed', this.now));
  }

  dissent(r: number, count: number, muted = 0): void {
    const lasting = count === 0 ? undefined : { count, text: `wrong about ${count} prefixes` };
    this.follow(this.planner.dissent(r, lasting, muted, this.now));
  }

  /** Time passes in ticks; what is being ended ends, and what is started comes up. */
  pass(ms: number, step = 100): void {
    const end = this.now + ms;
    while (this.now < end) {
      this.now = Math.min(end, this.now + step);
      for (const r of this.standbys.keys()) if (this.dying[r]) this.end(r);
      this.follow(this.planner.tick(this.now));
      this.allWell();
    }
  }

  follow(effects: readonly RecoveryEffect[]): void {
    for (const effect of effects) {
      this.effects.push(effect);
      this.carryOut(effect);
    }
    this.check();
  }

  private carryOut(effect: RecoveryEffect): void {
    const r = effect.replica;
    if (effect.do === 'start') {
      assert.ok(!this.alive[r], `r${r} is started while its processes exist`);
      this.alive[r] = true;
    } else if (effect.do === 'kill' || effect.do === 'stop') {
      assert.ok(this.alive[r] && !this.dying[r], `r${r} is ended once, and only while it runs`);
      assert.ok(!this.voting[r], `r${r} leaves before it is ended`);
      this.dying[r] = true;
    } else if (effect.do === 'join') {
      assert.ok(!this.voting[r], `r${r} joins once`);
      assert.ok(this.alive[r] && !this.dying[r], `r${r} votes only while it runs`);
      this.voting[r] = true;
    } else if (effect.do === 'leave') {
      assert.ok(this.voting[r], `r${r} leaves only when it votes`);
      this.voting[r] = false;
    } else if (effect.do === 'mute') this.muted[r] = true;
    else if (effect.do === 'unmute') this.muted[r] = false;
  }

  /** What holds whenever everything that was to be done is done. */
  private check(): void {
    const phases = this.phases();
    assert.ok(this.voters.length <= this.seats, 'more votes than seats');
    phases.forEach((phase, r) => {
      const runs = phase !== 'off' && phase !== 'backoff' && phase !== 'retired';
      assert.equal(phase === 'voting', this.voting[r], `r${r} is ${phase}`);
      assert.equal(runs, this.alive[r], `r${r} is ${phase}`);
      assert.equal(phase === 'ending', this.dying[r], `r${r} is ${phase}`);
      // Nobody waits for ever without a reason.
      assert.ok(phase !== 'backoff' || this.planner.life(r).nextStart < Infinity, `r${r} waits for ever`);
      // No seat stays free while a synchronised replica that is no standby waits for one.
      const waits = phase === 'standby' && this.standbys[r] === 'no';
      assert.ok(!waits || this.voters.length === this.seats, `r${r} waits for a free seat`);
    });
  }
}
