// Trials on the real daemons: messages that are known to kill a released version are found among innocent ones, on disposable instances
// that have the replica's own configuration, and nothing of the instances is left.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../../configs/load.js';
import type { ReplicaKind, RouterConfig } from '../../../configs/model.js';
import { runTrial, type TrialResult } from '../../../hypervisor/quarantine/trial.js';
import { TrialInstance, type TrialMessage } from '../../../hypervisor/quarantine/trial-instance.js';
import { bytesOf, messagesOf, readCorpus } from '../../bugs/corpus.js';
import { announcements, prefixAt, routeFor, withdrawals } from '../../support/router-routes.js';
import { cannotRun, enterNamespace, ReplicaLab } from '../../support/replica-lab.js';
import { missing, sharedFile } from '../../support/shared.js';

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

/** Announcements and a withdrawal of ordinary routes. */
function innocent(from: number, to: number): TrialMessage[] {
  const nextHop = (): string => '10.0.1.2';
  const routes = Array.from({ length: to - from }, (_, i) => from + i).map((i) =>
    announcements(new Map([[prefixAt(i), routeFor(65001, 1, i)]]), nextHop),
  );
  return [...routes, withdrawals([prefixAt(from)])].map((bytes) => ({ neighbor: 0, bytes }));
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

  async function tried(kind: ReplicaKind, messages: readonly TrialMessage[]): Promise<TrialResult> {
    const replica = config.replicas.find((one) => one.kind === kind)!;
    const neighbors = [1, 2].map((n) => ({ index: n - 1, families: 3, routerId: `10.0.${n}.2` }));
    const { signal } = new AbortController();
    const setup = { config, replica, hub: lab.hub, runDirectory: lab.directory, neighbors, before: [] };
    return runTrial({ messages, start: () => TrialInstance.start(setup, signal), signal, limit: 60_000 });
  }

  const convicted = ({ verdicts }: TrialResult): number[] =>
    verdicts.flatMap((verdict, i) => (verdict === 'convicted' ? [i] : []));

  test.each<[ReplicaKind, string, RegExp]>([
    ['frr', 'mp-reach-empty-nlri-without-attributes', /SIG(SEGV|ABRT)|lost the session/],
    ['openbgpd', 'ipv4-withdraw-in-mp-unreach', /exited|lost the session/],
  ])('%s dies of one message of %s, and it is found', async (kind, bug, death) => {
    const deadly = poison(bug);
    const before = innocent(0, 4);
    const messages = [...before, ...deadly, ...innocent(4, 8)];
    const result = await tried(kind, messages);
    expect(result.incomplete).toBeUndefined();
    const last = before.length + deadly.length - 1;
    expect(convicted(result)).toEqual([last]);
    expect(result.verdicts.filter((verdict) => verdict === 'cleared')).toHaveLength(messages.length - 1);
    expect(result.deaths[last]).toMatch(death);
    expect(readdirSync(lab.directory).filter((name) => name.endsWith('.trial'))).toEqual([]);
  });

  test('bird does not die of either: nothing is reproduced', async () => {
    const messages = ['mp-reach-empty-nlri-without-attributes', 'ipv4-withdraw-in-mp-unreach'].flatMap(poison);
    const result = await tried('bird', messages);
    expect(new Set(result.verdicts)).toEqual(new Set(['not-reproduced']));
    expect(result.starts).toBe(1);
    expect(existsSync(path.join(lab.directory, 'bird.trial'))).toBe(false);
  });
});
