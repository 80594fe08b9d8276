// What a benchmark measures on stations that are up: the time from the feeder's first byte to the sink's last prefix, the
// processes' CPU and peak memory meanwhile, and the delay of single new prefixes.
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { treeUsage } from '../cli/lab/process-stats.js';
import type { BenchInput } from './input.js';
import { monotonicMs } from './protocol.js';
import type { PeerProcess } from './peer-process.js';
import { quantile } from './statistics.js';
import type { Station } from './station.js';

export interface ProcessCost {
  name: string;
  cpuSeconds: number;
  peakBytes: number;
}

export interface TableResult {
  /** From the feeder's first byte to the arrival of the last prefix that had not been seen, ms. */
  completeMs: number;
  /** The same until the last UPDATE of any kind: later when verdicts or best paths changed on the way. */
  settledMs: number;
  /** How long the feeder needed to get rid of its input. */
  feedMs: number;
  prefixes: number;
  announcements: number;
  withdrawals: number;
  /** Of the router under test, each process. */
  router: ProcessCost[];
  feeder: ProcessCost;
  sink: ProcessCost;
}

export interface SinglesResult {
  count: number;
  medianMs: number;
  p99Ms: number;
}

/** Feeding stops being interesting after this. */
const TABLE_DEADLINE_MS = 300_000;
/** A table of which nothing comes for so long will not become complete. */
const STALLED_MS = 20_000;
/** Without an UPDATE for so long, a sink has what it will get. */
const QUIET_MS = 1000;
const SINGLE_DEADLINE_MS = 20_000;

/** Feeds all stations at the same moment and waits until every sink is complete and quiet. */
export function measureTables(stations: readonly Station[], input: BenchInput): Promise<TableResult[]> {
  const before = stations.map(usage);
  for (const { feeder } of stations) feeder.send({ kind: 'feed' });
  return Promise.all(stations.map((station, index) => finish(station, input, before[index]!)));
}

/** Announces `count` new prefixes one at a time, each when the one before has arrived and a moment has passed. */
export async function measureSingles(station: Station, count: number): Promise<SinglesResult> {
  const arrivals: number[] = [];
  const { distinct } = await station.sink.report();
  for (let index = 0; index < count; index++) {
    station.sink.send({ kind: 'watch', beyond: distinct + index });
    // Not in step with anything: FRR holds changes for up to 50 ms, so where in that time they come decides.
    await sleep(5 + ((index * 37) % 61));
    station.feeder.send({ kind: 'single', index });
    arrivals.push((await station.sink.next('arrived', SINGLE_DEADLINE_MS)).atMs);
  }
  const { singles } = await station.feeder.report();
  const delays = arrivals.map((arrived, index) => arrived - singles[index]!);
  return { count, medianMs: quantile(delays, 0.5), p99Ms: quantile(delays, 0.99) };
}

type Usage = ReturnType<typeof usage>;

function usage(station: Station) {
  return {
    router: treeUsage(station.routerPid),
    feeder: treeUsage(station.feeder.process.pid),
    sink: treeUsage(station.sink.process.pid),
  };
}

async function finish(
  { name, feeder, sink, routerPid }: Station,
  input: BenchInput,
  before: Usage,
): Promise<TableResult> {
  const fed = await feeder.next('fed', TABLE_DEADLINE_MS);
  const complete = await waitForComplete(sink, name, input.prefixes);
  let report = await sink.report();
  while (monotonicMs() - report.lastMs < QUIET_MS) {
    await sleep(QUIET_MS / 4);
    report = await sink.report();
  }
  const after = usage({ name, feeder, sink, routerPid });
  return {
    completeMs: complete.atMs - fed.startMs,
    settledMs: report.lastMs - fed.startMs,
    feedMs: fed.endMs - fed.startMs,
    prefixes: report.distinct,
    announcements: report.announcements,
    withdrawals: report.withdrawals,
    router: costs(before.router, after.router),
    feeder: costs(before.feeder, after.feeder)[0]!,
    sink: costs(before.sink, after.sink)[0]!,
  };
}

/** Waits for the sink's last prefix; gives up when nothing has come for a long time. */
async function waitForComplete(sink: PeerProcess, name: string, expected: number): Promise<{ atMs: number }> {
  const complete = sink.next('complete', TABLE_DEADLINE_MS);
  complete.catch(() => undefined);
  for (;;) {
    const done = await Promise.race([complete, sleep(STALLED_MS / 4)]);
    if (done) return done;
    const { distinct, lastMs } = await sink.report();
    if (distinct < expected && lastMs > 0 && monotonicMs() - lastMs > STALLED_MS) {
      throw new Error(
        `${name}: only ${distinct} of ${expected} prefixes arrived, and nothing for ${STALLED_MS / 1000} s`,
      );
    }
  }
}

/** What each process used between two looks; processes that came in between count from zero. */
function costs(before: Usage['router'], after: Usage['router']): ProcessCost[] {
  const earlier = new Map(before.map(({ pid, cpuSeconds }) => [pid, cpuSeconds]));
  return after.map(({ pid, program, cpuSeconds, peakBytes }) => ({
    name: path.relative('/usr', program).replace(/^(lib|sbin|bin)\//, ''),
    cpuSeconds: cpuSeconds - (earlier.get(pid) ?? 0),
    peakBytes,
  }));
}
