// Trials on the real daemons: messages that are known to kill a released version are found on disposable instances that have the
// replica's own configuration, and nothing of the instances is left.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../../configs/load.js';
import type { ReplicaKind, RouterConfig } from '../../../configs/model.js';
import { runTrial, type TrialResult } from '../../../hypervisor/quarantine/trial.js';
import { TrialInstance, type TrialMessage } from '../../../hypervisor/quarantine/trial-instance.js';
import { bytesOf, messagesOf, readCorpus } from '../../bugs/corpus.js';
import { cannotRun, enterNamespace, ReplicaLab } from '../../support/replica-lab.js';
import { missing, sharedFile } from '../../support/shared.js';
import { waitFor } from '../../support/wait.js';

const YAML = `
router: { as: 65000, router-id: 10.0.0.1 }
neighbors:
  - { neighbor-address: 10.0.1.2, peer-as: 65001, local-address: 10.0.1.1, local-address-ipv6: "fd00:1::1", afi-safis: [ipv4-unicast, ipv6-unicast] }
  - { neighbor-address: 10.0.2.2, peer-as: 65002, local-address: 10.0.2.1, local-address-ipv6: "fd00:2::1", afi-safis: [ipv4-unicast, ipv6-unicast] }
replicas:
  - { name: frr, kind: frr }
  - { name: bird, kind: bird }
  - { name: openbgpd, kind: openbgpd }
`;

const reason = cannotRun('frr') ?? cannotRun('bird') ?? cannotRun('openbgpd') ?? noCorpus();
if (reason !== undefined) console.warn(`skipped: ${reason}`);

function noCorpus(): string | undefined {
  return sharedFile('bugs') === undefined ? missing('bugs') : undefined;
}

/** What the feeder of a known bug sends after its good routes. */
function poison(bug: string): TrialMessage[] {
  const trigger = readCorpus().find(({ id }) => id === bug)!;
  return messagesOf(trigger, 'trigger').map(({ hex }) => ({ neighbor: 0, bytes: bytesOf(hex) }));
}

/** Every process that has this path among its arguments, with its nice value. */
function processesAt(directory: string): { pid: number; nice: number }[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(directory)) return [];
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return [{ pid: Number(pid), nice: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]) }];
      } catch {
        return [];
      }
    });
}

describe.skipIf(reason !== undefined)('trials on disposable instances', () => {
  let lab: ReplicaLab;
  let config: RouterConfig;
  beforeAll(() => {
    enterNamespace();
    lab = new ReplicaLab();
    config = parseConfig(YAML, 'test.yaml').config!;
  });
  afterAll(() => lab.close());

  const directoryOf = (kind: ReplicaKind): string => path.join(lab.directory, `${kind}.trial`);

  function tried(kind: ReplicaKind, messages: readonly TrialMessage[], signal: AbortSignal): Promise<TrialResult> {
    const replica = config.replicas.find((one) => one.kind === kind)!;
    const neighbors = [1, 2].map((n) => ({ index: n - 1, families: 3, routerId: `10.0.${n}.2` }));
    const setup = { config, replica, hub: lab.hub, runDirectory: lab.directory, neighbors, before: [] };
    return runTrial({ messages, start: () => TrialInstance.start(setup, signal), signal, limit: 60_000 });
  }

  test('frr dies of one of two messages, and it is found', async () => {
    const messages = ['ipv4-withdraw-in-mp-unreach', 'mp-reach-empty-nlri-without-attributes'].flatMap(poison);
    const result = await tried('frr', messages, new AbortController().signal);
    expect(result.verdicts).toEqual(['cleared', 'cleared', 'convicted']);
    expect(result.deaths[2]).toMatch(/SIG(SEGV|ABRT)|lost the session/);
    expect(result.incomplete).toBeUndefined();
  });

  test('bird dies of none: nothing is reproduced', async () => {
    const messages = ['mp-reach-empty-nlri-without-attributes', 'ipv4-withdraw-in-mp-unreach'].flatMap(poison);
    const result = await tried('bird', messages, new AbortController().signal);
    expect(new Set(result.verdicts)).toEqual(new Set(['not-reproduced']));
    expect(result.starts).toBe(1);
    expect(existsSync(directoryOf('bird'))).toBe(false);
  });

  test('an instance has a low priority, and one whose trial is ended is gone at once', async () => {
    const end = new AbortController();
    const directory = directoryOf('openbgpd');
    const running = tried('openbgpd', poison('mp-reach-empty-nlri-without-attributes'), end.signal);
    await waitFor(() => processesAt(directory).some(({ nice }) => nice === 10), 'an instance with low priority');
    end.abort();
    expect((await running).verdicts).toEqual(['untried']);
    expect((await running).incomplete).toBe('the trial was ended');
    expect(processesAt(directory)).toEqual([]);
    expect(existsSync(directory)).toBe(false);
  });
});
