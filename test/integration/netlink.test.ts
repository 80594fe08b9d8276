// The daemons that install routes, under the shim, with a virtual kernel behind them: they see the router's interfaces, write
// routes and believe that they are installed, leave alone what is right, and follow what happens to links and addresses.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { waitFor as poll } from '../../cli/lab/wait.js';
import type { Replica, ReplicaExit } from '../../hypervisor/replicas/replica.js';
import { close } from '../../preload/native.js';
import { fibDaemons } from '../support/fib-daemons.js';
import { enterNamespace, PLAIN_REPLICA, processesOf, ReplicaLab, type ProcessStatus } from '../support/replica-lab.js';
import { establishAll, type ReplicaSpeaker } from '../support/replica-speaker.js';
import { TestKernel } from '../support/virtual-kernels.js';
import { waitFor } from '../support/wait.js';

const { daemons, missing } = fibDaemons();
for (const reason of missing) console.warn(`netlink was not tested with every daemon: ${reason}`);

const DEADLINE_MS = 20_000;
const ip = (...args: string[]): void => void execFileSync('ip', args);
const ROUTES = ['203.0.113.0/24', '2001:db8:77::/48'];
const VOTES = ['via 10.0.1.2 dev e0', 'via fd00:1::2 dev e0'];

/** Of every process there is. */
function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'latin1')];
      } catch {
        return [];
      }
    });
}

describe.skipIf(daemons.length === 0)('netlink channels', () => {
  beforeAll(() => enterNamespace());

  for (const daemon of daemons) {
    const routes = ROUTES.slice(0, daemon.sessions.length / 2);

    describe(daemon.name, () => {
      let lab: ReplicaLab;
      let replica: Replica;
      let kernel: TestKernel;
      let speakers: ReplicaSpeaker[];

      const make = (): void => {
        lab = new ReplicaLab();
        replica = lab.make(daemon.replica.kind, {
          replica: { name: 'subject', ...PLAIN_REPLICA, fib: 'netlink', ...daemon.replica },
          sessions: daemon.sessions,
          generate: daemon.files,
          netlink: true,
        });
        kernel = new TestKernel(replica);
      };
      const unmake = async (): Promise<void> => {
        await lab.close();
        kernel.close();
        ip('link', 'set', 'e1', 'up');
      };

      const start = async (): Promise<void> => {
        await replica.start();
        speakers = await establishAll(replica, daemon.sessions);
      };
      /** The first neighbour of each family announces its route. */
      const announce = (): void => routes.forEach((prefix, i) => speakers[2 * i].announce(prefix));
      const installed = (): Promise<void> =>
        waitFor(() => routes.every((prefix, i) => kernel.votes.get(prefix) === VOTES[i]), 'the routes to be written');
      const sees = (address: string, wanted: boolean): Promise<unknown> =>
        poll(async () => (await daemon.sees(replica, 'e0', address)) === wanted, {
          what: `the daemon to ${wanted ? '' : 'not '}know ${address}`,
          deadlineMs: DEADLINE_MS,
        });
      const believes = (wanted: boolean): Promise<unknown> =>
        poll(
          async () => {
            const answers = await Promise.all(routes.map((prefix) => daemon.believes(replica, prefix)));
            return answers.every((answer) => answer === wanted);
          },
          { what: `the daemon to say that its routes are ${wanted ? '' : 'not '}installed`, deadlineMs: DEADLINE_MS },
        );
      const scanned = async (times: number): Promise<void> => {
        const wanted = kernel.requests('RTM_GETROUTE') + times * routes.length;
        await waitFor(() => kernel.requests('RTM_GETROUTE') >= wanted, `${times} scans`);
      };

      describe('one life', () => {
        beforeAll(async () => {
          make();
          await start();
        });
        afterAll(unmake);

        it('sees the interfaces, installs routes, believes in them and takes them back', async () => {
          await sees('10.0.1.1', true);
          announce();
          await installed();
          await believes(true);
          routes.forEach((prefix, i) => speakers[2 * i].withdraw(prefix));
          await waitFor(() => kernel.votes.size === 0, 'the routes to go');
          expect(kernel.virtual.routeCount).toBe(0);
          expect(kernel.virtual.counters).toMatchObject({ errors: {}, conflicts: {}, malformed: 0 });
          expect(kernel.overruns).toEqual([]);
        });

        it.skipIf(!daemon.scans)('finds at a scan what it has written, and writes nothing again', async () => {
          announce();
          await installed();
          await scanned(1);
          const before = kernel.writes;
          await scanned(2);
          expect(kernel.writes).toBe(before);
          await believes(true);
        });

        it('moves a route to another gateway and back', async () => {
          announce();
          await installed();
          routes.forEach((prefix, i) => speakers[2 * i + 1].announce(prefix));
          routes.forEach((prefix, i) => speakers[2 * i].withdraw(prefix));
          const others = ['via 10.0.2.2 dev e0', 'via fd00:2::2 dev e0'];
          await waitFor(() => routes.every((prefix, i) => kernel.votes.get(prefix) === others[i]), 'the other gateway');
          await believes(true);
          announce();
          routes.forEach((prefix, i) => speakers[2 * i + 1].withdraw(prefix));
          await installed();
        });

        it('takes back what a link that goes down carried, and writes it again when it is back', async () => {
          await installed();
          ip('link', 'set', 'e1', 'down');
          await waitFor(() => kernel.votes.size === 0, 'the routes to go');
          await believes(false);
          ip('link', 'set', 'e1', 'up');
          await installed();
          await believes(true);
          expect(speakers.some(({ closed }) => closed)).toBe(false);
        });

        it('learns of a new address and of one that goes', async () => {
          ip('address', 'add', '10.0.77.1/24', 'dev', 'e0');
          await sees('10.0.77.1', true);
          ip('address', 'del', '10.0.77.1/24', 'dev', 'e0');
          await sees('10.0.77.1', false);
        });

        it('runs without privileges, rests when there is nothing to do, and leaves only its configuration behind', async () => {
          const { pids } = replica;
          const processes = (): ProcessStatus[] => pids.flatMap((pid) => processesOf(pid));
          expect(processes().length).toBe(pids.length);
          for (const { uids, capabilities } of processes()) {
            expect(uids).not.toContain(0);
            expect(capabilities.map((hex) => Number.parseInt(hex, 16))).toEqual([0, 0, 0, 0]);
          }
          const ticks = (): number => processes().reduce((sum, status) => sum + status.ticks, 0);
          const [before, from] = [ticks(), performance.now()];
          await waitFor(() => performance.now() - from > 1000, 'the observation window');
          // Clock ticks are 10 ms: share of one core over the window.
          expect(((ticks() - before) * 10) / (performance.now() - from)).toBeLessThan(0.2);
          await replica.stop();
          expect(processes()).toEqual([]);
          const names = daemon.files(replica.paths).map(({ name }) => name);
          expect(readdirSync(replica.paths.dir).sort()).toEqual(names.sort());
        });
      });

      describe('lives of its own', () => {
        beforeEach(make);
        afterEach(unmake);

        it('knows of a route that its kernel refuses', async () => {
          await start();
          kernel.refuse(101);
          announce();
          await waitFor(() => (kernel.virtual.counters.errors[101] ?? 0) >= routes.length, 'the writes to be refused');
          await believes(false);
          expect(kernel.votes.size).toBe(0);
          kernel.refuse(undefined);
          // BIRD tries again at its next scan; zebra when the route changes.
          if (!daemon.scans) routes.forEach((prefix, i) => speakers[2 * i].withdraw(prefix));
          if (!daemon.scans) await waitFor(() => speakers[1].routes.size === 0, 'the withdrawal');
          if (!daemon.scans) announce();
          await installed();
        });

        it('is not started without a kernel that answers, and can be stopped meanwhile', async () => {
          const made = (name: string): Replica =>
            lab.make(daemon.replica.kind, {
              replica: { name, ...PLAIN_REPLICA, fib: 'netlink', ...daemon.replica },
              sessions: daemon.sessions,
              generate: daemon.files,
              netlink: true,
              readyTimeout: 1000,
              stopGrace: 500,
            });
          const fds: number[] = [];
          const [mute, stopped, alone] = ['mute', 'stopped', 'alone'].map(made);
          for (const unanswered of [mute, stopped]) unanswered.on('netlink', (fd) => fds.push(fd));
          const running = (): string[] => commandLines().filter((line) => line.includes(lab.directory));
          await expect(mute.start()).rejects.toThrow(/replica mute: .*(not ready|not listen)[^]* within 1000 ms/);
          const start = expect(stopped.start()).rejects.toThrow(/^replica stopped: /);
          await waitFor(() => running().some((line) => line.includes('/stopped/')), 'a process to wait for its kernel');
          await stopped.stop();
          await start;
          await expect(alone.start()).rejects.toThrow(/replica alone: [^]*btr-shim: the hypervisor is gone/);
          expect([mute, stopped, alone].map(({ state }) => state)).toEqual(['exited', 'exited', 'exited']);
          expect(running()).toEqual([]);
          fds.forEach(close);
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
    });
  }
});

afterAll(() => {
  if (daemons.length === 0) console.warn('netlink was not tested with any daemon');
});
