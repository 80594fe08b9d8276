// The router as the systemd unit starts it: its capabilities and no more, a file system that it may write to in three places only, and
// somebody who listens to what it says of itself. Real daemons, real kernel routes.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CAPABILITIES } from '../../../cli/doctor/capabilities.js';
import { waitFor } from '../../../cli/lab/wait.js';
import { NotifySocket } from '../../support/notify-socket.js';
import { Neighbor } from '../../support/router-neighbors.js';
import { neighborConfig, RouterLab, routerProblem, type RunningRouter } from '../../support/router-lab.js';
import { tableOf } from '../../support/router-routes.js';

const UNIT = path.resolve(import.meta.dirname, '../../../packaging/systemd/btr.service');
const unit = readFileSync(UNIT, 'utf8');
const setting = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';

test('the unit grants what btr doctor asks for', () => {
  expect(setting('CapabilityBoundingSet').split(' ').sort()).toEqual(CAPABILITIES.map(({ name }) => name).sort());
  expect(setting('NoNewPrivileges')).toBe('yes');
});

const analyze = '/usr/bin/systemd-analyze';
test.skipIf(!existsSync(analyze))('systemd finds no mistake in the unit', () => {
  const lab = execFileSync('mktemp', ['-d'], { encoding: 'utf8' }).trim();
  const copy = path.join(lab, 'btr.service');
  writeFileSync(copy, unit.replaceAll('/usr/bin/btr', process.execPath));
  const said = execFileSync(analyze, ['verify', '--man=no', copy], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  expect(said).toBe('');
  expect(() =>
    execFileSync(analyze, ['verify', '--man=no', UNIT.replace('btr.service', 'nosuch.service')], { stdio: 'ignore' }),
  ).toThrow();
});

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

describe.skipIf(problem !== undefined)('as a service', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let notify: NotifySocket;
  let free: string;
  const a = new Neighbor(1);
  const heard = (): string[] => (notify.read(), notify.messages);
  const count = (message: string): number => heard().filter((one) => one === message).length;

  /** As ProtectSystem=strict, ProtectKernelTunables= and PrivateTmp= make it, with the lab's directory in place of the unit's three. */
  const asUnit = (argv: string[]): string[] => {
    const capabilities = setting('CapabilityBoundingSet').toLowerCase().replaceAll('cap_', '+').split(' ');
    const mounts = [
      'mount --bind "$0" "$0"',
      'mount -t tmpfs tmpfs /var/tmp',
      'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys',
      'mount -o remount,bind,ro /',
      'exec "$@"',
    ].join(' && ');
    const environment = [
      `NOTIFY_SOCKET=${lab.lab.directory}/notify`,
      'WATCHDOG_USEC=1000000',
      `NODE_OPTIONS=--import=data:text/javascript,${encodeURIComponent(stuckOnDemand(free))}`,
    ];
    return [
      ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mounts, lab.lab.directory],
      ...['setpriv', '--no-new-privs', '--inh-caps=-all', `--bounding-set=-all,${capabilities.join(',')}`],
      ...['env', ...environment, ...argv],
    ];
  };

  beforeAll(async () => {
    lab = RouterLab.create('service', 2);
    free = path.join(lab.lab.directory, 'free');
    notify = new NotifySocket(path.join(lab.lab.directory, 'notify'));
    for (const name of ['state', 'log']) mkdirSync(path.join(lab.lab.directory, name));
    const at = (name: string): string => path.join(lab.lab.directory, name);
    router = await lab.run(
      {
        neighbors: [1, 2].map((n) => neighborConfig(n)),
        run: 'run/btr',
        more: {
          fib: { backend: 'kernel' },
          'vote-log': { file: at('log/votes.jsonl') },
          quarantine: { directory: at('state/quarantine') },
          record: { directory: at('state/recordings') },
        },
      },
      asUnit,
    );
  });
  afterAll(async () => {
    await a.stop();
    await router?.stop();
    notify?.close();
    await lab?.destroy();
  });

  test('it is ready when sessions can be served, not before', async () => {
    await waitFor(() => count('READY=1') === 1, { what: 'READY=1', deadlineMs: 30_000 });
    const { open, electorate } = await router.status();
    expect(open).toBe(true);
    expect(electorate.length).toBeGreaterThanOrEqual(2);
    await a.connect();
    const before = notify.messages.slice(0, notify.messages.indexOf('READY=1'));
    expect(before.filter((one) => !/^(STATUS|WATCHDOG)=/.test(one))).toEqual([]);
    expect(before).toContain('STATUS=0 of 3 replicas vote, 0 of 2 neighbours are up');
  });

  test('with no more than the unit gives: replicas as users of their own, routes in the kernel, logs in their place', async () => {
    await a.announce(tableOf(a.as, 1, 0, 20));
    const { replicas } = await router.untilVoting(3);
    await router.until('20 routes are in the kernel', ({ fib }) => fib?.installed === 20);
    const own = readFileSync(`/proc/${router.process.pid}/status`, 'utf8');
    const bits = CAPABILITIES.reduce((sum, { bit }) => sum | (1n << BigInt(bit)), 0n);
    expect(BigInt(`0x${/^CapEff:\s*(\S+)/m.exec(own)?.[1]}`)).toBe(bits);
    expect(own).toMatch(/^NoNewPrivs:\s*1$/m);
    const users = replicas.map(({ pid }) =>
      Number(/^Uid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]),
    );
    expect(users).not.toContain(0);
    expect(new Set(users).size).toBe(3);
    expect(existsSync(path.join(lab.lab.directory, 'log/votes.jsonl'))).toBe(true);
    expect(router.log).not.toMatch(/EROFS|EPERM|not permitted/i);
  });

  test('a replica that dies is started again', async () => {
    const pid = await router.signalReplica('frr', 'SIGKILL');
    const { replicas } = await router.until(
      'it votes again',
      (status) => status.replicas[0].pid !== pid && status.electorate.length === 3,
    );
    expect(replicas[0].restarts).toBe(1);
    await waitFor(() => heard().includes('STATUS=3 of 3 replicas vote, 1 of 2 neighbours are up'), {
      what: 'the status line',
      deadlineMs: 5000,
    });
  });

  test('SIGHUP: reloading, then ready, whether anything differs or not', async () => {
    for (const change of [false, true]) {
      const [ready, reloading] = [count('READY=1'), heard().filter((one) => one.startsWith('RELOADING=1')).length];
      if (change) {
        const config = JSON.parse(readFileSync(router.file, 'utf8')) as Record<string, unknown>;
        writeFileSync(router.file, JSON.stringify({ ...config, logging: { level: 'debug' } }));
      }
      process.kill(router.process.pid, 'SIGHUP');
      await waitFor(() => count('READY=1') === ready + 1, { what: 'ready again', deadlineMs: 20_000 });
      const messages = heard();
      expect(messages.filter((one) => one.startsWith('RELOADING=1'))).toHaveLength(reloading + 1);
      expect(messages.findLastIndex((one) => one.startsWith('RELOADING=1'))).toBeLessThan(
        messages.lastIndexOf('READY=1'),
      );
    }
    expect((await router.status()).logLevels.log).toBe('debug');
  });

  test('the watchdog hears of a main loop that turns, and nothing of one that is stuck', async () => {
    const pings = count('WATCHDOG=1');
    await waitFor(() => count('WATCHDOG=1') > pings + 1, { what: 'pings', deadlineMs: 10_000 });
    process.kill(router.process.pid, 'SIGUSR2');
    await waitFor(() => router.log.includes('main loop is stuck'), { what: 'it is stuck', deadlineMs: 10_000 });
    const stuck = count('WATCHDOG=1');
    await waitFor(() => router.log.includes('stuck for three pings'), { what: 'it stays stuck', deadlineMs: 20_000 });
    expect(count('WATCHDOG=1')).toBe(stuck);
    writeFileSync(free, '');
    await waitFor(() => count('WATCHDOG=1') > stuck, { what: 'pings again', deadlineMs: 10_000 });
  });

  test('SIGTERM: stopping, and a good end', async () => {
    const { code } = await router.stop();
    expect(code).toBe(0);
    expect(heard().at(-1)).toBe('STOPPING=1');
    expect(count('STOPPING=1')).toBe(1);
  });
});

/** At SIGUSR2 the main thread does nothing any more until a file appears; other threads go on. It says when three pings would have been due. */
function stuckOnDemand(file: string): string {
  return `import fs from 'node:fs';
    process.on('SIGUSR2', () => {
      fs.writeSync(2, 'the main loop is stuck\\n');
      const nothing = new Int32Array(new SharedArrayBuffer(4));
      for (let turns = 1; !fs.existsSync(${JSON.stringify(file)}); turns++) {
        Atomics.wait(nothing, 0, 0, 20);
        if (turns * 20 === 1500) fs.writeSync(2, 'stuck for three pings\\n');
      }
    });`;
}
