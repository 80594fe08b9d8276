// Names that only the running hypervisor knows, for completion: soon, or not at all.
import path from 'node:path';
import process from 'node:process';
import { ControlClient } from '../../hypervisor/control/client.js';
import type { QuarantineListing } from '../../hypervisor/quarantine/report.js';
import type { RouterStatus } from '../../hypervisor/status.js';
import { DEFAULT_SOCKET } from '../control.js';
import type { AskNames, Candidate, NameKind } from './candidates.js';

/** Whoever types does not wait longer. */
const PATIENCE_MS = 2000;
const MOST = 200;

export const askNames: AskNames = (kind, socket = process.env.BTR_SOCKET ?? DEFAULT_SOCKET) => {
  const late = new Promise<Candidate[]>((resolve) => setTimeout(() => resolve([]), PATIENCE_MS).unref());
  return Promise.race([ask(kind, socket).catch(() => []), late]);
};

async function ask(kind: NameKind, socket: string): Promise<Candidate[]> {
  const client = await ControlClient.connect(path.resolve(socket));
  try {
    if (kind === 'quarantined') {
      const { entries } = (await client.request('quarantine', { limit: MOST })) as QuarantineListing;
      return entries.map(({ id, replica }) => ({ word: String(id), describe: replica }));
    }
    const { replicas, neighbors } = (await client.request('status')) as RouterStatus;
    return kind === 'replica'
      ? replicas.map(({ name, state }) => ({ word: name, describe: state }))
      : neighbors.map(({ address, as, state }) => ({ word: address, describe: `AS ${as}, ${state}` }));
  } finally {
    client.close();
  }
}
