// The daemons that install routes, under the shim, with a virtual kernel behind them: they see the router's interfaces, write
// routes and believe that they are installed, leave alone what is right, and follow what happens to links and addresses.
import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Replica, ReplicaExit } from '../../hypervisor/replicas/replica.js';
import { fibDaemons } from '../support/fib-daemons.js';
import { enterNamespace, processesOf, ReplicaLab } from '../support/replica-lab.js';
import { establishAll, type ReplicaSpeaker } from '../support/replica-speaker.js';
import { TestKernel } from '../support/virtual-kernels.js';
import { waitFor } from '../support/wait.js';

const { daemons, missing } = fibDaemons();
for (const reason of missing) console.warn(`netlink was not tested with every daemon: ${reason}`);

const ip = (...args: string[]): void => void execFileSync('ip', args);
const ROUTES = ['203.0.113.0/24', '2001:db8:77::/48'];
const VOTES = ['via 10.0.1.2 dev e0', 'via fd00:1::2 dev e0'];

describe.skipIf(daemons.length === 0)('netlink channels', () => {
  beforeAll(() => enterNamespace());

  for (const daemon of daemons) {
    const routes = ROUTES.slice(0, daemon.sessions.length / 2);

    describe(daemon.name, () => {
      let lab: ReplicaLab;
      let replica: Replica;
      let kernel: TestKernel;
      let speakers: ReplicaSpeaker[];

      beforeEach(() => {
        lab = new ReplicaLab();
        replica = lab.make(daemon.replica.kind, {
          replica: { name: 'subject', environment: {}, fib: 'netlink', ...daemon.replica },
          sessions: daemon.sessions,
          generate: daemon.files,
          netlink: true,
        });
        kernel = new TestKernel(replica);
      });
      afterEach(async () => {
        await lab.close();
        kernel.close();
        ip('link', 'set', 'e1', 'up');
      });

      const start = async (): Promise<void> => {
        await replica.start();
        speakers = await establishAll(replica, daemon.sessions);
      };
      /** The first neighbour of each family announces its route. */
      const announce = (): void => routes.forEach((prefix, i) => speakers[2 * i].announce(prefix));
      const installed = (): Promise<void> =>
        waitFor(() => routes.every((prefix, i) => kernel.votes.get(prefix) === VOTES[i]), 'the routes to be written');
      const believed = (): Promise<void> =>
        waitFor(() => routes.every((prefix) => daemon.believes(replica, prefix)), 'the daemon to believe in them');
      const scanned = async (times: number): Promise<void> => {
        const wanted = kernel.requests('RTM_GETROUTE') + times * routes.length;
        await waitFor(() => kernel.requests('RTM_GETROUTE') >= wanted, `${times} scans`);
      };

      it('sees the interfaces, installs routes, believes in them and takes them back', async () => {
        await start();
        await waitFor(() => daemon.sees(replica, 'e0', '10.0.1.1'), 'the interface to be known');
        announce();
        await installed();
        await believed();
        routes.forEach((prefix, i) => speakers[2 * i].withdraw(prefix));
        await waitFor(() => kernel.votes.size === 0, 'the routes to go');
        expect(kernel.virtual.routeCount).toBe(0);
        expect(kernel.virtual.counters).toMatchObject({ errors: {}, conflicts: {}, malformed: 0 });
        expect(kernel.overruns).toEqual([]);
      });

      it.skipIf(!daemon.scans)('finds at a scan what it has written, and writes nothing again', async () => {
        await start();
        announce();
        await installed();
        await scanned(2);
        const before = kernel.writes;
        await scanned(3);
        expect(kernel.writes).toBe(before);
        await believed();
      });

      it('moves a route to another gateway', async () => {
        await start();
        announce();
        await installed();
        routes.forEach((prefix, i) => speakers[2 * i + 1].announce(prefix));
        routes.forEach((prefix, i) => speakers[2 * i].withdraw(prefix));
        const others = ['via 10.0.2.2 dev e0', 'via fd00:2::2 dev e0'];
        await waitFor(() => routes.every((prefix, i) => kernel.votes.get(prefix) === others[i]), 'the other gateway');
        await believed();
      });

      it('takes back what a link that goes down carried, and writes it again when it is back', async () => {
        await start();
        announce();
        await installed();
        ip('link', 'set', 'e1', 'down');
        await waitFor(() => kernel.votes.size === 0, 'the routes to go');
        await waitFor(() => routes.every((prefix) => !daemon.believes(replica, prefix)), 'the daemon to know');
        ip('link', 'set', 'e1', 'up');
        await installed();
        await believed();
        expect(speakers.some(({ closed }) => closed)).toBe(false);
      });

      it('learns of a new address and of one that goes', async () => {
        await start();
        ip('address', 'add', '10.0.77.1/24', 'dev', 'e0');
        await waitFor(() => daemon.sees(replica, 'e0', '10.0.77.1'), 'the address to be known');
        ip('address', 'del', '10.0.77.1/24', 'dev', 'e0');
        await waitFor(() => !daemon.sees(replica, 'e0', '10.0.77.1'), 'the address to be forgotten');
      });

      it('knows of a route that its kernel refuses', async () => {
        await start();
        kernel.refuse(101);
        announce();
        await waitFor(() => (kernel.virtual.counters.errors[101] ?? 0) >= routes.length, 'the writes to be refused');
        await waitFor(() => routes.every((prefix) => !daemon.believes(replica, prefix)), 'the daemon to know');
        expect(kernel.votes.size).toBe(0);
        kernel.refuse(undefined);
        // BIRD tries again at its next scan; zebra when the route changes.
        if (!daemon.scans) routes.forEach((prefix, i) => speakers[2 * i].withdraw(prefix));
        if (!daemon.scans) await waitFor(() => speakers[1].routes.size === 0, 'the withdrawal');
        if (!daemon.scans) announce();
        await installed();
      });

      it('ends as a whole, whichever of its processes dies, and starts again', async () => {
        const victims = replica.driver.kind === 'frr' ? 2 : 1;
        for (let victim = 0; victim < victims; victim++) {
          await start();
          announce();
          await installed();
          const { pids } = replica;
          expect(pids.length).toBe(victims);
          const exits: ReplicaExit[] = [];
          const noteExit = (exit: ReplicaExit): void => void exits.push(exit);
          replica.on('exit', noteExit);
          process.kill(pids[victim], 'SIGKILL');
          await waitFor(() => replica.state === 'exited', 'the replica to have ended');
          expect(pids.flatMap((pid) => processesOf(pid))).toEqual([]);
          expect(exits).toEqual([
            {
              code: null,
              signal: 'SIGKILL',
              expected: false,
              text: victim < victims - 1 ? 'its zebra killed by SIGKILL' : 'killed by SIGKILL',
            },
          ]);
          expect(kernel.votes.size).toBe(0);
          replica.off('exit', noteExit);
        }
      });
    });
  }
});

afterAll(() => {
  if (daemons.length === 0) console.warn('netlink was not tested with any daemon');
});
