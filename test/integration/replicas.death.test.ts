// Replicas must not outlive their hypervisor, however it ends: no process, also of a daemon with four of them, also of one
// that is stopped.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REPLICA_KINDS } from '../../configs/model.js';
import { replicaPaths } from '../../hypervisor/replicas/directory.js';
import { nativeConfig } from '../support/native-configs.js';
import { cannotRun, enterNamespace, PLAIN_REPLICA, processesOf, sessions } from '../support/replica-lab.js';
import { waitFor } from '../support/wait.js';

const root = path.resolve(import.meta.dirname, '../..');
const built = existsSync(path.join(root, 'dist/hypervisor/replicas/replica.js'));
const kinds = REPLICA_KINDS.filter((kind) => cannotRun(kind) === undefined);
const reason = built ? (kinds.length > 0 ? undefined : cannotRun('bird')) : 'dist/ is not built (npm run build)';
if (reason !== undefined) console.warn(`the death of the hypervisor was not tested: ${reason}`);

describe.skipIf(reason !== undefined)('when the hypervisor dies', () => {
  let directory: string;
  beforeAll(() => {
    enterNamespace();
    directory = mkdtempSync(path.join(os.tmpdir(), 'btr-test-'));
    chmodSync(directory, 0o711);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  for (const [signal, frozen] of [
    ['SIGKILL', false],
    ['SIGKILL', true],
    ['SIGTERM', false],
  ] as const) {
    it(`of ${signal}, every process of every ${frozen ? 'stopped ' : ''}replica dies`, async () => {
      const options = kinds.map((kind) => {
        const paths = replicaPaths(directory, kind);
        const files = nativeConfig(kind, sessions, paths);
        return { replica: { name: kind, kind, ...PLAIN_REPLICA }, runDirectory: directory, sessions, files };
      });
      const script = path.join(root, 'test/support/doomed-hypervisor.mjs');
      const hypervisor = spawn(process.execPath, [script, JSON.stringify(options)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = await once(hypervisor.stdout, 'data');
      const groups = JSON.parse(String(line)) as number[];
      const alive = (): number[] => groups.flatMap((group) => processesOf(group).map(({ pid }) => pid));
      expect(alive().length).toBeGreaterThanOrEqual(groups.length);
      if (frozen) for (const pid of alive()) process.kill(pid, 'SIGSTOP');
      hypervisor.kill(signal);
      await once(hypervisor, 'exit');
      await waitFor(() => alive().length === 0, 'all processes to be gone');
      // bgpd's own directory for crash logs: nobody was left to remove it.
      for (const group of groups) rmSync(`/var/tmp/frr/bgpd.${group}`, { recursive: true, force: true });
    });
  }
});
