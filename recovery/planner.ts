// The life of all replicas: what happened to them goes in, with the time (ms); what is to be done comes out. Owns every decision about
// starting, ending, replacing and trusting a replica. Pure: processes, sessions and the electorate itself are the hypervisor's.
//
// A system event is answered at once, by killing the replica and starting it again. Dissent that lasts is answered with one restart; if it
// comes back within an hour it is no damaged state but how this daemon works: on few prefixes it is reported and lived with, on more it
// is restarted by the budget until it is retired. Nobody is restarted for dissent while fewer than two others vote: who is to say then
// who is wrong?
import { Life, type Sequel } from './life.js';
import { nextSeatChange } from './seats.js';
import type {
  LastingDissent,
  PlannerOptions,
  RecoveryEffect,
  RecoveryNotice,
  RecoveryOptions,
  ReplicaLife,
} from './types.js';

/** Dissent that comes back within this time after a restart was not repaired by it; nor is anybody restarted for a warning more often. */
export const REPAIR_MEMORY_MS = 3_600_000;
/** With fewer others no dissent is a reason to end anybody. */
const MIN_WITNESSES = 2;
const NOTHING: readonly RecoveryEffect[] = [];

export type OperatorAction = 'restart' | 'retire' | 'enable';

export class RecoveryPlanner {
  private readonly options: PlannerOptions;
  private readonly lives: Life[];
  private effects: RecoveryEffect[] = [];

  constructor(options: PlannerOptions) {
    this.options = options;
    this.lives = options.replicas.map((_, index) => new Life(index, options));
  }

  life(r: number): ReplicaLife {
    return this.lives[r];
  }

  get voters(): number {
    return this.lives.filter(({ phase }) => phase === 'voting').length;
  }

  /** Starts everybody but cold standbys. */
  begin(now: number): readonly RecoveryEffect[] {
    for (const life of this.lives) if (life.standby !== 'cold') this.start(life, now);
    return this.settle(now);
  }

  /** Its daemon is ready for sessions. */
  started(r: number, now: number): readonly RecoveryEffect[] {
    const life = this.lives[r];
    if (life.phase === 'starting') life.enter('syncing', now);
    return NOTHING;
  }

  /** What it says is all it has to say on what it was given. */
  synchronised(r: number, now: number): readonly RecoveryEffect[] {
    const life = this.lives[r];
    if (life.phase !== 'syncing') return NOTHING;
    life.enter('standby', now);
    life.failed = false;
    life.reason = null;
    life.budget.settled(now);
    return this.settle(now);
  }

  /** It lacks something that the others have: no vote until it is synchronised again, unless nobody else has one. */
  unsynchronised(r: number, reason: string, now: number): readonly RecoveryEffect[] {
    const life = this.lives[r];
    if (!life.isSynchronised || (life.phase === 'voting' && this.voters < 2)) return NOTHING;
    this.fail(life, reason);
    life.enter('syncing', now);
    return this.settle(now);
  }

  /** A system event while its processes are still there. */
  faulted(r: number, reason: string, now: number): readonly RecoveryEffect[] {
    const life = this.lives[r];
    if (!life.runs) return NOTHING;
    this.fail(life, reason);
    this.kill(life, 'restart', now);
    return this.settle(now);
  }

  /** Its processes are gone, expected or not, or could not be started. */
  ended(r: number, reason: string, now: number): readonly RecoveryEffect[] {
    const life = this.lives[r];
    if (life.phase === 'ending') this.follow(life, life.sequel, now);
    else if (life.runs) {
      this.fail(life, reason);
      this.follow(life, 'restart', now);
    } else return NOTHING;
    return this.settle(now);
  }

  /** What replica `r` died of at `diedAt` (ms) has been found, once for each death: see `RestartBudget.explained`. */
  explained(r: number, diedAt: number): void {
    this.lives[r].budget.explained(diedAt);
  }

  /** To be told at every tick: dissent of a voter that lasts; undefined when there is none. `muted`: prefixes it is muted on by now. */
  dissent(r: number, lasting: LastingDissent | undefined, muted: number, now: number): readonly RecoveryEffect[] {
    const life = this.lives[r];
    if (lasting === undefined || lasting.count === 0) life.told = undefined;
    else if (life.phase === 'voting') {
      this.answerDissent(life, lasting, muted, now);
      return this.settle(now);
    }
    return NOTHING;
  }

  /** Something about its health looks wrong: it is started anew while that costs nothing. */
  earlyWarning(r: number, reason: string, now: number): readonly RecoveryEffect[] {
    const life = this.lives[r];
    if (!life.isSynchronised || now - life.warnedAt < REPAIR_MEMORY_MS || !this.canSpare(life)) return NOTHING;
    life.warnedAt = now;
    this.tell(life, 'early-warning', 'warn', `${reason}; it is started anew before anything comes of it`);
    this.fail(life, reason);
    this.kill(life, 'again', now);
    return this.settle(now);
  }

  /** Throws an Error for the operator when that is not possible. `force`: even when nobody is left to vote then. */
  operator(action: OperatorAction, r: number, force: boolean, now: number): readonly RecoveryEffect[] {
    const life = this.lives[r];
    const ends = action !== 'enable';
    if (ends && !force && life.phase === 'voting' && this.voters < 2) {
      throw new Error(`${life.name} is the only replica that votes: use --force`);
    }
    if (action === 'restart' && life.phase === 'off') throw new Error(`${life.name} is a cold standby and not running`);
    this.tell(life, 'operator', 'info', `${action} (by the operator)`);
    life.budget.clear();
    life.repairedAt = -Infinity;
    if (action !== 'retire') this.effects.push({ do: 'unmute', replica: r });
    if (ends) this.endForOperator(life, action === 'retire' ? 'retire' : 'again', now);
    else if (life.phase === 'ending') life.sequel = 'again';
    else if (life.phase === 'retired' || life.phase === 'backoff') this.due(life, now);
    return this.settle(now);
  }

  /**
   * It is to run with another configuration: ended in order and started again, which counts against nothing. One that does not run
   * is left as it is.
   */
  renew(r: number, reason: string, now: number): readonly RecoveryEffect[] {
    const life = this.lives[r];
    if (!life.runs) return NOTHING;
    this.tell(life, 'operator', 'info', reason);
    life.budget.clear();
    life.repairedAt = -Infinity;
    this.effects.push({ do: 'unmute', replica: r });
    this.fail(life, reason);
    this.end(life, 'again', now);
    return this.settle(now);
  }

  /** Decides by these options from now on. */
  configure(options: RecoveryOptions & Pick<PlannerOptions, 'quorum'>): void {
    Object.assign(this.options, options);
  }

  /** Starts whose time has come. */
  tick(now: number): readonly RecoveryEffect[] {
    if (this.lives.every(({ nextStart }) => nextStart > now)) return NOTHING;
    for (const life of this.lives) if (life.nextStart <= now) this.due(life, now);
    return this.settle(now);
  }

  private answerDissent(life: Life, { count, text }: LastingDissent, muted: number, now: number): void {
    const { fewPrefixes, muteFew } = this.options;
    if (this.voters - 1 < MIN_WITNESSES) {
      if (life.told !== 'spared') this.tell(life, 'spared', 'error', `${text}; too few others vote to restart it`);
      life.told = 'spared';
    } else if (now - life.repairedAt >= REPAIR_MEMORY_MS) {
      this.tell(life, 'repair', 'warn', `${text}; it is restarted`);
      this.repair(life, text, now);
    } else if (count + muted > fewPrefixes) {
      this.tell(life, 'repair', 'error', `${text}, again after a restart; it is restarted`);
      if (muted > 0) this.effects.push({ do: 'unmute', replica: life.index });
      this.repair(life, text, now);
    } else if (life.told !== 'reported' || (muteFew && count !== life.toldCount)) {
      const consequence = muteFew ? 'its votes on them do not count any more' : 'it is left as it is';
      this.tell(life, 'reported', 'error', `${text}, again after a restart; ${consequence}`);
      life.told = 'reported';
      life.toldCount = count;
      if (muteFew) this.effects.push({ do: 'mute', replica: life.index });
    }
  }

  private repair(life: Life, reason: string, now: number): void {
    life.repairedAt = now;
    this.fail(life, reason);
    this.kill(life, 'restart', now);
  }

  /** A voter can be spared when all seats are taken without it and enough others vote. */
  private canSpare(life: Life): boolean {
    if (life.phase === 'standby') return true;
    const seats = this.lives.filter(({ standby }) => standby === 'no').length;
    return this.voters >= seats && this.voters - 1 >= Math.max(this.options.quorum, MIN_WITNESSES);
  }

  private endForOperator(life: Life, sequel: Sequel, now: number): void {
    const reason = sequel === 'retire' ? 'retired by the operator' : 'restarted by the operator';
    if (life.phase === 'ending') life.sequel = sequel;
    else if (life.runs) {
      this.fail(life, reason);
      this.end(life, sequel, now);
    } else {
      life.failed = true;
      life.reason = reason;
      this.follow(life, sequel, now);
    }
  }

  /** It has no vote any more, and somebody may take its place. */
  private fail(life: Life, reason: string): void {
    life.failed = true;
    life.reason = reason;
    if (life.phase === 'voting') this.effects.push({ do: 'leave', replica: life.index, reason });
  }

  private kill(life: Life, sequel: Sequel, now: number): void {
    life.sequel = sequel;
    life.enter('ending', now);
    this.effects.push({ do: 'kill', replica: life.index, reason: life.reason ?? '' });
  }

  private end(life: Life, sequel: Sequel, now: number): void {
    life.sequel = sequel;
    life.enter('ending', now);
    this.effects.push({ do: 'stop', replica: life.index, reason: life.reason ?? '' });
  }

  private follow(life: Life, sequel: Sequel, now: number): void {
    if (sequel === 'off' || sequel === 'retire') {
      life.enter(sequel === 'off' ? 'off' : 'retired', now);
      return;
    }
    const granted = sequel === 'again' ? 0 : life.budget.failed(now);
    if (granted === undefined) {
      this.retire(life, now);
      return;
    }
    const delay = granted + (this.options.extraDelay?.(life.index) ?? 0);
    life.enter('backoff', now);
    life.nextStart = now + delay;
    this.effects.push({ ...notice(life, 'restarting', 'info', life.reason ?? ''), delay });
  }

  private retire(life: Life, now: number): void {
    const { maxRestarts, restartWindow, retireFor } = this.options;
    life.enter('retired', now);
    life.budget.clear();
    if (retireFor > 0) life.nextStart = now + retireFor;
    const how = `${maxRestarts} restarts within ${restartWindow / 1000} s`;
    const until = retireFor > 0 ? `it is tried again in ${retireFor / 1000} s` : 'it is not started again by itself';
    this.tell(life, 'retired', 'error', `retired after ${how}: ${life.reason ?? ''}; ${until}`);
  }

  /** A start is due; a cold standby only becomes available. */
  private due(life: Life, now: number): void {
    if (life.standby === 'cold') life.enter('off', now);
    else this.start(life, now);
  }

  private start(life: Life, now: number): void {
    life.starts++;
    life.enter('starting', now);
    this.effects.push({ do: 'start', replica: life.index });
  }

  /** Fills seats until nothing is left to change, and hands out what is to be done. */
  private settle(now: number): readonly RecoveryEffect[] {
    // Every replica can change a few times at most; the limit is there so that a mistake cannot hang the router.
    for (let left = 4 * this.lives.length; left > 0; left--) {
      const change = nextSeatChange(this.lives, this.options.failBack);
      if (change === undefined) break;
      const { life } = change;
      if (change.do === 'join') {
        life.enter('voting', now);
        this.effects.push({ do: 'join', replica: life.index });
      } else if (change.do === 'leave') {
        const reason = 'gives its place back';
        this.effects.push({ do: 'leave', replica: life.index, reason });
        life.enter('standby', now);
      } else if (change.do === 'start') this.start(life, now);
      else if (change.do === 'stop') {
        life.reason = 'is not needed any more';
        this.end(life, 'off', now);
      } else life.enter('off', now);
    }
    const { effects } = this;
    this.effects = [];
    return effects;
  }

  private tell(life: Life, what: RecoveryNotice['what'], level: RecoveryNotice['level'], text: string): void {
    this.effects.push(notice(life, what, level, text));
  }
}

function notice(
  life: Life,
  what: RecoveryNotice['what'],
  level: RecoveryNotice['level'],
  text: string,
): RecoveryNotice & { do: 'tell' } {
  return { do: 'tell', replica: life.index, what, level, text };
}
