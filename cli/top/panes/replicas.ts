// The replicas' pane of `btr top`.
import type { ReplicaStatus } from '../../../hypervisor/status.js';
import { bytes, count } from '../../output/table.js';
import type { Row } from '../grid.js';
import type { Tone } from '../line.js';
import { rateText } from '../rates.js';
import type { TopState } from '../state.js';
import type { PaneView } from './pane.js';

/** Above that, a probe is out for longer than a busy moment explains, ms. */
const SLOW_MS = 1000;

function stateTone({ state }: ReplicaStatus): Tone {
  if (state === 'voting') return 'good';
  return ['off', 'standby', 'starting', 'syncing'].includes(state) ? 'warn' : 'bad';
}

/** What is worth knowing next: faults put in on purpose, warnings, the last error. */
function note({ name, health, lastError }: ReplicaStatus, { picture }: TopState): { text: string; tone: Tone } {
  const injected = (picture?.injections ?? []).filter(({ replica }) => replica === name).map(({ kind }) => kind);
  if (injected.length > 0) return { text: `injected: ${injected.join(', ')}`, tone: 'warn' };
  const warnings = (health?.warnings ?? []).map(({ text }) => text);
  if (warnings.length > 0) return { text: warnings.join('; '), tone: 'warn' };
  return { text: lastError ?? '', tone: 'dim' };
}

function row(replica: ReplicaStatus, state: TopState): Row {
  const { name, kind, version, lagMs, backlogBytes, dissents, faults, restarts, health } = replica;
  return {
    key: name,
    cells: [
      { text: name },
      { text: `${kind} ${version}` },
      { text: replica.state, tone: stateTone(replica) },
      { text: `${count(Math.round(lagMs))} ms`, tone: lagMs > SLOW_MS ? 'warn' : 'plain' },
      { text: bytes(backlogBytes) },
      { text: count(dissents), tone: dissents > 0 ? 'bad' : 'plain' },
      { text: count(faults.open), tone: faults.open > 0 ? 'bad' : 'plain' },
      { text: count(restarts), tone: restarts > 0 ? 'warn' : 'plain' },
      { text: rateText(state.rates?.replicas.get(name)) },
      { text: health === null ? '-' : `${Math.round(100 * health.cpu)} %` },
      { text: health === null ? '-' : bytes(health.memory) },
      note(replica, state),
    ],
  };
}

export const replicasPane: PaneView = {
  columns: [
    { title: 'REPLICA', spare: 0 },
    { title: 'DAEMON', spare: 6 },
    { title: 'STATE', spare: 0, least: 8 },
    { title: 'LAG', align: 'right', spare: 3, least: 8 },
    { title: 'BACKLOG', align: 'right', spare: 4, least: 9 },
    { title: 'DISSENTS', align: 'right', spare: 1 },
    { title: 'FAULTS', align: 'right', spare: 1 },
    { title: 'RESTARTS', align: 'right', spare: 8 },
    { title: 'VOTES/S', align: 'right', spare: 7, least: 7 },
    { title: 'CPU', align: 'right', spare: 2, least: 5 },
    { title: 'MEMORY', align: 'right', spare: 2, least: 9 },
    { title: 'NOTE', spare: 5 },
  ],
  empty: 'no replicas are configured',
  rows: (state) => (state.picture?.status.replicas ?? []).map((replica) => row(replica, state)),
};
