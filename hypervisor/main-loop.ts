// The router's main loop: turns, in which replicas are fed and verdicts are sent after all reads of a turn of the event loop, and ticks, in
// which time-driven work is looked at. Owns when that happens and in which order; what is done belongs to the parts.
import { now } from './clock.js';
import type { RouterContext } from './context.js';
import type { HealthDesk } from './health/health-desk.js';
import { MemoryKeeper } from './memory-keeper.js';
import type { NeighborPort } from './neighbor-port.js';
import type { Opening } from './neighbors/opening.js';
import type { ReplicaPort } from './replica-port.js';
import type { RouterFib } from './router-fib.js';
import type { ServiceManager } from './service-manager.js';

/** How often time-driven work is looked at, ms. */
const TICK_MS = 25;

export interface LoopParts {
  context: RouterContext;
  neighbors: readonly NeighborPort[];
  replicas: readonly ReplicaPort[];
  fib: RouterFib | undefined;
  health: HealthDesk;
  opening: Opening;
  service: ServiceManager;
}

export class MainLoop {
  private readonly parts: LoopParts;
  private readonly memory = new MemoryKeeper();
  private ticker: NodeJS.Timeout | undefined;
  private scheduled = false;

  constructor(parts: LoopParts) {
    this.parts = parts;
  }

  /** Ticks from now on. */
  start(): void {
    this.ticker = setInterval(() => this.tick(), TICK_MS);
  }

  /** No more ticks; a turn that was asked for still comes. */
  stop(): void {
    clearInterval(this.ticker);
  }

  /** Asks for a turn. */
  schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.turn());
  }

  /** After the reads of one turn of the event loop: feed the replicas, then send verdicts. One batch each, then others have a turn. */
  private turn(): void {
    const { context, neighbors, replicas } = this.parts;
    this.scheduled = false;
    for (const replica of replicas) replica.pump();
    context.quarantine?.apply(now());
    context.fib?.flush();
    let more = false;
    for (const neighbor of neighbors) {
      neighbor.pace();
      more = neighbor.pump() || more;
    }
    if (more) this.schedule();
  }

  private tick(): void {
    const at = now();
    const { context, neighbors, replicas, fib, health, opening, service } = this.parts;
    service.alive(at);
    if (service.listens) service.status(this.inOneLine());
    for (const replica of replicas) replica.tick(at);
    for (const neighbor of neighbors) neighbor.tick(at, this.settledSince(neighbor.upSince));
    fib?.tick(at, (since) => this.settledSince(since));
    context.faults.tick(at);
    context.recovery.tick(at);
    context.injections.tick(at);
    health.tick(at);
    context.quarantine?.tick(at);
    context.journal.tick(at);
    context.voteLog.flush();
    opening.tick(at);
    this.memory.tick(at);
    this.sweep();
  }

  /** Frees prefixes and attributes that nobody holds, after the tables have grown. */
  private sweep(): void {
    const { context, neighbors } = this.parts;
    const { abstentions, bmp, gate, injections, replicator } = context;
    const voters = neighbors.map(({ voter }) => voter);
    const some = [...(gate ? [gate] : []), ...(bmp ? [bmp.locRib] : [])];
    const holders = [replicator, abstentions, injections, ...some, ...voters];
    if (context.tables.sweepIfGrown(holders)) context.intake.forgetCaches();
  }

  /** Every member has worked off everything that was there at `since`. */
  private settledSince(since: number): boolean {
    const { context, replicas } = this.parts;
    const { electorate } = context;
    return (
      electorate.size > 0 && replicas.every((replica) => !electorate.has(replica.index) || replica.digested(since))
    );
  }

  /** What `systemctl status` shows. */
  private inOneLine(): string {
    const { context, neighbors, replicas } = this.parts;
    const { electorate, recovery } = context;
    const up = neighbors.filter(({ negotiated }) => negotiated !== undefined).length;
    const there = neighbors.filter(({ config }) => config.removed !== true).length;
    const alarms = recovery.raised.map(({ text }) => `; ${text}`).join('');
    return `${electorate.size} of ${replicas.length} replicas vote, ${up} of ${there} neighbours are up${alarms}`;
  }
}
