// Recovery in the running router: tells the planner what happened to replicas and carries out what it decides. Owns this wiring, the
// electorate's changes, and what operators are told of them; what is decided is recovery/, what a replica does replica-port.ts.
import type { RouterConfig } from '../../configs/model.js';
import type { LastingDissent, RecoveryEffect, RecoveryNotice, ReplicaLife } from '../../recovery/types.js';
import { draw } from '../../recovery/delays.js';
import { RecoveryPlanner, type OperatorAction } from '../../recovery/planner.js';
import { MUTED, QUARANTINED } from '../abstentions.js';
import { now, wallClock } from '../clock.js';
import type { RouterContext } from '../context.js';
import type { NeighborPort } from '../neighbor-port.js';
import type { Alarm, ReplicaStatus } from '../status.js';
import { plainRecord } from '../vote-records.js';
import { Alarms, type AlarmLimits } from './alarms.js';
import { Mutes } from './mutes.js';

/** Between two looks at the ballots that have no majority, ms. */
const ALARM_MS = 1000;

/** What recovery can do to a replica. */
export interface ReplicaControl {
  start(): Promise<void>;
  kill(): void;
  end(): void;
}

export interface DeskParts {
  replicas(): readonly ReplicaControl[];
  neighbors(): readonly NeighborPort[];
  electorateChanged(): void;
}

type DeskContext = Pick<RouterContext, 'config' | 'log' | 'voteLog' | 'electorate' | 'fib' | 'abstentions' | 'faults'>;

export class RecoveryDesk {
  private readonly context: DeskContext;
  private readonly parts: DeskParts;
  private readonly planner: RecoveryPlanner;
  private readonly mutes: Mutes;
  private readonly alarms: Alarms;
  private readonly names: readonly string[];
  private nextAlarmCheck = 0;
  private stopped = false;

  constructor(context: DeskContext, parts: DeskParts) {
    const { config, abstentions } = context;
    const { replicas, recovery, voting } = config;
    this.context = context;
    this.parts = parts;
    this.names = replicas.map(({ name }) => name);
    this.planner = new RecoveryPlanner({
      ...recovery,
      replicas,
      quorum: voting.quorum,
      extraDelay: (r) => draw(replicas[r].diversity.restartDelay, Math.random),
    });
    this.mutes = new Mutes(replicas.length, abstentions, () => parts.neighbors().map(({ voter }) => voter));
    this.alarms = new Alarms(alarmLimitsOf(config));
  }

  /** Starts what has to run from the beginning; one promise each, which settles when it is ready or could not be started. */
  begin(): Promise<void>[] {
    return this.carryOut(this.planner.begin(now()));
  }

  /** From now on nothing is started any more; everybody leaves the electorate. */
  stop(): void {
    this.stopped = true;
    for (const r of this.names.keys()) this.leave(r, 'the hypervisor is shutting down');
  }

  life(r: number): ReplicaLife {
    return this.planner.life(r);
  }

  /** What ports report of their replica. `reason`: for people. */
  started(r: number): void {
    this.follow(this.planner.started(r, now()));
  }

  synchronised(r: number): void {
    this.follow(this.planner.synchronised(r, now()));
  }

  /** False when it goes on as it is, because nobody else has a vote. */
  unsynchronised(r: number, reason: string): boolean {
    this.follow(this.planner.unsynchronised(r, reason, now()));
    return this.life(r).phase === 'syncing';
  }

  faulted(r: number, reason: string): void {
    this.follow(this.planner.faulted(r, reason, now()));
  }

  ended(r: number, reason: string): void {
    this.follow(this.planner.ended(r, reason, now()));
  }

  /** What it died of at `diedAt` (ms) was found, and is kept from it. */
  explained(r: number, diedAt: number): void {
    this.planner.explained(r, diedAt);
  }

  /** Its health looks wrong; it is restarted when that is configured and costs nothing. */
  earlyWarning(r: number, reason: string): void {
    if (this.context.config.earlyWarning.restart) this.follow(this.planner.earlyWarning(r, reason, now()));
  }

  /** It ends in order and starts again with what its port has for it by then; without effect on one that does not run. */
  renew(r: number, reason: string): void {
    this.follow(this.planner.renew(r, reason, now()));
  }

  /** Takes over what the configuration says now. */
  configure(): void {
    const { config } = this.context;
    this.planner.configure({ ...config.recovery, quorum: config.voting.quorum });
    this.alarms.configure(alarmLimitsOf(config));
    this.nextAlarmCheck = 0;
  }

  /** Control method `replica`: `{ action, replica, force }`. Throws Error for the operator. */
  command(params: Record<string, unknown>): { replica: string; state: string } {
    const { action, replica, force } = params;
    const r = this.names.indexOf(String(replica));
    if (r < 0) throw new Error(`there is no replica "${String(replica)}"; there are: ${this.names.join(', ')}`);
    if (!isAction(action)) throw new Error('a replica can be told to "restart", "retire" and "enable"');
    if (this.stopped) throw new Error('the hypervisor is shutting down');
    this.follow(this.planner.operator(action, r, force === true, now()));
    return { replica: this.names[r], state: this.life(r).phase };
  }

  tick(at: number): void {
    if (this.stopped) return;
    this.follow(this.planner.tick(at));
    for (const r of this.names.keys()) {
      if (this.life(r).phase === 'voting')
        this.follow(this.planner.dissent(r, this.lasting(r, at), this.mutes.count(r), at));
    }
    this.mutes.tick(at);
    if (at >= this.nextAlarmCheck) this.checkAlarms(at);
  }

  status(r: number): Pick<ReplicaStatus, 'since' | 'nextStart' | 'standby' | 'restarts' | 'abstains' | 'lastError'> {
    const { since, nextStart, restarts, reason } = this.life(r);
    const { abstentions, config } = this.context;
    return {
      since: wallClock(since),
      nextStart: nextStart === Infinity ? null : Math.max(0, Math.round(nextStart - now())),
      standby: config.replicas[r].standby,
      restarts,
      abstains: { quarantined: abstentions.count(r, QUARANTINED), muted: abstentions.count(r, MUTED) },
      lastError: reason,
    };
  }

  get raised(): Alarm[] {
    return this.alarms.list;
  }

  private lasting(r: number, at: number): LastingDissent | undefined {
    return this.context.faults.persistent(r, at);
  }

  /** As `carryOut`, where nobody waits for starts: that one failed is told to recovery by its port, and to people here. */
  private follow(effects: readonly RecoveryEffect[]): void {
    if (effects.length === 0 || this.stopped) return;
    for (const started of this.carryOut(effects)) {
      started.catch((error: Error) => {
        if (!this.stopped) this.context.log.error(error.message);
      });
    }
  }

  private carryOut(effects: readonly RecoveryEffect[]): Promise<void>[] {
    const started: Promise<void>[] = [];
    const replicas = this.parts.replicas();
    const { epoch } = this.context.electorate;
    for (const effect of effects) {
      const r = effect.replica;
      if (effect.do === 'start') started.push(replicas[r].start());
      else if (effect.do === 'kill') replicas[r].kill();
      else if (effect.do === 'stop') replicas[r].end();
      else if (effect.do === 'join') this.join(r);
      else if (effect.do === 'leave') this.leave(r, effect.reason);
      else if (effect.do === 'mute')
        this.mutes.hold(r, this.context.faults.persistent(r, now())?.prefixes ?? [], now());
      else if (effect.do === 'unmute') this.mutes.release(r, now());
      else this.tell(effect);
    }
    if (this.context.electorate.epoch !== epoch) this.changed();
    return started;
  }

  private join(r: number): void {
    if (!this.context.electorate.join(r)) return;
    this.context.log.info(`replica ${this.names[r]} votes now`);
    this.record(r, { state: 'voting' });
  }

  private leave(r: number, reason: string): void {
    if (this.context.electorate.leave(r)) this.record(r, { state: 'left', reason });
  }

  private changed(): void {
    this.nextAlarmCheck = 0;
    this.parts.electorateChanged();
  }

  private tell({ replica, what, level, text, delay }: RecoveryNotice): void {
    // That it is started again has been said with the reason.
    if (what !== 'restarting') this.context.log.log(level, `replica ${this.names[replica]}: ${text}`);
    this.record(replica, { state: what, reason: text, ...(delay === undefined ? {} : { delay }) });
  }

  private record(r: number, fields: Record<string, unknown>): void {
    this.context.voteLog.append(plainRecord(now(), 'replica', { replica: this.names[r], ...fields }));
  }

  private checkAlarms(at: number): void {
    this.nextAlarmCheck = at + ALARM_MS;
    const { log, voteLog, electorate } = this.context;
    const towards = this.parts.neighbors().reduce((sum, { voter }) => sum + voter.stats().withoutMajority, 0);
    const contested = { towards, fib: this.context.fib?.withoutMajority ?? 0 };
    for (const { raised, ...alarm } of this.alarms.check(electorate.size, contested, at)) {
      if (raised) log.error(`alarm: ${alarm.text}`);
      else log.info(`over: ${alarm.text}`);
      const state = raised ? 'raised' : 'cleared';
      voteLog.append(plainRecord(at, 'alarm', { alarm: alarm.kind, state, text: alarm.text, since: alarm.since }));
    }
  }
}

function alarmLimitsOf({ replicas, voting }: RouterConfig): AlarmLimits {
  const seats = replicas.filter(({ standby }) => standby === 'no').length;
  return { seats, quorum: voting.quorum, minVotes: voting.minVotes };
}

function isAction(value: unknown): value is OperatorAction {
  return value === 'restart' || value === 'retire' || value === 'enable';
}
