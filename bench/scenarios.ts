// The benchmark's scenarios, each run once in a lab of its own: a daemon alone, the three side by side, the hypervisor.
import { Lab } from '../cli/lab/lab.js';
import type { PlainKind } from '../cli/lab/plain-configs.js';
import type { BenchInput } from './input.js';
import { measureSingles, measureTables } from './measure.js';
import type { SinglesResult, TableResult } from './measure.js';
import { KINDS, startHypervisor, startPlain } from './station.js';
import type { HypervisorSettings, Station } from './station.js';

export interface Scenario {
  name: string;
  start(lab: Lab, input: BenchInput): Promise<Station[]>;
}

export interface StationResult {
  station: string;
  table: TableResult;
  singles: SinglesResult | undefined;
}

export const SIDE_BY_SIDE = 'side by side';

/** All scenarios: each daemon alone, all at once, and the hypervisor with each of the settings given. */
export function scenarios(hypervisors: readonly HypervisorSettings[], kinds: readonly PlainKind[] = KINDS): Scenario[] {
  return [
    ...kinds.map((kind) => ({
      name: `${kind} alone`,
      start: (lab: Lab, input: BenchInput) => startPlain(lab, [kind], input),
    })),
    { name: SIDE_BY_SIDE, start: (lab, input) => startPlain(lab, kinds, input) },
    ...hypervisors.map((settings) => ({
      name: `hypervisor, ${settings.strategy}`,
      start: async (lab: Lab, input: BenchInput) => [await startHypervisor(lab, kinds, settings, input)],
    })),
  ];
}

/** Runs one scenario: the table, then `singles` new prefixes on top of it (on each station in turn; 0 leaves them out). */
export async function runScenario(scenario: Scenario, input: BenchInput, singles: number): Promise<StationResult[]> {
  const lab = Lab.create('bench');
  try {
    const stations = await scenario.start(lab, input);
    const tables = await measureTables(stations, input);
    const results: StationResult[] = [];
    for (const [index, station] of stations.entries()) {
      const delays = singles > 0 ? await measureSingles(station, singles) : undefined;
      results.push({ station: station.name, table: tables[index]!, singles: delays });
    }
    await Promise.all(stations.flatMap(({ feeder, sink }) => [feeder.stop(), sink.stop()]));
    return results;
  } finally {
    await lab.destroy();
  }
}
