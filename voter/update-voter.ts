// The update voter's decision core: turns the votes of the replicas about one neighbour's prefixes into one verdict each, tells what
// has to be advertised, and finds stable dissent. Pure: prefixes and attributes are opaque ids, time is an argument (ms).
// Storage is in ballots.ts, counting in tally.ts; who may vote is in electorate.ts; packing and sending belong to the hypervisor.
//
// Two ways lead to a verdict. A vote decides at once if the strategy says so (`decide`). A ballot on which members still disagree with
// the verdict is contested and comes up for review when it may have become stable (`review`); then the majority of the stable votes
// settles it, in every strategy. A replica that joins or leaves changes no verdict; it only has all contested ballots reviewed.
import { BallotView } from './ballot-view.js';
import { Ballots, CONTESTED, NO_MAJORITY, OSCILLATING, UNKNOWN } from './ballots.js';
import { DirtyQueue } from './dirty-queue.js';
import { Dissents } from './dissents.js';
import { DueWheel } from './due-wheel.js';
import { MAX_REPLICAS, type Electorate } from './electorate.js';
import { EventLog } from './event-log.js';
import { Silence } from './silence.js';
import { count, supporters, Tally } from './tally.js';
import type { Rule, Strategy, VoterEvent, VoterOptions, VoterStats } from './types.js';

const DEFAULT_STABILITY_THRESHOLD = 1000;
const DEFAULT_OSCILLATION_THRESHOLDS = 10;
const DEFAULT_SILENCE = 120_000;
const DEFAULT_MAX_EVENTS = 65_536;
const DEFAULT_TICK_BUDGET = 50_000;
/** Ballots that wait for a replica that is behind are looked at no more often than that, however many they are. */
const LAG_REVIEWS_PER_MS = 100;

export interface UpdateVoterParameters {
  /** 1..16; replica indices are below it. */
  replicas: number;
  electorate: Electorate;
  strategy: Strategy;
  options?: VoterOptions;
  /** When the last input for a prefix came in from any neighbour, ms; -Infinity or 0 for never. */
  inputTime: (prefix: number) => number;
  /** Per replica: everything that came in before this time has been worked off by it, ms. Written by the owner. */
  caughtUp: Float64Array;
}

export class UpdateVoter extends BallotView {
  private current: Strategy;
  private readonly inputTime: (prefix: number) => number;
  private readonly caughtUp: Float64Array;
  private threshold!: number;
  private minVotes!: number;
  private k!: number;
  private preferred!: number;
  private restlessLimit!: number;
  private readonly queue = new DirtyQueue();
  private readonly wheel: DueWheel;
  private readonly tally = new Tally();
  private readonly events: EventLog;
  private readonly present: Int32Array;
  private routes = 0;
  private withoutMajority = 0;
  private oscillating = 0;
  private inputFloor = -Infinity;
  private seenEpoch: number;
  private seenOverthrows: number;

  constructor({ replicas, electorate, strategy, options = {}, inputTime, caughtUp }: UpdateVoterParameters) {
    const ballots = new Ballots(replicas);
    const events = new EventLog(options.maxEvents ?? DEFAULT_MAX_EVENTS);
    super(electorate, ballots, new Dissents(ballots, events), new Silence(options.silence ?? DEFAULT_SILENCE));
    this.current = strategy;
    this.inputTime = inputTime;
    this.caughtUp = caughtUp;
    this.setThresholds(options);
    this.wheel = new DueWheel(Math.max(1, this.threshold / 8));
    this.events = events;
    this.present = new Int32Array(replicas);
    this.seenEpoch = electorate.epoch;
    this.seenOverthrows = electorate.overthrows;
  }

  get strategy(): Strategy {
    return this.current;
  }

  /**
   * Decides by this strategy and these options from now on; `maxEvents` stays. No verdict changes by itself: all ballots are looked at
   * again, and contested ones settled by their stable votes.
   */
  configure(options: VoterOptions, strategy = this.current): void {
    this.current = strategy;
    this.setThresholds(options);
    this.silence.configure(options.silence ?? DEFAULT_SILENCE);
    // Makes the next tick look at all ballots.
    this.seenEpoch = -1;
  }

  /** Replica `r` now says `attributes` (0: absent) on `prefix`. Kept also while it is no member; counts as soon as it is one. */
  vote(r: number, prefix: number, attributes: number, now: number): void {
    const { ballots } = this;
    ballots.reach(prefix);
    const at = prefix * ballots.replicas + r;
    const before = ballots.votes[at];
    if (before === attributes) return;
    ballots.votes[at] = attributes;
    ballots.changed[at] = now;
    if (before === 0) this.present[r]++;
    else if (attributes === 0) this.present[r]--;
    const voters = this.voters(prefix);
    if (((voters >>> r) & 1) === 0) return;
    this.decide(prefix, r, voters, now);
    this.settleContest(prefix, voters);
    // A vote that changed is not stable; whether it is in dissent is found out again.
    if (ballots.dissent[prefix] !== 0) this.endDissents(prefix, voters, now, 1 << r);
    this.observe(prefix, now + this.threshold, now);
  }

  /** From now on replica `r` has no say on `prefix`, whatever it votes, until `release` (or all others have none for long). */
  abstain(r: number, prefix: number, now: number): void {
    this.ballots.reach(prefix);
    this.ballots.abstaining[prefix] |= 1 << r;
    this.dissents.drop(prefix, 1 << r);
    this.reconsider(prefix, now);
  }

  /** Replica `r` has its say on `prefix` again, with the vote it holds by now. */
  release(r: number, prefix: number, now: number): void {
    this.ballots.reach(prefix);
    this.ballots.abstaining[prefix] &= ~(1 << r);
    this.reconsider(prefix, now);
  }

  /** Replica `r` is gone or starts anew: its votes are no opinion any more, and nor are its dissents (no events are made). O(all). */
  forget(r: number): void {
    const { ballots } = this;
    for (let prefix = 1; prefix < ballots.limit; prefix++) {
      ballots.votes[prefix * ballots.replicas + r] = 0;
      ballots.abstaining[prefix] &= ~(1 << r);
      this.dissents.drop(prefix, 1 << r);
    }
    this.present[r] = 0;
    // Makes the next tick look at all ballots, also when the electorate did not change.
    this.seenEpoch = -1;
  }

  /** Something that may change every ballot has happened (a session to the replicas opened): no vote is stable until they caught up. */
  noteInput(now: number): void {
    this.inputFloor = Math.max(this.inputFloor, now);
  }

  /**
   * Reviews what is due, at most `budget` ballots; to be called every T/8 or so. Costs what is due, plus one pass over all ballots
   * after the electorate changed. Returns true when there is more to do now.
   */
  tick(now: number, budget: number = DEFAULT_TICK_BUDGET): boolean {
    if (this.electorate.members === 0) return false;
    if (this.electorate.epoch !== this.seenEpoch) this.rescan(now);
    for (let prefix; (prefix = this.silence.takeEnded(now)) !== 0;) this.reconsider(prefix, now);
    for (let left = budget; left > 0; left--) {
      const prefix = this.wheel.takeDue(now);
      if (prefix === 0) return false;
      this.review(prefix, now);
    }
    return true;
  }

  /**
   * Fills `out` with prefixes whose verdict differs from what was advertised, oldest first, each once, and returns how many. The
   * caller advertises verdict(prefix) as it then is and reports it by `markAdvertised`; it takes no more than it can write.
   */
  takeDirty(out: Uint32Array): number {
    const { verdict, advertised } = this.ballots;
    let taken = 0;
    while (taken < out.length && this.queue.size > 0) {
      const prefix = this.queue.shift();
      if (verdict[prefix] !== advertised[prefix]) out[taken++] = prefix;
    }
    return taken;
  }

  /** The neighbour has been sent `attributes` (0: a withdrawal) for `prefix`. */
  markAdvertised(prefix: number, attributes: number): void {
    this.ballots.advertised[prefix] = attributes;
    if (this.ballots.verdict[prefix] !== attributes) this.queue.add(prefix);
  }

  /** The caller took this prefix without advertising its verdict, and could do so now. */
  requeue(prefix: number): void {
    const { limit, verdict, advertised } = this.ballots;
    if (prefix < limit && verdict[prefix] !== advertised[prefix]) this.queue.add(prefix);
  }

  /** Advertises everything again for which `wanted` (say, one family: ROUTE-REFRESH, RFC 2918) holds. O(all). */
  redirty(wanted: (prefix: number) => boolean): void {
    const { verdict, advertised, limit } = this.ballots;
    for (let prefix = 1; prefix < limit; prefix++) {
      if (verdict[prefix] === 0 || !wanted(prefix)) continue;
      advertised[prefix] = UNKNOWN;
      this.queue.add(prefix);
    }
  }

  /** Ballots that wait to be emitted (an upper bound). */
  get dirty(): number {
    return this.queue.size;
  }

  /** Ballots that changed within T, or whose review waits for a replica to catch up. 0: the electorate has settled. */
  get unsettled(): number {
    return this.wheel.size;
  }

  stats(): VoterStats {
    return {
      routes: this.routes,
      contested: this.contested,
      withoutMajority: this.withoutMajority,
      oscillating: this.oscillating,
      dirty: this.queue.size,
      present: [...this.present],
      dissents: [...this.dissents.counts],
      eventsDropped: this.events.dropped,
    };
  }

  /** What happened since the last call, oldest first. */
  drainEvents(): VoterEvent[] {
    return this.events.drain();
  }

  /** Marks used[id] for every attribute id held here. */
  markAttributes(used: Uint8Array): void {
    this.ballots.markAttributes(used);
  }

  /** Marks used[id] for every prefix id that means something here. */
  markPrefixes(used: Uint8Array): void {
    const end = Math.min(this.ballots.limit, used.length);
    for (let prefix = 1; prefix < end; prefix++) {
      if (this.ballots.inUse(prefix) || this.queue.has(prefix) || this.wheel.has(prefix)) used[prefix] = 1;
    }
  }

  /** What the strategy makes of a new vote of `r`, at once. */
  protected decide(prefix: number, r: number, voters: number, now: number): void {
    const { votes, replicas } = this.ballots;
    const at = prefix * replicas;
    if (this.current === 'master-slave') {
      if (this.electorate.leader(voters) === r) this.setVerdict(prefix, votes[at + r], 'master', now);
      return;
    }
    this.tally.count(votes, at, voters);
    const consensus = this.current === 'wait-for-consensus';
    const { value, support } = this.tally;
    if (support < this.majority(voters) || (consensus && support < Math.min(this.k, count(voters)))) return;
    this.setVerdict(prefix, value, consensus ? 'consensus' : 'majority', now);
  }

  private setThresholds(options: VoterOptions): void {
    this.threshold = options.stabilityThreshold ?? DEFAULT_STABILITY_THRESHOLD;
    this.minVotes = options.minVotes ?? 1;
    this.k = options.k ?? this.ballots.replicas;
    // Nobody has that index.
    this.preferred = options.preferred ?? MAX_REPLICAS;
    this.restlessLimit = this.threshold * (options.oscillationThresholds ?? DEFAULT_OSCILLATION_THRESHOLDS);
  }

  /** Votes that make a majority among `voters`. */
  private majority(voters: number): number {
    return Math.max((count(voters) >>> 1) + 1, this.minVotes);
  }

  /** A verdict that is `reported` or about a reported ballot goes to the vote log. */
  private setVerdict(prefix: number, attributes: number, rule: Rule, now: number, reported = false): void {
    const { ballots } = this;
    const from = ballots.verdict[prefix];
    if (from === attributes) return;
    ballots.verdict[prefix] = attributes;
    ballots.setRule(prefix, rule);
    if (from === 0) this.routes++;
    else if (attributes === 0) this.routes--;
    if (ballots.advertised[prefix] !== attributes) this.queue.add(prefix);
    if (reported || ballots.dissent[prefix] !== 0 || ballots.has(prefix, NO_MAJORITY)) {
      this.events.add({ type: 'verdict', prefix, from, to: attributes, rule, agree: this.agreement(prefix), at: now });
    }
  }

  /** Brings the contested flag up to date. Returns it. */
  private settleContest(prefix: number, voters: number): boolean {
    const { votes, replicas, verdict } = this.ballots;
    const contested = supporters(votes, prefix * replicas, voters, verdict[prefix]) !== voters;
    this.contested += this.ballots.mark(prefix, CONTESTED, contested);
    if (!contested) this.withoutMajority += this.ballots.mark(prefix, NO_MAJORITY, false);
    return contested;
  }

  private observe(prefix: number, due: number, now: number): void {
    if (this.wheel.has(prefix)) return;
    this.ballots.restless[prefix] = now;
    this.wheel.add(prefix, due, now);
  }

  private reconsider(prefix: number, now: number): void {
    const { members } = this.electorate;
    if (members !== 0) this.silence.note(prefix, (members & ~this.ballots.abstaining[prefix]) === 0, now);
    if (this.settleContest(prefix, this.voters(prefix))) this.observe(prefix, now + this.threshold, now);
  }

  /** The electorate changed: which ballots are contested under the new one? After an overthrow the new master is followed at once: returns how often. */
  private rescan(now: number): number {
    const { ballots, electorate } = this;
    const follow = electorate.overthrows !== this.seenOverthrows && this.current === 'master-slave';
    this.seenEpoch = electorate.epoch;
    this.seenOverthrows = electorate.overthrows;
    let followed = 0;
    for (let prefix = 1; prefix < ballots.limit; prefix++) {
      this.dissents.drop(prefix, ~electorate.members);
      if (follow && this.followMaster(prefix, now)) followed++;
      this.reconsider(prefix, now);
    }
    return followed;
  }

  /**
   * The verdict becomes what the new master says. Not where the master has not caught up (it will say more soon), nor where it is
   * known to dissent: three replicas that are wrong on one prefix each would otherwise overthrow each other for ever.
   */
  private followMaster(prefix: number, now: number): boolean {
    const { ballots } = this;
    const { master } = this.electorate;
    const vote = ballots.votes[prefix * ballots.replicas + master];
    if (vote === ballots.verdict[prefix] || ((this.voters(prefix) & ~ballots.dissent[prefix]) >>> master) % 2 === 0)
      return false;
    if (!(this.caughtUp[master] > this.lastInput(prefix))) return false;
    this.setVerdict(prefix, vote, 'overthrow', now, true);
    return true;
  }

  private lastInput(prefix: number): number {
    return Math.max(this.inputTime(prefix), this.inputFloor);
  }

  /** A ballot under observation may have become stable: settle it, find dissent, or look again later. */
  private review(prefix: number, now: number): void {
    const { ballots, threshold } = this;
    const voters = this.voters(prefix);
    const at = prefix * ballots.replicas;
    const input = this.lastInput(prefix);
    const inputAtRest = now - input >= threshold;
    let stable = 0;
    let moving = 0;
    let wake = inputAtRest ? Infinity : input + threshold;
    for (let r = 0, rest = voters; rest !== 0; r++, rest >>>= 1) {
      if ((rest & 1) === 0) continue;
      const age = ballots.age(ballots.changed[at + r], now);
      if (age < threshold) {
        moving |= 1 << r;
        wake = Math.min(wake, now + threshold - age);
      } else if (inputAtRest) {
        if (this.caughtUp[r] > input) stable |= 1 << r;
        else wake = Math.min(wake, now + Math.max(threshold / 2, this.wheel.size / LAG_REVIEWS_PER_MS));
      }
    }
    this.watchRest(prefix, moving, now);
    const contested = this.settleContest(prefix, voters);
    const open = contested ? this.settle(prefix, voters, stable, now) : moving;
    // `wake` is finite when anybody is not stable. (An overthrow may have put the ballot under observation again by itself.)
    if (open !== 0) this.wheel.add(prefix, wake, now);
    else if (!this.ballots.has(prefix, CONTESTED) && ballots.dissent[prefix] !== 0)
      this.endDissents(prefix, voters, now);
  }

  /** Oscillation: reported once when a ballot found no rest for N·T, and once when it is over. */
  private watchRest(prefix: number, moving: number, now: number): void {
    const { ballots } = this;
    const restless = ballots.age(ballots.restless[prefix], now);
    const since = now - restless;
    if (moving === 0) {
      const change = ballots.mark(prefix, OSCILLATING, false);
      this.oscillating += change;
      if (change !== 0) this.events.add({ type: 'oscillation-ends', prefix, replicas: 0, since, at: now });
      ballots.restless[prefix] = now;
    } else if (restless >= this.restlessLimit && ballots.mark(prefix, OSCILLATING, true) !== 0) {
      this.oscillating++;
      this.events.add({ type: 'oscillation-begins', prefix, replicas: moving, since, at: now });
    }
  }

  /** Settles a contested ballot by its stable votes. Returns the replicas that must become stable before there is more to say. */
  private settle(prefix: number, voters: number, stable: number, now: number): number {
    const { ballots } = this;
    const { votes } = ballots;
    const at = prefix * ballots.replicas;
    this.tally.count(votes, at, stable);
    const { value, support } = this.tally;
    if (support < this.majority(voters)) {
      this.endDissents(prefix, voters, now);
      if (stable !== voters) return voters & ~stable;
      const change = ballots.mark(prefix, NO_MAJORITY, true);
      this.withoutMajority += change;
      if (change !== 0) this.events.add({ type: 'no-majority', prefix, voters, at: now });
      if ((voters >>> this.preferred) & 1) {
        this.setVerdict(prefix, votes[at + this.preferred], 'preferred', now, true);
        this.settleContest(prefix, voters);
      }
      return 0;
    }
    const agreeing = supporters(votes, at, voters, value);
    // Who abstains lacks something, and is not to blame where it votes for want of others.
    const wrong = stable & ~agreeing & ~ballots.abstaining[prefix];
    this.withoutMajority += ballots.mark(prefix, NO_MAJORITY, false);
    let found = 0;
    for (let r = 0; r < ballots.replicas; r++) {
      if ((wrong >>> r) & 1 && this.dissents.begin(prefix, r, value, now)) found |= 1 << r;
    }
    if (ballots.dissent[prefix] !== 0) this.endDissents(prefix, voters, now);
    const changed = ballots.verdict[prefix] !== value;
    this.setVerdict(prefix, value, 'stable-majority', now, true);
    const { master } = this.electorate;
    // News only: a master may have been outvoted before its own vote was stable, but who was found wrong before it led is not overthrown for that.
    if (this.current === 'master-slave' && ((changed ? wrong : found) >>> master) & 1) {
      this.overthrow(prefix, agreeing & stable, now);
    }
    this.settleContest(prefix, voters);
    return voters & ~agreeing & ~stable;
  }

  private overthrow(prefix: number, candidates: number, now: number): void {
    const { electorate } = this;
    const from = electorate.master;
    if (!electorate.overthrow(from, candidates)) return;
    const changed = this.rescan(now);
    this.events.add({ type: 'overthrow', prefix, from, to: electorate.master, changed, at: now });
  }

  /** Ends the dissents on a ballot that have lost their ground, and those of the replicas in `moved`. */
  private endDissents(prefix: number, voters: number, now: number, moved = 0): void {
    const { votes, replicas } = this.ballots;
    this.tally.count(votes, prefix * replicas, voters);
    const { value, support } = this.tally;
    this.dissents.end(prefix, support >= this.majority(voters) ? value : undefined, moved, now);
  }
}
