// From the runs' results to medians, ratios and the table that docs/bench.md shows. Measures nothing.
import { bytes, table } from '../cli/output/table.js';
import type { ProcessCost, SinglesResult, TableResult } from './measure.js';
import { SIDE_BY_SIDE } from './scenarios.js';
import type { StationResult } from './scenarios.js';
import { median } from './statistics.js';

/** All runs of one scenario with one input. */
export interface ScenarioRuns {
  scenario: string;
  prefixes: number;
  runs: StationResult[][];
  /** Why a run gave no result. */
  errors: string[];
}

export interface Summary {
  scenario: string;
  /** The daemon of a side-by-side run, else the scenario's only router. */
  station: string;
  prefixes: number;
  runs: number;
  completeMs: number;
  settledMs: number;
  singleMedianMs: number | undefined;
  singleP99Ms: number | undefined;
  /** Of the router under test, summed by process name. */
  router: ProcessCost[];
  cpuSeconds: number;
  peakBytes: number;
  feederCpuSeconds: number;
  sinkCpuSeconds: number;
}

/** Medians over the runs, one entry for each router of the scenario. */
export function summarise({ scenario, prefixes, runs }: ScenarioRuns): Summary[] {
  const stations = [...new Set(runs.flat().map(({ station }) => station))];
  return stations.map((station) => {
    const results = runs.flat().filter((result) => result.station === station);
    const of = (value: (table: TableResult) => number) => median(results.map((result) => value(result.table)));
    const singles = results.map((result) => result.singles).filter((single) => single !== undefined);
    const router = processMedians(results);
    return {
      scenario,
      station,
      prefixes,
      runs: results.length,
      completeMs: of(({ completeMs }) => completeMs),
      settledMs: of(({ settledMs }) => settledMs),
      singleMedianMs: optionalMedian(singles, ({ medianMs }) => medianMs),
      singleP99Ms: optionalMedian(singles, ({ p99Ms }) => p99Ms),
      router,
      cpuSeconds: of((result) => sum(result.router.map(({ cpuSeconds }) => cpuSeconds))),
      peakBytes: of((result) => sum(result.router.map(({ peakBytes }) => peakBytes))),
      feederCpuSeconds: of(({ feeder }) => feeder.cpuSeconds),
      sinkCpuSeconds: of(({ sink }) => sink.cpuSeconds),
    };
  });
}

/** Medians by process name; processes of the same name (OpenBGPD's four) are one entry. */
function processMedians(results: readonly StationResult[]): ProcessCost[] {
  const names = [...new Set(results.flatMap(({ table: { router } }) => router.map(({ name }) => name)))];
  const total = (result: StationResult, name: string, value: (cost: ProcessCost) => number) =>
    sum(result.table.router.filter((cost) => cost.name === name).map(value));
  return names.map((name) => ({
    name,
    cpuSeconds: median(results.map((result) => total(result, name, ({ cpuSeconds }) => cpuSeconds))),
    peakBytes: median(results.map((result) => total(result, name, ({ peakBytes }) => peakBytes))),
  }));
}

export interface Ratio {
  prefixes: number;
  scenario: string;
  /** What it is compared with. */
  baseline: string;
  /** Time until complete, relative to the baseline's. */
  time: number;
  /** What a single new prefix takes more than with the baseline, ms. */
  singleMs: number | undefined;
}

/**
 * The hypervisor against each daemon alone and against the floor: the second-fastest of the three side by side (a majority
 * of three cannot agree earlier) and the slowest of them.
 */
export function ratios(summaries: readonly Summary[]): Ratio[] {
  const found: Ratio[] = [];
  for (const router of summaries.filter(({ station }) => station === 'hypervisor')) {
    const same = summaries.filter(({ prefixes }) => prefixes === router.prefixes);
    const alone = same.filter(({ scenario }) => scenario.endsWith(' alone'));
    const together = same.filter(({ scenario }) => scenario === SIDE_BY_SIDE);
    const compare = (baseline: string, other: Summary | undefined) => {
      if (!other) return;
      const singleMs = difference(router.singleMedianMs, other.singleMedianMs);
      const time = router.completeMs / other.completeMs;
      found.push({ prefixes: router.prefixes, scenario: router.scenario, baseline, time, singleMs });
    };
    for (const other of alone) compare(other.scenario, other);
    const ordered = together.toSorted((a, b) => a.completeMs - b.completeMs);
    if (ordered.length > 1) compare(`${SIDE_BY_SIDE}: second-fastest (${ordered[1]!.station})`, ordered[1]);
    if (ordered.length > 2) compare(`${SIDE_BY_SIDE}: slowest (${ordered.at(-1)!.station})`, ordered.at(-1));
  }
  return found;
}

/** The report as text. */
export function formatReport(summaries: readonly Summary[], compared: readonly Ratio[]): string {
  const times = table(
    [
      ...['scenario', 'router', 'prefixes', 'complete s', 'settled s', 'single ms', 'p99 ms'],
      ...['CPU s', 'feeder', 'sink', 'peak memory', 'runs'],
    ],
    summaries.map((s) => [
      ...[s.scenario, s.station, s.prefixes, fixed(s.completeMs / 1000, 2), fixed(s.settledMs / 1000, 2)],
      ...[fixed(s.singleMedianMs, 2), fixed(s.singleP99Ms, 2), fixed(s.cpuSeconds, 2), fixed(s.feederCpuSeconds, 2)],
      ...[fixed(s.sinkCpuSeconds, 2), bytes(s.peakBytes), s.runs],
    ]),
  );
  const processes = table(
    ['scenario', 'prefixes', 'process', 'CPU s', 'peak memory'],
    summaries.flatMap((s) =>
      s.router.map((cost) => [
        ...[`${s.scenario}${s.scenario.startsWith(s.station) ? '' : `: ${s.station}`}`, s.prefixes, cost.name],
        ...[fixed(cost.cpuSeconds, 2), bytes(cost.peakBytes)],
      ]),
    ),
  );
  const against = table(
    ['scenario', 'prefixes', 'compared with', 'time ×', 'single prefix + ms'],
    compared.map((r) => [r.scenario, r.prefixes, r.baseline, fixed(r.time, 2), fixed(r.singleMs, 2)]),
  );
  return [times, processes, ...(compared.length > 0 ? [against] : [])].join('\n\n');
}

function fixed(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function optionalMedian(all: readonly SinglesResult[], value: (one: SinglesResult) => number): number | undefined {
  return all.length === 0 ? undefined : median(all.map(value));
}

function difference(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a - b;
}
