// `btr fib`: walks over all routes that are wanted or there, a slice per turn, because there may be a million of them and the replicas'
// writes must not wait. Changes nothing. Owns the walk; what is said of a route is reports.ts.
import type { FibEngine } from '../../fib/engine.js';
import { now } from '../clock.js';
import type { FibQuery } from './protocol.js';
import type { FibReports } from './reports.js';
import type { FibRouteReport } from './status.js';

/** Most routes in one answer, whatever is asked for. */
const MAX_ROUTES = 100_000;
/** A slice, ms; and how many prefixes are looked at between two looks at the clock. */
const SLICE_MS = 2;
const AT_ONCE = 64;

export interface Slice {
  routes: FibRouteReport[];
  /** With the last slice: all there are, also those beyond the limit. */
  total?: number;
}

export class Listing {
  readonly id: number;
  private readonly reports: FibReports;
  private readonly state: string | undefined;
  private readonly limit: number;
  private next: number;
  private readonly end: number;
  private total = 0;

  /** A prefix that nobody knows makes a listing of nothing. Throws an Error for the user: what comes over the control socket may be anything. */
  constructor(id: number, engine: FibEngine, reports: FibReports, query: FibQuery) {
    if (query.prefix !== undefined && typeof query.prefix !== 'string') {
      throw new Error('"prefix" must be a prefix such as 192.0.2.0/24');
    }
    if (query.limit !== undefined && !(Number.isInteger(query.limit) && query.limit >= 0)) {
      throw new Error('"limit" must be a whole number');
    }
    const { prefixes } = engine;
    this.id = id;
    this.reports = reports;
    this.state = query.prefix === undefined ? query.state : undefined;
    this.limit = Math.min(query.limit ?? MAX_ROUTES, MAX_ROUTES);
    const only = query.prefix === undefined ? undefined : prefixes.findText(query.prefix);
    this.next = only ?? 1;
    this.end = only === undefined ? prefixes.limit : only === 0 ? 0 : only + 1;
  }

  step(): Slice {
    const { reports } = this;
    const until = now() + SLICE_MS;
    const routes: FibRouteReport[] = [];
    do {
      const end = Math.min(this.next + AT_ONCE, this.end);
      for (; this.next < end; this.next++) {
        if (!reports.isAskedFor(this.next, this.state)) continue;
        if (++this.total <= this.limit) routes.push(reports.route(this.next));
      }
    } while (this.next < this.end && now() < until);
    return this.next < this.end ? { routes } : { routes, total: this.total };
  }
}
