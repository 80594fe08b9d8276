// What every replica driver must do, run against each daemon that is installed. A new daemon kind is supported when it
// passes this file unchanged.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { REPLICA_KINDS } from '../../../configs/model.js';
import { ProbeMessages } from '../../../hypervisor/probe-messages.js';
import { unexpectedCapabilities } from '../../../hypervisor/replicas/capabilities.js';
import type { Replica, ReplicaExit } from '../../../hypervisor/replicas/replica.js';
import type { VirtualConnection } from '../../../preload/listener.js';
import { cannotRun, enterNamespace, processesOf, ReplicaLab, sessions } from '../../support/replica-lab.js';
import { ReplicaSpeaker } from '../../support/replica-speaker.js';
import { waitFor } from '../../support/wait.js';

const onceExit = (replica: Replica): Promise<ReplicaExit> => new Promise((resolve) => replica.once('exit', resolve));

async function establish(replica: Replica): Promise<ReplicaSpeaker[]> {
  const speakers = sessions.map((session) => new ReplicaSpeaker(session, replica.connect(session)));
  await Promise.all(speakers.map((speaker) => speaker.untilEstablished()));
  return speakers;
}

const probes = new ProbeMessages({ probeAddress: '198.18.0.2', probeAs: 65001, probePrefix: '198.18.255.0/24' });

let entered = false;

for (const kind of REPLICA_KINDS) {
  const reason = cannotRun(kind);
  describe.skipIf(reason !== undefined)(
    `replica driver ${kind}${reason === undefined ? '' : ` (skipped: ${reason})`}`,
    () => {
      let lab: ReplicaLab;

      beforeAll(() => {
        if (!entered) enterNamespace();
        entered = true;
      });
      beforeEach(() => {
        lab = new ReplicaLab();
      });
      afterEach(() => lab.close());

      it('starts, tells its version, becomes ready and stops within the grace', async () => {
        const replica = lab.make(kind);
        const states: string[] = [];
        replica.on('state', (state) => states.push(state));
        await replica.start();
        expect(replica.version).toMatch(/^\d+\.\d+/);
        expect(replica.state).toBe('ready');
        const exit = onceExit(replica);
        await replica.stop();
        expect(await exit).toMatchObject({ expected: true });
        expect((await exit).signal).not.toBe('SIGKILL');
        expect(states).toEqual(['starting', 'ready', 'stopping', 'exited']);
      });

      it('accepts every planned session, offers what is known of it, and passes routes on, IPv4 and IPv6', async () => {
        const replica = lab.make(kind);
        await replica.start();
        const speakers = await establish(replica);
        for (const { session, peerOpen } of speakers) {
          expect(peerOpen!.as).toBe(session.localAs);
          expect(unexpectedCapabilities(replica.capabilities!, session.families, peerOpen!)).toEqual([]);
        }
        const [one, two, three, four] = speakers;
        one.announce('203.0.113.0/24');
        three.announce('2001:db8:77::/48');
        await two.untilRoute('203.0.113.0/24');
        await four.untilRoute('2001:db8:77::/48');
        one.withdraw('203.0.113.0/24');
        three.withdraw('2001:db8:77::/48');
        await two.untilRoute('203.0.113.0/24', false);
        await four.untilRoute('2001:db8:77::/48', false);
      });

      it('takes a lost session again at once', async () => {
        const replica = lab.make(kind);
        await replica.start();
        const [one, two] = await establish(replica);
        one.announce('203.0.113.0/24');
        await two.untilRoute('203.0.113.0/24');
        const lost = performance.now();
        one.socket.destroy();
        await two.untilRoute('203.0.113.0/24', false);
        // As the hypervisor does: a connection that is closed before it is established is tried again.
        let again: ReplicaSpeaker;
        do {
          again = new ReplicaSpeaker(one.session, replica.connect(one.session));
          const attempt = again;
          await waitFor(() => attempt.established || attempt.closed, 'the session to come back or be refused');
        } while (!again.established);
        expect(performance.now() - lost).toBeLessThan(10_000);
        again.announce('203.0.113.0/24');
        await two.untilRoute('203.0.113.0/24');
        expect(two.closed).toBe(false);
      });

      it('connects nowhere by itself, and being refused does not make it spin', async () => {
        const replica = lab.make(kind, { passive: false });
        let refusals = 0;
        replica.on('refused', () => refusals++);
        await replica.start();
        await waitFor(() => refusals >= sessions.length, 'active connects to be refused');
        const ticks = (): number => processesOf(replica.pid!).reduce((sum, { ticks: t }) => sum + t, 0);
        const [before, from] = [ticks(), performance.now()];
        await waitFor(() => performance.now() - from > 2000, 'the observation window');
        // Clock ticks are 10 ms: share of one core over the window.
        expect(((ticks() - before) * 10) / (performance.now() - from)).toBeLessThan(0.2);
        await establish(replica);
      });

      it('does not spin when it has nothing to do', async () => {
        const replica = lab.make(kind);
        await replica.start();
        await establish(replica);
        const ticks = (): number => processesOf(replica.pid!).reduce((sum, { ticks: t }) => sum + t, 0);
        const [before, from] = [ticks(), performance.now()];
        await waitFor(() => performance.now() - from > 2000, 'the observation window');
        expect(((ticks() - before) * 10) / (performance.now() - from)).toBeLessThan(0.2);
      });

      it('runs without privileges', async () => {
        const replica = lab.make(kind);
        await replica.start();
        const processes = processesOf(replica.pid!);
        expect(processes.length).toBeGreaterThan(0);
        for (const { uids, capabilities } of processes) {
          expect(uids).not.toContain(0);
          expect(capabilities.map((hex) => Number.parseInt(hex, 16))).toEqual([0, 0, 0, 0]);
        }
        for (const { pid } of processes) {
          const sockets =
            readFileSync(`/proc/${pid}/net/tcp`, 'latin1') + readFileSync(`/proc/${pid}/net/tcp6`, 'latin1');
          expect(sockets).not.toMatch(/:00B3 /);
        }
      });

      it('leaves no process, socket or file behind, killed or stopped, and starts again', async () => {
        const replica = lab.make(kind);
        // Not /tmp, where whatever else runs on the machine keeps its things; and of FRR's crash files only those of our pids.
        const pids: number[] = [];
        const outside = (): string[] =>
          ['/var/tmp', '/var/tmp/frr', '/run', '/run/frr', '/run/openbgpd', '/run/bird']
            .filter((directory) => existsSync(directory))
            .flatMap((directory) => readdirSync(directory).map((entry) => `${directory}/${entry}`))
            .filter((entry) => /bgpd|bird|frr\/./.test(entry));
        const isOurs = (entry: string): boolean =>
          !/\/(bgpd|zebra)\.\d+$/.test(entry) || pids.some((pid) => entry.endsWith(`.${pid}`));
        // Those of an earlier FRR that happened to have one of our pids as well.
        const before = outside();
        for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
          await replica.start();
          const group = replica.pid!;
          pids.push(...replica.pids);
          const exit = onceExit(replica);
          if (signal === 'SIGKILL') replica.kill('SIGKILL');
          else await replica.stop();
          expect(await exit).toMatchObject({ expected: signal === 'SIGTERM' });
          expect(processesOf(group)).toEqual([]);
          expect(readdirSync(replica.paths.dir)).toEqual([replica.driver.configName]);
        }
        const added = outside().filter((entry) => !before.includes(entry) && !entry.endsWith('/frr'));
        expect(added.filter(isOurs)).toEqual([]);
      });

      it('gives a probe back behind all that it had read before, escorted if it reads ahead', async () => {
        const replica = lab.make(kind);
        await replica.start();
        const [one, two] = await establish(replica);
        // The routes of the first neighbour are the better ones: to what the second one says of the same prefixes there is no answer.
        const shared = Array.from({ length: 200 }, (_, i) => `100.70.${i}.0/24`);
        for (const prefix of shared) one.announce(prefix);
        await two.untilRoute(shared[199]);
        const marks = Array.from({ length: 100 }, (_, i) => `100.71.${i}.0/24`);
        const connection = two.socket as VirtualConnection;
        const before = two.sent;
        connection.cork();
        marks.forEach((mark, i) => {
          for (const prefix of shared) two.announce(prefix, `10.0.2.${i + 10}`);
          two.announce(mark);
        });
        connection.uncork();
        await waitFor(() => connection.writableLength === 0 && connection.isRead, 'the replica to read it all');
        if (replica.driver.readsAhead) probes.escort(two.sent - before, (messages) => one.socket.write(messages));
        one.announce('203.0.113.0/24');
        await two.untilRoute('203.0.113.0/24');
        // What it has decided it may hold back for a moment, for each of them as it likes; overtaken are 40 to 90.
        const missing = marks.filter((mark) => !one.routes.has(mark));
        expect(missing.length).toBeLessThan(20);
      });

      it('runs beside another instance of itself', async () => {
        const [first, second] = [lab.make(kind), lab.make(kind, { name: `${kind}-2` })];
        await Promise.all([first.start(), second.start()]);
        const [one, two] = await establish(first);
        await establish(second);
        await second.stop();
        one.announce('198.51.100.0/24');
        await two.untilRoute('198.51.100.0/24');
      });

      it('tells why when it ends before it is ready', async () => {
        const replica = lab.make(kind, {
          generate: () => [
            { name: lab.make(kind).driver.configName, contents: 'this is { not a configuration\n', mode: 0o600 },
          ],
          readyTimeout: 3000,
        });
        await expect(replica.start()).rejects.toThrow(
          new RegExp(`replica ${kind}: (exited with status|killed by|not ready)`),
        );
        expect(replica.state).toBe('exited');
      });
    },
  );
}

afterAll(() => {
  for (const kind of REPLICA_KINDS) {
    const reason = cannotRun(kind);
    if (reason !== undefined) console.warn(`replica driver ${kind} was not tested: ${reason}`);
  }
});
