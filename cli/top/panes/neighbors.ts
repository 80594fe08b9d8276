// The neighbours' pane of `btr top`.
import type { NeighborStatus } from '../../../hypervisor/status.js';
import { count, duration } from '../../output/table.js';
import type { Row } from '../grid.js';
import { rateText } from '../rates.js';
import type { TopState } from '../state.js';
import type { PaneView } from './pane.js';

function row(neighbor: NeighborStatus, { rates }: TopState): Row {
  const { address, as, state, uptime, flaps, prefixesIn, prefixesOut, paused, lastError } = neighbor;
  const up = state === 'Established';
  return {
    key: address,
    cells: [
      { text: address },
      { text: String(as) },
      { text: paused ? `${state} (paced)` : state, tone: !up ? 'bad' : paused ? 'warn' : 'good' },
      { text: up ? duration(uptime) : '-' },
      { text: count(prefixesIn) },
      { text: count(prefixesOut) },
      { text: rateText(rates?.neighbors.get(address)) },
      { text: count(flaps), tone: flaps > 0 ? 'warn' : 'plain' },
      { text: lastError ?? '', tone: up ? 'dim' : 'warn' },
    ],
  };
}

export const neighborsPane: PaneView = {
  columns: [
    { title: 'NEIGHBOUR', spare: 0 },
    { title: 'AS', align: 'right', spare: 4 },
    { title: 'STATE', spare: 0 },
    { title: 'UP', align: 'right', spare: 3, least: 6 },
    { title: 'IN', align: 'right', spare: 1, least: 9 },
    { title: 'OUT', align: 'right', spare: 1, least: 9 },
    { title: 'MSGS/S', align: 'right', spare: 6 },
    { title: 'FLAPS', align: 'right', spare: 5 },
    { title: 'LAST ERROR', spare: 2 },
  ],
  empty: 'no neighbours are configured',
  rows: (state) => (state.picture?.status.neighbors ?? []).map((neighbor) => row(neighbor, state)),
};
