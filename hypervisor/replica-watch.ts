// Whether one running replica keeps up: sends it probes, finds that it hangs or does not take a session, and that it is synchronised. Owns
// these judgements; how far it has come is replica-progress.ts, what becomes of it recovery/.
import type { RouterContext } from './context.js';
import { HangWatch } from './hang-watch.js';
import type { NeighborPort } from './neighbor-port.js';
import type { ReplicaIntake } from './replica-intake.js';
import type { ReplicaLink } from './replica-link.js';
import type { ReplicaLinks } from './replica-links.js';
import type { ReplicaProgress } from './replica-progress.js';
import type { Waits } from './replicas/processor-wait.js';
import type { ReplicaState } from './status.js';
import { StopWatch } from './stop-watch.js';
import type { SystemCause } from '../voter/faults/types.js';

/** A session that a replica does not take for this many hang thresholds is a fault. */
const OPEN_THRESHOLDS = 3;
/** One that it has not taken after this time (BIRD may wait for a second) costs it its vote, ms. */
const OPEN_GRACE_MS = 3000;

/** A replica that does not become quiet after its replay may vote after this many stability thresholds. */
const BUSY_SYNC_THRESHOLDS = 5;

/** Who answers for the replica. */
export interface ReplicaJudge {
  state(): ReplicaState;
  /** Whether somebody has stopped a process of it. */
  isStopped(): boolean;
  /** How long its processes have waited for a processor. */
  waits(at: number): Waits;
  /** A system event of the running replica, on a session with `neighbor` (negative: an internal one) or of all of it. */
  fault(cause: SystemCause, reason: string, neighbor?: number): void;
  neighbor(n: number): NeighborPort;
}

export class ReplicaWatch {
  private readonly index: number;
  private readonly context: RouterContext;
  private readonly probing: ReplicaProgress;
  private readonly intake: ReplicaIntake;
  private readonly judge: ReplicaJudge;
  /** When its history had been replayed on all sessions, ms; Infinity while it has not. */
  private replayedAt = Infinity;
  /** How far its forwarding path was last said to have come, ms. */
  private forwardedTold = -Infinity;
  private readonly hangs: HangWatch;
  private readonly stops: StopWatch;

  constructor(
    index: number,
    context: RouterContext,
    parts: { probing: ReplicaProgress; intake: ReplicaIntake; judge: ReplicaJudge },
  ) {
    this.index = index;
    this.context = context;
    this.probing = parts.probing;
    this.intake = parts.intake;
    this.judge = parts.judge;
    this.hangs = new HangWatch(this.probing.tracker, (at) => this.judge.waits(at));
    this.stops = new StopWatch(() => this.judge.isStopped());
  }

  /** It has been started: nothing is known of it. */
  restart(): void {
    this.forwardedTold = -Infinity;
    this.replayedAt = Infinity;
    this.stops.restart();
  }

  /** While it has sessions. */
  tick(at: number, links: ReplicaLinks): void {
    const { context, index, probing, judge } = this;
    this.prove(at);
    // Looked at often: a busy replica has read everything only for a moment now and then.
    links.deliveredUntil(at);
    this.probe(at, links);
    if (context.fib?.isTapPaused(index)) probing.tracker.life(at);
    if (this.isOut(at)) return;
    for (const link of links) if (!link.isUp) this.missing(link, at);
    if (judge.state() === 'syncing' && this.isSynchronised(at, links)) context.recovery.synchronised(index);
  }

  /** Hung or stopped, which is a fault. */
  private isOut(at: number): boolean {
    const { hangThreshold } = this.context.config.voting;
    const silent = `no answer to a probe and no other sign of life for ${hangThreshold} ms`;
    const isHung = this.hangs.isHung(at);
    if (this.stops.isStopped(at, hangThreshold)) {
      this.judge.fault('stopped', `was stopped by somebody: a process of it for ${hangThreshold} ms`);
    } else if (isHung && this.judge.isStopped()) this.judge.fault('stopped', `was stopped by somebody: ${silent}`);
    else if (isHung) this.judge.fault('hang', `hangs: ${silent}`);
    else return false;
    return true;
  }

  private prove(at: number): void {
    const { context, index, probing } = this;
    probing.tick(at);
    context.caughtUp[index] = probing.advertisedUntil;
    if (probing.forwardedUntil === this.forwardedTold) return;
    this.forwardedTold = probing.forwardedUntil;
    context.fib?.caughtUp(index, this.forwardedTold);
  }

  private probe(at: number, links: ReplicaLinks): void {
    const { context, index, probing } = this;
    const link = links.internal('probe');
    if (link === undefined || links.internal('tap') === undefined) return;
    // Busy: something was delivered that no probe has proven yet.
    const busy = this.judge.state() === 'syncing' || context.replicatorInput() > probing.digestedUntil;
    const isSent = probing.send(at, busy, links, (messages) => link.write(messages));
    // One session of which something still waits here, or that is only just being opened, must not keep the suspects of all the others.
    if (isSent) context.replicator.probeSent(index, links.handed);
  }

  /**
   * A session that is not up. What it votes lacks that neighbour's routes, so it soon has no say, unless nobody else has; much later it
   * is a fault.
   */
  private missing(link: ReplicaLink, at: number): void {
    const { context, index, judge } = this;
    const reason = `does not take the session ${link.plan.name}: ${link.lastError ?? 'no answer'}`;
    if (at - link.firstAttempt > OPEN_THRESHOLDS * context.config.voting.hangThreshold) {
      judge.fault('unanswered', reason, link.plan.neighbor);
    } else if (judge.state() !== 'syncing' && at - link.wantedSince > OPEN_GRACE_MS) {
      if (!context.recovery.unsynchronised(index, reason)) return;
      this.replayedAt = Infinity;
      context.log.warn(`replica ${context.records.replicas[index]} ${reason}; it does not vote until it does`);
    }
  }

  /**
   * Synchronised: all sessions up, the history replayed, a later probe back, and quiet since; a replica that is kept busy by new
   * input is taken after a while, for its votes need stability anyway before anybody blames it.
   */
  private isSynchronised(at: number, links: ReplicaLinks): boolean {
    if (!links.isComplete(at, OPEN_GRACE_MS)) {
      this.replayedAt = Infinity;
      return false;
    }
    if (this.replayedAt === Infinity && !links.replayed) return false;
    this.replayedAt = Math.min(this.replayedAt, at);
    const settle = this.context.config.voting.stabilityThreshold;
    const { votes, lastVoteAt } = this.intake;
    const quiet = votes === 0 || at - Math.max(this.replayedAt, lastVoteAt) >= settle;
    const longEnough = at - this.replayedAt >= BUSY_SYNC_THRESHOLDS * settle;
    return (quiet || longEnough) && this.probing.isFollowing(this.replayedAt, at);
  }
}
