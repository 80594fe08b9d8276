// The router as an ordinary user runs it: no root, no namespaces, no port below 1024, neighbours on the loopback. BIRD (through its
// virtual kernel) and FRR's bgpd (on its tap) vote on what is advertised and on a forwarding table that is kept in memory only.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LabProcess } from '../../cli/lab/process.js';
import type { FibRouteReport, FibStatus, FibVerification } from '../../hypervisor/fib/status.js';
import { DRIVERS } from '../../hypervisor/replicas/drivers.js';
import { Collector } from '../../traces/collector.js';
import { ROUTER_AS, RunningRouter, type Config } from '../support/router-lab.js';
import {
  announcements,
  expectedRoutes,
  expectedTable,
  prefixAt,
  tableOf,
  withdrawals,
  type Routes,
} from '../support/router-routes.js';

const MAIN = path.resolve(import.meta.dirname, '../../dist/cli/main.js');
const SHIM = path.resolve(import.meta.dirname, '../../preload/shim/btr-shim.so');
const PREFIXES = 500;
const LOCAL = '127.0.0.1';
const DEADLINE_MS = 30_000;

function problemHere(): string | undefined {
  if (process.getuid?.() === 0) return 'these tests are for an ordinary user: npm run test:unprivileged';
  for (const kind of ['bird', 'frr'] as const) {
    const { executables, debianPackage } = DRIVERS[kind];
    if (!executables.some((file) => existsSync(file))) return `needs the Debian package ${debianPackage}`;
  }
  if (!existsSync(MAIN) || !existsSync(SHIM)) throw new Error('this checkout is not built: run "npm run build" first');
  return undefined;
}

/** An address in a subnet of this machine that is not its own, for routes to have a next hop that can be reached. */
function gatewayHere(): { gateway: string; device: string } | undefined {
  for (const [device, addresses] of Object.entries(os.networkInterfaces())) {
    for (const { family, internal, address, netmask } of addresses ?? []) {
      if (family !== 'IPv4' || internal || netmask.endsWith('.255.255.255.255')) continue;
      const last = Number(address.split('.')[3]);
      const room = 255 - Number(netmask.split('.')[3]);
      if (room < 3) continue;
      const other = (last & ~room) + (((last & room) + 1) % room || 1);
      return { gateway: address.replace(/\d+$/, String(other)), device };
    }
  }
  return undefined;
}

/** A port of the loopback that is free now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, LOCAL, () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

const problem = problemHere();
if (problem) console.warn(`skipped: ${problem}`);
const reachable = gatewayHere();
if (!reachable)
  console.warn('no interface with a subnet here: routes have no reachable next hop, so no table is looked at');

const NEIGHBORS = [1, 2, 3].map((n) => ({ address: `127.0.${n}.2`, as: ROUTER_AS + n, routerId: `10.0.${n}.2` }));

describe.skipIf(problem !== undefined)('the router as an ordinary user', () => {
  let directory: string;
  let port: number;
  let router: RunningRouter | undefined;
  let feeders: Collector[], customer: Collector;
  const tables: Routes[] = [new Map(), new Map()];

  beforeAll(async () => {
    directory = mkdtempSync('/tmp/btr-user-');
    port = await freePort();
  });
  afterAll(async () => {
    await Promise.all([...(feeders ?? []), customer].map((one) => one?.speaker.stop()));
    await router?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function run(name: string, more: { router?: Config; fib?: Config }): Promise<RunningRouter> {
    const [file, runDirectory] = [path.join(directory, `${name}.yaml`), path.join(directory, name)];
    const config = {
      router: { as: ROUTER_AS, 'router-id': '10.0.0.1', 'run-directory': runDirectory, port, ...more.router },
      neighbors: NEIGHBORS.map(({ address, as }) => ({
        ...{ 'neighbor-address': address, 'peer-as': as, 'local-address': LOCAL, 'passive-mode': true },
        'next-hop': 'as-received',
      })),
      replicas: [
        { name: 'bird', kind: 'bird' },
        { name: 'bgpd', kind: 'frr', fib: 'tap' },
      ],
      voting: { strategy: 'continuous-majority', 'stability-threshold': '300ms' },
      fib: { backend: 'dry-run', ...more.fib },
    };
    writeFileSync(file, JSON.stringify(config));
    const log = path.join(directory, `${name}.log`);
    const child = await LabProcess.spawn([process.execPath, MAIN, 'run', file], { name: `btr-${name}`, log });
    return new RunningRouter(child, runDirectory, file);
  }

  function speaker(index: number): Collector {
    const { address, as, routerId } = NEIGHBORS[index];
    return new Collector({ host: LOCAL, port, localAddress: address, as, peerAs: ROUTER_AS, routerId, patience: 20 });
  }

  async function announce(index: number, routes: Routes): Promise<void> {
    for (const [prefix, route] of routes) tables[index].set(prefix, route);
    const { speaker: session } = feeders[index];
    if (!session.send(announcements(routes, () => nextHop))) await session.drained();
  }
  const nextHop = reachable?.gateway ?? '192.0.2.9';

  /** The customer holds the best of both tables. */
  async function customerIsRight(): Promise<void> {
    const candidates = tables.map((routes, index) => ({ routes, routerId: NEIGHBORS[index].routerId }));
    const expected = expectedTable(expectedRoutes(candidates, ROUTER_AS, NEIGHBORS[2].as), () => LOCAL);
    await router!.until('the customer holds what was voted', () => customer.table.diff(expected, 1).length === 0);
  }

  test('starts without privileges, and both daemons vote', async () => {
    router = await run('run', {});
    await router.untilVoting(2, DEADLINE_MS);
    feeders = [speaker(0), speaker(1)];
    customer = speaker(2);
    await Promise.all([...feeders, customer].map((one) => one.speaker.connect()));
    const { fib, replicas } = await router.status();
    expect(fib).toMatchObject({ backend: 'dry-run', routes: 0, failing: 0 });
    expect(fib!.replicas.map(({ source }) => source)).toEqual(['netlink', 'tap']);
    expect(replicas.map(({ state }) => state)).toEqual(['voting', 'voting']);
  });

  test.runIf(reachable)('what is advertised and the table in memory are what was voted', async () => {
    await announce(0, tableOf(NEIGHBORS[0].as, 1, 0, PREFIXES));
    await announce(1, tableOf(NEIGHBORS[1].as, 2, 100, PREFIXES + 100));
    await customerIsRight();
    const all = PREFIXES + 100;
    expect(customer.table.size).toBe(all);
    const settled = (fib: FibStatus | null): boolean => fib?.installed === all && fib.pending === 0;
    const { fib } = await router!.until('all is in the table', (status) => settled(status.fib));
    expect(fib).toMatchObject({ routes: all, contested: 0, failing: 0, withoutMajority: 0 });
    const hops = { type: 'unicast', nextHops: [{ gateway: nextHop, interface: reachable!.device }] };
    const { routes } = (await router!.request('fib', { prefix: prefixAt(7) })) as { routes: FibRouteReport[] };
    expect(routes).toMatchObject([{ prefix: prefixAt(7), state: 'installed', verdict: hops, kernel: hops }]);
    expect(routes[0].votes).toMatchObject(
      ['bird', 'bgpd'].map((replica) => ({ replica, agrees: true, nextHops: hops })),
    );
    expect((await router!.request('fib-verify')) as FibVerification).toMatchObject({ ok: true, total: 0 });
  });

  test.runIf(reachable).each(['bird', 'bgpd'])('%s is killed and comes back, and nothing is lost', async (name) => {
    const before = await router!.replica(name);
    process.kill(before.pid!, 'SIGKILL');
    await announce(0, tableOf(NEIGHBORS[0].as, name === 'bird' ? 3 : 4, 0, 200));
    const gone = [...tables[1].keys()].slice(0, 50);
    for (const prefix of gone) tables[1].delete(prefix);
    feeders[1].speaker.send(withdrawals(gone));
    await router!.until('another one votes', ({ electorate, replicas }) => {
      const now = replicas.find((replica) => replica.name === name)!;
      return electorate.length === 2 && now.restarts === before.restarts + 1 && now.pid !== before.pid;
    });
    await customerIsRight();
    await router!.until('all is in the table', ({ fib }) => fib?.pending === 0 && fib.contested === 0);
    expect((await router!.request('fib-verify')) as FibVerification).toMatchObject({ ok: true, total: 0 });
    for (const { flaps } of (await router!.status()).neighbors) expect(flaps).toBe(0);
  });

  test("the machine's own table is untouched", () => {
    const routes = execFileSync('ip', ['-N', 'route', 'show', 'proto', '179'], { encoding: 'utf8' });
    expect(routes).toBe('');
  });

  test('the backend that needs privileges says so, and what to do', async () => {
    await router?.stop();
    const refused = await run('kernel', { fib: { backend: 'kernel' } });
    const { code } = await refused.process.exited;
    expect(code, refused.log).toBe(1);
    expect(refused.log).toMatch(/CAP_NET_ADMIN|root/);
    expect(refused.log).toMatch(/dry-run/);
  });

  test('so does a port below 1024', async () => {
    const refused = await run('port', { router: { port: 179 } });
    const lowest = Number(execFileSync('cat', ['/proc/sys/net/ipv4/ip_unprivileged_port_start'], { encoding: 'utf8' }));
    if (lowest <= 179) return void (await refused.stop());
    const { code } = await refused.process.exited;
    expect(code, refused.log).toBe(1);
    expect(refused.log).toMatch(/cannot listen on 127\.0\.0\.1 port 179: EACCES/);
  });
});
