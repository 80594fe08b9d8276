// Looks at the router once a second and keeps what it saw: the points behind the dashboard's charts and the replicas' lanes. Owns what a
// point holds, and how long points are kept.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { quantile, type Histogram } from '../../metrics/histogram.js';
import type { RouterStatus } from '../../status.js';
import { Lanes, type LatestSpans, type ReplicaLanes } from './lanes.js';
import { Merger, Series, type Columns, type Merge } from './series.js';

/** Seconds between two points, and how many of them are kept: 10 minutes of fine ones, 12 hours of coarse ones. */
const FINE = { interval: 1, points: 600 };
const COARSE = { interval: 15, points: 2880 };
/** How exactly the event loop's delay is known, ms; also what the clock that measures it costs a wake-up for. */
const LOOP_RESOLUTION_MS = 20;

/** What a point holds, and how fifteen of them become one. */
const FIELDS = {
  /** Milliseconds since 1970. */
  t: 'last',
  /** Replicas in the electorate, and how many of them may be faulty. */
  voters: 'last',
  tolerates: 'last',
  /** Ballots in the updates' voters; contested ones, and those without a majority. */
  ballots: 'last',
  contested: 'max',
  withoutMajority: 'max',
  /** Votes cast per second by all replicas; prefixes per second that went out to neighbours. */
  votes: 'mean',
  decisions: 'mean',
  /** From a neighbour's input to the verdict that it led to, ms. */
  latencyP50: 'mean',
  latencyP95: 'mean',
  latencyP99: 'max',
  /** How late the event loop was, ms. */
  loopP50: 'mean',
  loopP99: 'max',
  loopMax: 'max',
  /** Open findings against all replicas. */
  faults: 'max',
  /** Resident memory of the hypervisor, bytes. */
  memory: 'last',
} satisfies Record<string, Merge>;

/** The same for each replica; votes per second, ballots, ms. */
const REPLICA_FIELDS = { votes: 'mean', dissents: 'max', lag: 'max' } satisfies Record<string, Merge>;

export type Point = Record<keyof typeof FIELDS, number | null>;
export type ReplicaPoint = Record<keyof typeof REPLICA_FIELDS, number | null>;

export interface Sample extends Point {
  replicas: Record<string, ReplicaPoint>;
  lanes: Record<string, LatestSpans>;
}

/** What GET /api/v1/history answers. */
export interface HistoryAnswer {
  /** Seconds between two points. */
  interval: number;
  columns: Columns;
  /** By replica. */
  replicas: Record<string, Columns>;
  lanes: Record<string, ReplicaLanes>;
}

export interface SamplerParts {
  /** By index. */
  replicas: readonly string[];
  /** Prefixes that went out since the start. */
  decisions(): number;
  /** Seconds from input to verdict, of all decisions since the start. */
  latency: Histogram;
}

export class Sampler {
  private readonly parts: SamplerParts;
  private readonly fine: Series;
  private readonly coarse: Series;
  private readonly merger: Merger;
  private readonly lanes = new Lanes();
  private readonly loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  private readonly votes: Float64Array;
  /** What the latencies were at the last look, by bucket. */
  private readonly counted: Float64Array;
  private decisions = 0;
  private before = NaN;

  constructor(parts: SamplerParts) {
    this.parts = parts;
    const names = [
      ...Object.keys(FIELDS),
      ...parts.replicas.flatMap((_, r) => Object.keys(REPLICA_FIELDS).map((f) => `${r} ${f}`)),
    ];
    const rules = [...Object.values(FIELDS), ...parts.replicas.flatMap(() => Object.values(REPLICA_FIELDS))];
    this.fine = new Series(names, FINE.points);
    this.coarse = new Series(names, COARSE.points);
    this.merger = new Merger(rules);
    this.votes = new Float64Array(parts.replicas.length);
    this.counted = new Float64Array(parts.latency.counts.length);
    this.loop.enable();
  }

  /** `at`: milliseconds since 1970. */
  sample(status: RouterStatus, at: number): Sample {
    const seconds = Math.max(0.001, (at - this.before) / 1000);
    const rates = status.replicas.map(({ votes }, r) => Math.max(0, votes - this.votes[r]) / seconds);
    const point = { ...this.routerPoint(status, at), ...this.voting(rates, seconds), ...this.latencies() };
    const replicas: Record<string, ReplicaPoint> = {};
    status.replicas.forEach(({ name, votes, dissents, lagMs }, r) => {
      this.votes[r] = votes;
      replicas[name] = { votes: known(rates[r]), dissents, lag: lagMs };
    });
    this.before = at;
    this.lanes.update(status.replicas, at);
    this.keep(point, replicas);
    return { ...point, replicas, lanes: this.lanes.latest() };
  }

  history(which: 'fine' | 'coarse'): HistoryAnswer {
    const { names } = this.fine;
    const all = (which === 'fine' ? this.fine : this.coarse).columns();
    const pick = (fields: readonly string[], prefix: string): Columns =>
      Object.fromEntries(fields.map((field) => [field, all[prefix + field]]));
    const own = names.slice(0, Object.keys(FIELDS).length);
    return {
      interval: (which === 'fine' ? FINE : COARSE).interval,
      columns: pick(own, ''),
      replicas: Object.fromEntries(
        this.parts.replicas.map((name, r) => [name, pick(Object.keys(REPLICA_FIELDS), `${r} `)]),
      ),
      lanes: this.lanes.report(),
    };
  }

  private routerPoint(status: RouterStatus, t: number) {
    const { electorate, tolerates, ballots, memory } = status;
    return {
      t,
      voters: electorate.length,
      tolerates,
      ballots: ballots.total,
      contested: ballots.contested,
      withoutMajority: ballots.withoutMajority,
      faults: status.replicas.reduce((sum, { faults }) => sum + faults.open, 0),
      memory,
    };
  }

  private voting(rates: readonly number[], seconds: number) {
    const decisions = this.parts.decisions();
    const rate = (decisions - this.decisions) / seconds;
    this.decisions = decisions;
    return { votes: known(rates.reduce((sum, one) => sum + one, 0)), decisions: known(rate) };
  }

  private latencies() {
    const { loop, counted } = this;
    const { bounds, counts } = this.parts.latency;
    const fresh = counts.map((count, i) => count - counted[i]);
    counted.set(counts);
    const latency = (q: number): number | null => known(1000 * quantile(q, bounds, fresh));
    // It measures from one wake-up to the next: only what comes on top is delay.
    const late = (nanoseconds: number): number | null => known(Math.max(0, nanoseconds / 1e6 - LOOP_RESOLUTION_MS));
    const point = {
      latencyP50: latency(0.5),
      latencyP95: latency(0.95),
      latencyP99: latency(0.99),
      loopP50: loop.count === 0 ? null : late(loop.percentile(50)),
      loopP99: loop.count === 0 ? null : late(loop.percentile(99)),
      loopMax: loop.count === 0 ? null : late(loop.max),
    };
    loop.reset();
    return point;
  }

  private keep(point: Point, replicas: Record<string, ReplicaPoint>): void {
    const row = this.row(point, replicas);
    this.fine.push(row);
    this.merger.add(row);
    if (this.merger.size >= COARSE.interval / FINE.interval) this.coarse.push(this.merger.take());
  }

  /** In the order of the columns. */
  private row(point: Point, replicas: Record<string, ReplicaPoint>): number[] {
    const own = (Object.keys(FIELDS) as (keyof Point)[]).map((field) => point[field] ?? NaN);
    const theirs = this.parts.replicas.flatMap((name) =>
      (Object.keys(REPLICA_FIELDS) as (keyof ReplicaPoint)[]).map((field) => replicas[name]?.[field] ?? NaN),
    );
    return [...own, ...theirs];
  }
}

/** JSON has no NaN. Three decimals are enough for everybody. */
function known(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value * 1000) / 1000 : null;
}
