// A router with the real daemons tells a BMP collector everything: the collector's tables must be those of the neighbours, live and after
// it has connected anew, and Wireshark's decoder must find nothing wrong with a single byte of it.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findProgram } from '../../../cli/lab/lab.js';
import { waitFor } from '../../../cli/lab/wait.js';
import type { BmpStats } from '../../../hypervisor/bmp/bmp-exporter.js';
import { BmpCollectorServer, type BmpConnection } from '../../support/bmp-collector.js';
import { writePcap } from '../../support/pcap.js';
import { Neighbor } from '../../support/router-neighbors.js';
import { address, neighborConfig, RouterLab, routerProblem, type RunningRouter } from '../../support/router-lab.js';
import { prefix6At, tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);
const PORT = 11_019;
const ROUTES = 400;
const REPLICAS = ['frr', 'bird', 'openbgpd'];
/** Flags of Adj-RIB-Out, post-policy. */
const SENT = 0x50;
const BOTH = { 'afi-safis': ['ipv4-unicast', 'ipv6-unicast'] };

const main = (connection: BmpConnection): boolean => connection.name !== undefined && !connection.name.includes('/');

describe.skipIf(problem !== undefined)('BMP', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let server: BmpCollectorServer;
  const [a, b, customer] = [new Neighbor(1), new Neighbor(2), new Neighbor(3)];

  /** All that is being said has been said, and on every connection the tables are right. */
  const untilRight = async (since: number): Promise<BmpConnection> => {
    let why = '';
    const right = (): BmpConnection | false => {
      const open = server.connections.slice(since).filter(({ closed }) => !closed);
      const router = open.find(main);
      const replicas = REPLICAS.map((name) => open.find((one) => one.name?.endsWith(`/${name}`)));
      if (router === undefined || replicas.includes(undefined)) return ((why = 'connections are missing'), false);
      const received = router.table(address(1), 0).size;
      const sent = router.table(address(3), SENT).diff(customer.table);
      const voted = replicas.map((one) => one!.table(address(3), SENT).diff(customer.table).length);
      const local = router.table('0.0.0.0', 0).size;
      why = JSON.stringify({ received, sent, voted, local });
      const all = customer.table.size;
      return received === a.routes.size && sent.length === 0 && voted.every((n) => n === 0) && local === all && router;
    };
    return waitFor(right, { what: 'the collector holds what the neighbours hold', deadlineMs: 20_000 }).catch(
      (error: Error) => {
        throw new Error(`${error.message}: ${why}`, { cause: error });
      },
    );
  };

  beforeAll(async () => {
    lab = RouterLab.create('bmp', 3);
    server = await BmpCollectorServer.listen(address(1), PORT);
    const more = { bmp: { collectors: [{ address: address(1), port: PORT, 'statistics-interval': '1s' }] } };
    const neighbors = [1, 2, 3].map((n) =>
      neighborConfig(n, n === 2 ? {} : { ...BOTH, 'local-address-ipv6': `fd00:${n}::1` }),
    );
    router = await lab.run({ neighbors, more });
    await router.untilVoting(3);
  });
  afterAll(async () => {
    await Promise.all([a, b, customer].map((neighbor) => neighbor.stop()));
    await router?.stop();
    await server?.close();
    await lab?.destroy();
  });

  test('a collector that is there from the beginning', async () => {
    await Promise.all([a, b, customer].map((neighbor) => neighbor.connect()));
    await a.announce(tableOf(a.as, 1, 0, ROUTES));
    await a.announce(tableOf(a.as, 2, 0, 50, prefix6At));
    await b.announce(tableOf(b.as, 3, 0, 2 * ROUTES));
    await customer.untilRight([a, b]);
    await a.withdraw([...a.routes.keys()].slice(0, 100));
    await customer.untilRight([a, b]);
    const connection = await untilRight(0);
    // The neighbour's own OPEN, byte for byte, and how its session ended.
    const [up] = connection.about(3, address(2));
    expect(up.readUInt16BE(20 + 16)).toBe(up.indexOf(Buffer.alloc(16, 0xff), 21) - 20);
    await b.stop();
    await customer.untilRight([a]);
    await waitFor(() => connection.about(2, address(2)).length > 0, { what: 'Peer Down', deadlineMs: 10_000 });
    const [down] = connection.about(2, address(2));
    // The remote system's NOTIFICATION: Cease, Administrative Shutdown.
    expect([down[0], down[1 + 18], down[1 + 19], down[1 + 20]]).toEqual([3, 3, 6, 2]);
  });

  test('one that connects later is told the present state first', async () => {
    const before = server.connections.length;
    server.drop();
    const connection = await untilRight(before);
    const stats = (await router.request('bmp')) as BmpStats;
    expect(stats).toHaveLength(1 + REPLICAS.length);
    expect(stats.map(({ connected, connects, overflows }) => [connected, connects, overflows])).toEqual(
      stats.map(() => [true, 2, 0]),
    );
    // Nobody who is down is said to be up.
    expect(connection.about(3, address(2))).toEqual([]);
    // It goes on from there.
    await a.announce(tableOf(a.as, 9, ROUTES, ROUTES + 20));
    await customer.untilRight([a]);
    await untilRight(before);
  });

  test.skipIf(findProgram('tshark') === undefined)('tshark finds nothing wrong (skipped without it)', async () => {
    await waitFor(() => server.find(/^[^/]+$/)!.messages.some(({ type }) => type === 1), {
      what: 'a Statistics Report',
      deadlineMs: 10_000,
    });
    await router.stop();
    const all = server.connections;
    await waitFor(() => all.every(({ closed }) => closed), { what: 'connections end', deadlineMs: 10_000 });
    const file = path.join(lab.lab.directory, 'bmp.pcap');
    writePcap(
      file,
      PORT,
      all.map(({ bytes }) => bytes),
    );
    const tshark = (...args: string[]): string[] => {
      const decode = ['-r', file, '-d', `tcp.port==${PORT},bmp`, ...args];
      const { stdout, stderr, status } = spawnSync('tshark', decode, { encoding: 'utf8', maxBuffer: 1 << 28 });
      expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
      return stdout.split('\n').filter(Boolean);
    };
    expect(tshark('-Y', '_ws.malformed || _ws.expert.severity >= 0x600000', '-V')).toEqual([]);
    const count = (...fields: string[]): Map<string, number> => {
      const counts = new Map<string, number>();
      for (const line of tshark('-T', 'fields', '-E', 'separator=/t', ...fields.flatMap((field) => ['-e', field]))) {
        for (const value of line.split(/[,\t]/)) counts.set(value, (counts.get(value) ?? 0) + 1);
      }
      return counts;
    };
    const types = count('bmp.type');
    const expected = new Map<string, number>();
    for (const { type } of all.flatMap(({ messages }) => messages)) {
      expected.set(String(type), (expected.get(String(type)) ?? 0) + 1);
    }
    types.delete('');
    expect(types).toEqual(expected);
    expect([...expected.keys()].sort()).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(count('bmp.peer.type').get('3')).toBeGreaterThan(0);
    expect([...count('bmp.peer.asn').keys()]).toEqual(expect.arrayContaining(['65000', '65001', '65002', '65003']));
    expect([...count('bmp.init.info').keys()].some((name) => name.endsWith('/openbgpd'))).toBe(true);
  });
});
