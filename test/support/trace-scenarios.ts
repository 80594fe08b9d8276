// The traces that the router is tried on, each as a scenario: which files, and who plays which peer. The large files are in the shared folder.
import { findPeers } from '../../traces/replay-plan.js';
import { missing, sharedFile } from './shared.js';
import type { TraceScenario } from './trace-lab.js';

const JINX_RIB = 'traces/rib/route-views.jinx.rib.20140530.2200.bz2';
const FILES = {
  'jinx RIB': [JINX_RIB],
  'jinx RIB, then updates': [JINX_RIB, 'traces/updates/route-views.jinx.updates.20140530.2345.bz2'],
  'route-views2 RIB': ['traces/rib/route-views2.rib.20140523.0600.first9072prefixes.bz2'],
  'route-views6 RIB': ['traces/rib/route-views6.rib.20151101.0600.first6870prefixes.bz2'],
  'sydney updates': ['traces/updates/route-views.sydney.updates.20220601.0415.bz2'],
  'route-views2 updates': ['traces/updates/route-views2.updates.20131201.0000.bz2'],
} as const;

export type TraceName = keyof typeof FILES;

/** The vantage point of the jinx collector that has a whole table, AS30844. */
const FULL_FEED = '196.223.14.55';

/** The first of these traces that is not here, as a sentence; undefined when all are. */
export function missingTrace(names: readonly TraceName[]): string | undefined {
  const file = names.flatMap((name) => [...FILES[name]]).find((name) => sharedFile(name) === undefined);
  return file === undefined ? undefined : missing(file);
}

/**
 * A trace with all its peers as neighbours, or the first `peers` of them; of jinx the full feed and a second view derived from it.
 */
export async function traceScenario(
  name: TraceName,
  {
    peers,
    ...options
  }: Pick<TraceScenario, 'limit' | 'speed' | 'strategy' | 'deadlineMs'> & { peers?: number | undefined } = {},
): Promise<TraceScenario> {
  const files = FILES[name].map((file) => sharedFile(file)!);
  const title = `${name}${options.speed === undefined ? '' : ` at ${options.speed}x`}`;
  const neighbors = name.startsWith('jinx')
    ? [
        { peer: FULL_FEED, as: 64901 },
        { peer: FULL_FEED, as: 64902, derive: 1 },
      ]
    : (await findPeers(files, [])).slice(0, peers).map(({ address, as }) => ({ peer: address, as }));
  return { name: title, files, neighbors, ...options };
}
