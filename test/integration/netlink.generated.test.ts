// The generated configurations with a FIB in the real daemons on virtual kernels: every planned session comes up, all write the
// same gateway over the same interface for the same route, a probe is a route write, and a link takes its routes along.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generate } from '../../configs/generate/index.js';
import { parseConfig } from '../../configs/load.js';
import type { ReplicaKind } from '../../configs/model.js';
import { planSessions } from '../../configs/session-plan.js';
import { cannotRun, enterNamespace, ReplicaLab } from '../support/replica-lab.js';
import { establishAll } from '../support/replica-speaker.js';
import { TestKernel } from '../support/virtual-kernels.js';
import { waitFor } from '../support/wait.js';

const YAML = `
router: { as: 65010, router-id: 10.255.0.1 }
neighbors:
  - { neighbor-address: 10.0.1.2, peer-as: 65001, local-address: 10.0.1.1 }
  - { neighbor-address: 10.0.2.2, peer-as: 65002, local-address: 10.0.2.1 }
  - { neighbor-address: "fd00:1::2", peer-as: 65001, local-address: "fd00:1::1" }
  - { neighbor-address: "fd00:2::2", peer-as: 65002, local-address: "fd00:2::1" }
replicas:
  - { name: frr, kind: frr }
  - { name: bird, kind: bird }
`;
const KINDS: readonly ReplicaKind[] = ['frr', 'bird'];
const EXPECTED = { '90.1.0.0/24': 'via 10.0.1.2 dev e0', '2a01:1::/48': 'via fd00:1::2 dev e0' };

function reasonAgainst(kind: ReplicaKind): string | undefined {
  if (kind === 'frr' && !existsSync('/usr/lib/frr/zebra')) return '/usr/lib/frr/zebra is not installed';
  return cannotRun(kind);
}

describe('generated configurations with a FIB', () => {
  let lab: ReplicaLab | undefined;
  beforeAll(() => {
    if (KINDS.every((kind) => reasonAgainst(kind) !== undefined)) return;
    enterNamespace();
    lab = new ReplicaLab();
  });
  afterAll(() => lab?.close());

  for (const kind of KINDS) {
    const reason = reasonAgainst(kind);
    if (reason !== undefined) console.warn(`generated ${kind} configuration with a FIB was not tested: ${reason}`);
    it.skipIf(reason !== undefined)(`make ${kind} write what it should`, async () => {
      const { config } = parseConfig(YAML, 'test.yaml');
      const replicaConfig = config!.replicas.find((replica) => replica.kind === kind)!;
      const plan = planSessions(config!, replicaConfig);
      const { localAddress, probeAddress, tapAddress, probeNextHops, probePrefix } = config!.internal;
      const replica = lab!.make(kind, {
        replica: replicaConfig,
        sessions: plan,
        netlink: true,
        generate: (paths) => generate(config!, replicaConfig, paths),
      });
      const kernel = new TestKernel(replica, {
        ifindex: 0x40000000,
        name: 'btr0',
        addresses: [`${localAddress}/32`],
        connected: [`${probeAddress}/32`, `${tapAddress}/32`, probeNextHops],
      });
      try {
        await replica.start();
        const speakers = await establishAll(replica, plan);
        const neighbor = (n: number) =>
          speakers.find(({ session }) => session.neighbor === n && session.role === 'neighbor')!;
        const probe = speakers.find(({ session }) => session.role === 'probe')!;
        const votes = (): Record<string, string> => Object.fromEntries(kernel.votes);
        const agree = (expected: Record<string, string>): Promise<void> =>
          waitFor(
            () =>
              kernel.votes.size === Object.keys(expected).length &&
              Object.entries(expected).every(([prefix, hops]) => kernel.votes.get(prefix) === hops),
            `the routes ${JSON.stringify(expected)}`,
          ).catch((error: Error) => {
            throw new Error(`${error.message}; they are ${JSON.stringify(votes())}`);
          });
        neighbor(0).announce('90.1.0.0/24');
        neighbor(2).announce('2a01:1::/48');
        await agree(EXPECTED);
        const [base] = probeNextHops.split('.0/');
        // zebra says so of every gateway behind an interface whose address has no network.
        const probed = (n: number): string => `via ${base}.${n} dev btr0${kind === 'frr' ? ' onlink' : ''}`;
        for (const sequence of [1, 2, 3]) {
          probe.announce(probePrefix, `${base}.${sequence}`);
          await agree({ ...EXPECTED, [probePrefix]: probed(sequence) });
        }
        execFileSync('ip', ['link', 'set', 'e1', 'down']);
        await agree({ [probePrefix]: probed(3) });
        execFileSync('ip', ['link', 'set', 'e1', 'up']);
        await agree({ ...EXPECTED, [probePrefix]: probed(3) });
        expect(speakers.filter(({ closed }) => closed).map(({ session }) => session.name)).toEqual([]);
        expect(kernel.virtual.counters).toMatchObject({
          errors: kind === 'frr' ? { 95: 1 } : {},
          conflicts: {},
          malformed: 0,
        });
      } finally {
        await replica.stop();
        kernel.close();
      }
    });
  }
});
