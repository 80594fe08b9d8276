// Each plain daemon starts alone in a namespace, and its sessions and prefix counts can be read, several side by side.
import { describe, expect, it } from 'vitest';
import { Lab, labProblem } from '../../cli/lab/lab.js';
import { plainConfig } from '../../cli/lab/plain-configs.js';
import type { PlainKind } from '../../cli/lab/plain-configs.js';
import { missingDaemons, startPlainDaemon } from '../../cli/lab/plain-daemons.js';
import { waitFor } from '../../cli/lab/wait.js';

const kinds: PlainKind[] = ['bird', 'frr', 'openbgpd'];
const problem = labProblem() ?? missingDaemons(kinds)[0];
if (problem) console.warn(`plain daemon tests skipped: ${problem}`);

describe.skipIf(problem)('plain daemons', () => {
  it.each(kinds)('%s: sessions and prefix counts against a BIRD that announces three prefixes', async (kind) => {
    const lab = Lab.create(`plain-${kind}`);
    try {
      for (const namespace of ['router', 'neighbor']) lab.addNamespace(namespace);
      lab.link(
        { namespace: 'router', addresses: ['10.0.1.1/24'] },
        { namespace: 'neighbor', addresses: ['10.0.1.2/24'] },
      );
      const routes = ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'];
      const announcer =
        plainConfig('bird', speaker(65001, '10.0.1.2', '10.0.1.1', 65000), '') +
        `protocol static { ipv4; ${routes.map((route) => `route ${route} blackhole;`).join(' ')} }\n`;
      // Two of a kind in one lab, to show that they do not step on each other.
      const [dut] = await Promise.all([
        startPlainDaemon(lab, 'router', kind, (directory) =>
          plainConfig(kind, { ...speaker(65000, '10.0.1.1', '10.0.1.2', 65001, true) }, directory),
        ),
        startPlainDaemon(lab, 'neighbor', 'bird', announcer, 'announcer'),
      ]);
      const session = await waitFor(
        async () => (await dut.sessions()).find(({ prefixesIn }) => prefixesIn === routes.length),
        { what: 'three prefixes arrive', deadlineMs: 30_000 },
      );
      expect(session).toMatchObject({ address: '10.0.1.2', established: true });
    } finally {
      await lab.destroy();
    }
  });

  it.each(['bird', 'frr'] as const)('%s writes its routes into the kernel when it is told to', async (kind) => {
    const lab = Lab.create(`kernel-${kind}`);
    try {
      for (const namespace of ['router', 'neighbor']) lab.addNamespace(namespace);
      lab.link(
        { namespace: 'router', addresses: ['10.0.1.1/24'] },
        { namespace: 'neighbor', addresses: ['10.0.1.2/24'] },
      );
      const announcer =
        plainConfig('bird', speaker(65001, '10.0.1.2', '10.0.1.1', 65000), '') +
        'protocol static { ipv4; route 192.0.2.0/24 blackhole; }\n';
      const router = { ...speaker(65000, '10.0.1.1', '10.0.1.2', 65001, true), kernel: true };
      await startPlainDaemon(lab, 'router', kind, plainConfig(kind, router, ''), { zebra: kind === 'frr' });
      await startPlainDaemon(lab, 'neighbor', 'bird', announcer, 'announcer');
      await waitFor(() => lab.run('router', ['ip', 'route', 'show', '192.0.2.0/24']).includes('via 10.0.1.2'), {
        what: 'the route stands in the kernel',
        deadlineMs: 30_000,
      });
    } finally {
      await lab.destroy();
    }
  });
});

function speaker(as: number, localAddress: string, address: string, peerAs: number, passive = false) {
  return { as, routerId: localAddress, neighbors: [{ address, as: peerAs, localAddress, passive }] };
}
