// Which of the messages that were on their way to a replica when it died killed it? Owns the search: what a disposable instance is fed
// next, and what follows from its death or survival. Pure; the instance is hypervisor/quarantine/, the messages are numbers here.
//
// All messages go in at once first, as they did in life. If the instance dies they are fed in pieces, in their order, with a wait for a
// probe behind each; a piece that kills is split further on a fresh instance, which has been fed what was found harmless so far (many
// bugs need a state). What is cleared in the end has therefore been survived together, without the convicted messages.

/** How many pieces a group that killed is split into. */
const PIECES = 16;
/** Instances in one trial; each culprit takes about log16 of the messages and two more. */
const MAX_STARTS = 64;
/** Instances in a row that could not be started, or died before they were fed anything. */
const MAX_FALSE_STARTS = 3;
/** Deaths after everything was fed and seemed survived: with more of these nobody can tell what causes them. */
const MAX_LATE_DEATHS = 3;

/**
 * `convicted`: kills, alone or together with others that do not kill alone; `cleared`: does not; `not-reproduced`: nothing died in the
 * whole trial; `untried`: the trial ended before this was known.
 */
export type TrialVerdict = 'convicted' | 'cleared' | 'not-reproduced' | 'untried';

/** `start`: a fresh instance is wanted. `feed`: these messages, in this order (at the end none), and a wait for probes behind them. */
export type TrialStep = { kind: 'start' } | { kind: 'feed'; messages: readonly number[] } | { kind: 'done' };

interface Group {
  members: readonly number[];
  /** Pieces that have no result yet. */
  left: number;
  parent: Group | undefined;
}

interface Piece {
  members: readonly number[];
  group: Group | undefined;
}

export interface NarrowingOptions {
  pieces?: number;
  maxStarts?: number;
}

export class Narrowing {
  /** By message. */
  readonly verdicts: TrialVerdict[];
  /** Instances asked for. */
  starts = 0;
  /** An instance died of something that it was fed. */
  died = false;
  private readonly pieces: number;
  private readonly maxStarts: number;
  private waiting: Piece[];
  /** What the instance was fed last. */
  private feeding: Piece | undefined;
  /** Fed to a living instance and survived, in their order. */
  private harmless: number[] = [];
  private alive = false;
  /** The living instance has been fed all of `harmless`. */
  private prepared = true;
  /** The living instance has survived a wait behind everything. */
  private rested = false;
  private falseStarts = 0;
  private lateDeaths = 0;
  private ended = false;

  /** Messages are numbered from 0 in the order in which they were delivered. */
  constructor(messages: number, { pieces = PIECES, maxStarts = MAX_STARTS }: NarrowingOptions = {}) {
    this.pieces = Math.max(2, pieces);
    this.maxStarts = maxStarts;
    this.verdicts = Array.from({ length: messages }, () => 'untried');
    this.waiting = messages === 0 ? [] : [{ members: [...this.verdicts.keys()], group: undefined }];
  }

  /** What to do now; asked again after every report. */
  next(): TrialStep {
    if (this.ended) return { kind: 'done' };
    const fed = this.waiting.length === 0 && this.prepared;
    const finished = this.waiting.length === 0 && (this.harmless.length === 0 || (fed && this.rested));
    if (finished || (!this.alive && this.starts >= this.maxStarts)) return this.finish(finished);
    if (!this.alive) {
      this.starts++;
      return { kind: 'start' };
    }
    if (fed) this.feeding = undefined;
    else this.feeding = this.prepared ? this.waiting[0] : { members: this.harmless, group: undefined };
    return { kind: 'feed', messages: this.feeding?.members ?? [] };
  }

  /** The instance that was asked for runs, and has lived through a probe before it was fed anything. */
  started(): void {
    this.alive = true;
    this.prepared = this.harmless.length === 0;
  }

  /** What it was fed last did it no harm. */
  survived(): void {
    const { feeding } = this;
    this.falseStarts = 0;
    this.feeding = undefined;
    this.rested = feeding === undefined;
    if (feeding === undefined) return;
    if (!this.prepared) {
      this.prepared = true;
      return;
    }
    this.waiting.shift();
    // Not spread into arguments: there may be a hundred thousand.
    this.harmless = this.harmless.concat(feeding.members);
    this.resolved(feeding.group);
  }

  /** The instance died (or hangs, or lost a session), of what it was fed last if anything; or it could not be started. */
  killed(): void {
    const { alive, prepared, feeding } = this;
    this.alive = false;
    this.feeding = undefined;
    if (feeding !== undefined && prepared) {
      this.waiting.shift();
      this.accuse(feeding);
    } else if (feeding !== undefined || (alive && prepared && this.harmless.length > 0)) {
      // The culprit is among those that seemed harmless.
      if (feeding === undefined && ++this.lateDeaths > MAX_LATE_DEATHS) return this.giveUp();
      const piece = { members: this.harmless, group: undefined };
      this.harmless = [];
      this.accuse(piece);
    } else if (++this.falseStarts >= MAX_FALSE_STARTS) {
      this.giveUp();
    }
  }

  /** The trial ends here, whatever is known. */
  giveUp(): void {
    if (!this.ended) this.finish(false);
  }

  private accuse({ members, group }: Piece): void {
    this.falseStarts = 0;
    this.died = true;
    this.prepared = false;
    if (members.length === 1) {
      this.verdicts[members[0]] = 'convicted';
      this.resolved(group);
      return;
    }
    const parts = split(members, this.pieces);
    const whole: Group = { members, left: parts.length, parent: group };
    this.waiting.unshift(...parts.map((part) => ({ members: part, group: whole })));
  }

  /** A piece has its result. When all pieces of a group are harmless, they kill only together. */
  private resolved(of: Group | undefined): void {
    for (let group = of; group !== undefined; group = group.parent) {
      if (--group.left > 0) return;
      if (group.members.some((message) => this.verdicts[message] === 'convicted')) continue;
      for (const message of group.members) this.verdicts[message] = 'convicted';
      const { members } = group;
      this.harmless = this.harmless.filter((message) => !members.includes(message));
    }
  }

  private finish(complete: boolean): TrialStep {
    this.ended = true;
    if (complete)
      for (const message of this.harmless) this.verdicts[message] = this.died ? 'cleared' : 'not-reproduced';
    return { kind: 'done' };
  }
}

function split(members: readonly number[], pieces: number): number[][] {
  const size = Math.ceil(members.length / pieces);
  const parts: number[][] = [];
  for (let at = 0; at < members.length; at += size) parts.push(members.slice(at, at + size));
  return parts;
}
