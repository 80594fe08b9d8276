// Stands for the hypervisor's recovery desk: tells the planner what happened, carries out what it decides, and asks the ledger what lasts.
// Planner, ledger, mutes and alarms are the router's own.
import { Alarms } from '../../../hypervisor/recovery/alarms.js';
import { Mutes } from '../../../hypervisor/recovery/mutes.js';
import { RecoveryPlanner, type OperatorAction } from '../../../recovery/planner.js';
import type { RecoveryEffect, ReplicaPhase } from '../../../recovery/types.js';
import { FaultLedger } from '../../../voter/faults/fault-ledger.js';
import type { PersistentDissent, SystemFault } from '../../../voter/faults/types.js';
import { FAULT_THRESHOLD } from './scenario.js';
import type { RecoveryWorld } from './world.js';

const ALARM_INTERVAL = 1000;

export class Desk {
  readonly planner: RecoveryPlanner;
  readonly ledger: FaultLedger;
  readonly mutes: Mutes;
  /** When anybody was last muted, ms. */
  mutedAt = -Infinity;
  readonly alarms: Alarms;
  /** What the planner did, by kind. */
  readonly counts = new Map<string, number>();
  private readonly world: RecoveryWorld;
  private nextAlarmCheck = 0;

  constructor(world: RecoveryWorld) {
    const { scenario, routes } = world;
    const { standby, quorum, minVotes, recovery } = scenario;
    const replicas = standby.map((kind, r) => ({ name: `r${r}`, standby: kind }));
    const maxRestarts = world.is('reckless') ? 0 : recovery.maxRestarts;
    this.world = world;
    this.planner = new RecoveryPlanner({ ...recovery, maxRestarts, replicas, quorum });
    this.mutes = new Mutes(standby.length, world.abstentions, () => world.voters);
    this.alarms = new Alarms({ seats: world.seats, quorum, minVotes });
    this.ledger = new FaultLedger(
      standby.length,
      {
        isVoting: (r) => world.electorate.has(r),
        attributes: (id) => (id === 0 ? null : routes.attributes.get(id).slice()),
        prefixText: (id) => routes.prefixes.format(id),
        findPrefix: (text) => routes.prefixes.findText(text),
        placeText: (place) => `towards ${place}`,
        explain: () => undefined,
        explainRefusal: () => undefined,
      },
      { faultThreshold: FAULT_THRESHOLD },
    );
  }

  begin(): void {
    this.carryOut(this.planner.begin(this.now));
  }

  phase(r: number): ReplicaPhase {
    return this.planner.life(r).phase;
  }

  started(r: number): void {
    this.carryOut(this.planner.started(r, this.now));
  }

  synchronised(r: number): void {
    this.carryOut(this.planner.synchronised(r, this.now));
  }

  unsynchronised(r: number, reason: string): boolean {
    this.carryOut(this.planner.unsynchronised(r, reason, this.now));
    return this.phase(r) === 'syncing';
  }

  faulted(r: number, reason: string): void {
    this.carryOut(this.planner.faulted(r, reason, this.now));
  }

  ended(r: number, reason: string): void {
    this.carryOut(this.planner.ended(r, reason, this.now));
  }

  explained(r: number, diedAt: number): void {
    if (!this.world.is('unexplained')) this.planner.explained(r, diedAt);
    this.world.explained(r, diedAt);
  }

  warned(r: number): void {
    this.carryOut(this.planner.earlyWarning(r, 'looks ill', this.now));
  }

  /** Returns whether that was possible. */
  operate(action: OperatorAction, r: number): boolean {
    try {
      this.carryOut(this.planner.operator(action, r, false, this.now));
      return true;
    } catch (error) {
      // What an operator cannot do is told by a plain Error; anything else is a defect.
      if ((error as Error).constructor !== Error) throw error;
      return false;
    }
  }

  system(fault: SystemFault): void {
    this.ledger.system(fault);
  }

  tick(now: number): void {
    this.ledger.tick(now);
    this.ledger.takeNews();
    this.carryOut(this.planner.tick(now));
    for (let r = 0; r < this.world.scenario.standby.length; r++) {
      if (this.phase(r) !== 'voting' || this.world.is('lenient')) continue;
      this.carryOut(this.planner.dissent(r, this.lasting(r, now), this.mutes.count(r), now));
    }
    if (!this.world.is('sticky-mutes')) this.mutes.tick(now);
    if (now < this.nextAlarmCheck) return;
    this.nextAlarmCheck = now + ALARM_INTERVAL;
    if (this.world.is('silent')) return;
    const contested = this.world.voters.reduce((sum, voter) => sum + voter.stats().withoutMajority, 0);
    this.alarms.check(this.world.electorate.size, { towards: contested, fib: 0 }, now);
  }

  private get now(): number {
    return this.world.queue.now;
  }

  private lasting(r: number, now: number): PersistentDissent | undefined {
    const replicas = this.world.scenario.standby.length;
    return this.ledger.persistent(this.world.is('wrong-culprit') ? (r + 1) % replicas : r, now);
  }

  private carryOut(effects: readonly RecoveryEffect[]): void {
    const { world } = this;
    const { epoch } = world.electorate;
    for (const effect of effects) {
      const { replica } = effect;
      const word = effect.do === 'tell' ? effect.what : effect.do;
      this.counts.set(word, (this.counts.get(word) ?? 0) + 1);
      if (effect.do === 'start') {
        if (!world.is('lost-start') || !world.unlucky()) world.hosts[replica].start();
      } else if (effect.do === 'kill' || effect.do === 'stop') world.hosts[replica].kill();
      else if (effect.do === 'join') world.changeElectorate(replica, () => world.electorate.join(replica));
      else if (effect.do === 'leave') world.changeElectorate(replica, () => this.leave(replica));
      else if (effect.do === 'mute') {
        this.mutedAt = this.now;
        this.mutes.hold(replica, this.ledger.persistent(replica, this.now)?.prefixes ?? [], this.now);
      } else if (effect.do === 'unmute') this.mutes.release(replica, this.now);
      world.effect(effect);
    }
    if (world.electorate.epoch !== epoch) this.nextAlarmCheck = 0;
  }

  private leave(r: number): void {
    if (!this.world.is('ghost-voter') || !this.world.unlucky()) this.world.electorate.leave(r);
  }
}
