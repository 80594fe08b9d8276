// What one replica says: UPDATEs on sessions that stand for neighbours become votes, those on its tap are probes or votes on the forwarding
// table. Owns what is counted of them and the injected delays; how an UPDATE is read is intake.ts.
import { now } from './clock.js';
import type { RouterContext } from './context.js';
import type { ReplicaLink } from './replica-link.js';
import type { ReplicaProgress } from './replica-progress.js';
import type { ReplicaJudge } from './replica-watch.js';

/** UPDATEs that are not sound are logged so often, then one in so many. */
const UNSOUND = { LOGGED: 10, EVERY: 1000 } as const;

export class ReplicaIntake {
  /** Votes cast, and UPDATEs sent to neighbours, since the router's start. */
  votes = 0;
  updates = 0;
  /** ms. */
  lastVoteAt = -Infinity;
  private readonly index: number;
  private readonly context: RouterContext;
  private readonly probing: ReplicaProgress;
  private readonly judge: ReplicaJudge;
  private unsound = 0;

  constructor(index: number, context: RouterContext, probing: ReplicaProgress, judge: ReplicaJudge) {
    this.index = index;
    this.context = context;
    this.probing = probing;
    this.judge = judge;
  }

  update(link: ReplicaLink, message: Uint8Array, start: number, end: number): void {
    const { injections } = this.context;
    if (!injections.delays) this.take(link, message, start, end);
    else {
      injections.pass(this.index, message, start, end, (late, from, to) => {
        if (link.isUp) this.take(link, late, from, to);
      });
    }
  }

  private take(link: ReplicaLink, message: Uint8Array, start: number, end: number): void {
    const at = now();
    this.probing.tracker.life(at);
    if (link.plan.role === 'tap') this.tapped(link, message, start, end, at);
    else if (link.plan.role === 'neighbor') this.cast(link, message, start, end, at);
  }

  private tapped(link: ReplicaLink, message: Uint8Array, start: number, end: number, at: number): void {
    const { context, index } = this;
    const proven = this.probing.onTap(message, start, end, at);
    // A feed of a careful replica may have waited for that.
    if (proven && context.replicator.probeReturned(index)) context.schedule();
    if (context.config.replicas[index].fib === 'tap') context.fib?.tap(index, message, start, end, link);
  }

  private cast(link: ReplicaLink, message: Uint8Array, start: number, end: number, at: number): void {
    const { index, context } = this;
    const { intake, injections } = context;
    const { neighbor, families } = link.plan;
    this.updates++;
    context.taps.voted(index, neighbor, message, start, end, at);
    this.probing.sent(end - start);
    const { voter, config } = this.judge.neighbor(neighbor);
    const ballots = injections.ballots(neighbor, voter);
    const before = intake.votes;
    const verdict = intake.cast(message, start, end, families, config.peerAs, index, ballots, at);
    this.votes += intake.votes - before;
    this.lastVoteAt = at;
    context.schedule();
    if (verdict.kind !== 'sound') this.noteUnsound(link, verdict.reason, verdict.kind);
  }

  private noteUnsound({ plan }: ReplicaLink, reason: string, kind: string): void {
    this.unsound++;
    if (kind === 'reset') {
      this.judge.fault('broken-update', `sent a broken UPDATE on session ${plan.name}: ${reason}`, plan.neighbor);
    } else if (this.unsound <= UNSOUND.LOGGED || this.unsound % UNSOUND.EVERY === 0) {
      const name = this.context.records.replicas[this.index];
      this.context.log.warn(`replica ${name}: UPDATE on session ${plan.name} is not sound: ${reason}`);
    }
  }
}
