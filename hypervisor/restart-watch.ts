// The router's own graceful restart (RFC 4724 section 4.1) as a value: what its OPENs say, until when End-of-RIB is held back, and when
// the routes of the last run that nobody has confirmed may go. Pure: time (ms) is an argument. Owns these decisions only: sweeping is
// the FIB's work, sessions are neighbors/, who has worked off what is asked of the caller.
import type { RouterConfig } from '../configs/model.js';
import type { Negotiated } from '../session/types.js';
import type { GracefulRestart } from '../wire/bgp/graceful-restart.js';
import type { Family } from '../wire/family.js';

export interface RestartWatchOptions {
  /** Configured neighbours; indices are below it. */
  neighbors: number;
  /** Offered to neighbours, seconds; 0: graceful restart is not offered. */
  restartTime: number;
  /** How long after `begin` unconfirmed routes may stay, ms. */
  staleRoutes: number;
  /** All that has come in must have been worked off for so long, ms: in it votes become stable, and stable votes settle contests. Default 0. */
  rest?: number;
  /** A neighbour that sends no End-of-RIB has told everything when its table has not grown for so long, ms. Default 5000. */
  quiet?: number;
}

/** Where replicas disagree there is a verdict one stability threshold after they have come to rest, and a little more. */
const RESTS = 2;
/** BIRD sits on a fresh table for up to 3 s. */
const DEFAULT_QUIET_MS = 5000;
/** A table that grows by less than one in so many has come to an end: on the Internet something always changes. */
const GROWTH = 1024;

interface Watched {
  /** Families of the session; 0 while it is down. */
  families: number;
  /** Families whose End-of-RIB has come. */
  told: number;
  /** It is not known to send End-of-RIB, or waits for ours itself (its R bit): a table that does not grow counts too. */
  sizeCounts: boolean;
  /** Size of its table when it last grew, and when that was (or when its session came up). */
  routes: number;
  lastGrowth: number;
  /** When it had told everything; Infinity while it has not. What comes in later is news, and nobody waits for it. */
  toldAt: number;
}

export type RestartState = 'waiting' | 'resynchronised' | 'expired';

export class RestartWatch {
  /** `waiting` until the router knows again what all its neighbours announce; `expired` when it waited in vain. */
  state: RestartState = 'waiting';
  private options: RestartWatchOptions;
  private readonly quiet: number;
  private readonly neighbors: Watched[];
  private preserved = 0;
  private beganAt = Infinity;
  /** Since when everything that was told has been worked off, ms. */
  private settledAt = Infinity;

  constructor(options: RestartWatchOptions) {
    this.options = options;
    this.quiet = options.quiet ?? DEFAULT_QUIET_MS;
    this.neighbors = Array.from({ length: options.neighbors }, () => down());
  }

  /** To be called before sessions open. `preserved`: families of which routes of an earlier run were found (1 << Family). */
  begin(preserved: number, now: number): void {
    this.preserved = preserved;
    this.beganAt = now;
  }

  /** A restart of which neighbours may hold routes, and which is not over. */
  get restarting(): boolean {
    return this.preserved !== 0 && this.state === 'waiting';
  }

  /** What an OPEN sent now says to a neighbour with these families. */
  offer(families: number): GracefulRestart | undefined {
    const { restartTime } = this.options;
    if (restartTime === 0) return undefined;
    // Once all is known the kernel's routes outlive the loss of a session, as in any router whose routing process stays.
    const forwarding = this.state === 'waiting' ? families & this.preserved : families;
    return { restarting: this.restarting, notification: false, restartTime, families, forwarding };
  }

  /** Neighbour `n` is new, or is gone for good: nobody waits for either. */
  neighborChanged(n: number): void {
    this.neighbors[n] = { ...down(), toldAt: -Infinity };
  }

  /** What the configuration says now. */
  configure(config: RouterConfig): void {
    this.options = optionsOf(config);
  }

  up(n: number, negotiated: Pick<Negotiated, 'families' | 'gracefulRestart'>, now: number): void {
    const { families, gracefulRestart } = negotiated;
    const sizeCounts = gracefulRestart === undefined || gracefulRestart.restarting;
    this.neighbors[n] = { families, told: 0, sizeCounts, routes: 0, lastGrowth: now, toldAt: Infinity };
  }

  down(n: number): void {
    this.neighbors[n] = down();
  }

  /** The neighbour's table has so many routes by now. */
  size(n: number, routes: number, now: number): void {
    const neighbor = this.neighbors[n];
    if (routes <= neighbor.routes + neighbor.routes / GROWTH) return;
    neighbor.routes = routes;
    neighbor.lastGrowth = now;
  }

  /** Nothing is read from the neighbour now: that its table does not grow means nothing. */
  unread(n: number, now: number): void {
    this.neighbors[n].lastGrowth = now;
  }

  /** The neighbour has told all it had of this family when its session came up. */
  endOfRib(n: number, family: Family, now: number): void {
    const neighbor = this.neighbors[n];
    neighbor.told |= 1 << family;
    if (neighbor.families !== 0 && (neighbor.families & ~neighbor.told) === 0) {
      neighbor.toldAt = Math.min(neighbor.toldAt, now);
    }
  }

  /** Neighbours that the router waits for, by index. */
  get missing(): number[] {
    return this.neighbors.flatMap(({ toldAt }, n) => (toldAt === Infinity ? [n] : []));
  }

  /** True once: when the state leaves `waiting`. `settled` says whether the replicas have worked off all that came in before a time. */
  check(now: number, settled: (since: number) => boolean): boolean {
    if (this.state !== 'waiting' || now < this.beganAt) return false;
    let last = -Infinity;
    for (const neighbor of this.neighbors) {
      const { sizeCounts, lastGrowth, toldAt } = neighbor;
      if (toldAt === Infinity && sizeCounts && now - lastGrowth >= this.quiet) neighbor.toldAt = lastGrowth;
      last = Math.max(last, neighbor.toldAt);
    }
    this.settledAt = last !== Infinity && settled(last) ? Math.min(this.settledAt, now) : Infinity;
    if (now - this.settledAt >= (this.options.rest ?? 0)) this.state = 'resynchronised';
    else if (now - this.beganAt >= this.options.staleRoutes) this.state = 'expired';
    return this.state !== 'waiting';
  }
}

/** The watch of a configured router. Without the kernel nothing is preserved over a restart, and nothing is offered. */
export function restartWatchOf(config: RouterConfig): RestartWatch {
  return new RestartWatch(optionsOf(config));
}

function optionsOf({ fib, neighbors, voting }: RouterConfig): RestartWatchOptions {
  return {
    neighbors: neighbors.length,
    restartTime: fib.backend === 'kernel' ? fib.restartTime : 0,
    staleRoutes: fib.staleRoutes,
    rest: RESTS * voting.stabilityThreshold,
  };
}

function down(): Watched {
  return { families: 0, told: 0, sizeCounts: false, routes: 0, lastGrowth: -Infinity, toldAt: Infinity };
}
