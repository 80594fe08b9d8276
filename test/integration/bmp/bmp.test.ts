// A router with the real daemons tells a BMP collector everything: the collector's tables must be those of the neighbours, live and after
// it has connected anew, and Wireshark's decoder must find nothing wrong with a single message and see in it what it is meant to say.
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findProgram } from '../../../cli/lab/lab.js';
import { waitFor } from '../../../cli/lab/wait.js';
import type { BmpStats } from '../../../hypervisor/bmp/bmp-exporter.js';
import { BmpCollectorServer, type BmpConnection } from '../../support/bmp-collector.js';
import { Neighbor, RawPeer } from '../../support/router-neighbors.js';
import {
  address,
  address6,
  localAddress6,
  neighborConfig,
  RouterLab,
  routerProblem,
  type RunningRouter,
} from '../../support/router-lab.js';
import { prefix6At, tableOf as tableWithUnknown, type Routes } from '../../support/router-routes.js';
import { decode, withoutInformation, type Row } from './tshark.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);
const tshark = findProgram('tshark');
if (tshark === undefined) console.warn('tshark is missing (apt install tshark): what it decodes is not looked at');
const PORT = 11_019;
const ROUTES = 300;
const REPLICAS = ['frr', 'bird', 'openbgpd'];
/** Flags: Adj-RIB-Out, post-policy; IPv6 address; AS_PATH with two bytes an AS. */
const [SENT, IPV6, LEGACY] = [0x50, 0x80, 0x20];
const [ROUTE_MONITORING, STATISTICS, PEER_DOWN, PEER_UP, INITIATION, TERMINATION] = [0, 1, 2, 3, 4, 5];
const BOTH = { 'afi-safis': ['ipv4-unicast', 'ipv6-unicast'] };
const OVER_IPV6 = { 'neighbor-address': address6(2), 'local-address': localAddress6(2), 'afi-safis': ['ipv6-unicast'] };

/** Type 99 is no attribute that anybody has registered, but one that Wireshark takes for link state, and complains about. */
function tableOf(...of: Parameters<typeof tableWithUnknown>): Routes {
  const routes = tableWithUnknown(...of);
  for (const route of routes.values()) delete route.unknown;
  return routes;
}

/** An UPDATE with AS numbers of two bytes: ORIGIN, AS_PATH 65004, NEXT_HOP, and one IPv4 prefix of 24 bits. */
function oldUpdate(origin: number, prefix: readonly number[]): Buffer {
  const attributes = [0x40, 1, 1, origin, 0x40, 2, 4, 2, 1, 65_004 >> 8, 65_004 & 255, 0x40, 3, 4, 10, 0, 4, 2];
  const length = 23 + attributes.length + 4;
  return Buffer.from([
    ...Array<number>(16).fill(255),
    0,
    length,
    2,
    0,
    0,
    0,
    attributes.length,
    ...attributes,
    24,
    ...prefix,
  ]);
}

const isMain = (connection: BmpConnection): boolean => connection.name !== undefined && !connection.name.includes('/');

describe.skipIf(problem !== undefined)('BMP', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let server: BmpCollectorServer;
  let old: RawPeer | undefined;
  const a = new Neighbor(1);
  const b = new Neighbor(2, { host: localAddress6(2), localAddress: address6(2), families: 2 });
  const customer = new Neighbor(3);

  /** All that is being said has been said, and on every connection from `since` on the tables are right. */
  const untilRight = async (since: number): Promise<BmpConnection> => {
    let why = '';
    const right = (): BmpConnection | false => {
      const open = server.connections.slice(since).filter(({ closed }) => !closed);
      const main = open.find(isMain);
      const replicas = REPLICAS.map((name) => open.find((one) => one.name?.endsWith(`/${name}`)));
      if (main === undefined || replicas.includes(undefined)) return ((why = 'connections are missing'), false);
      const received = main.table(address(1), 0).size;
      const sent = main.table(address(3), SENT).diff(customer.table);
      const voted = replicas.map((one) => one!.table(address(3), SENT).diff(customer.table).length);
      const local = main.table('0.0.0.0', IPV6).size;
      why = JSON.stringify({ received, sent, voted, local });
      const all = customer.table.size;
      return received === a.routes.size && sent.length === 0 && voted.every((n) => n === 0) && local === all && main;
    };
    return waitFor(right, { what: 'the collector holds what the neighbours hold', deadlineMs: 20_000 }).catch(
      (error: Error) => {
        throw new Error(`${error.message}: ${why}`, { cause: error });
      },
    );
  };

  beforeAll(async () => {
    lab = RouterLab.create('bmp', 4);
    server = await BmpCollectorServer.listen(address(1), PORT);
    const more = { bmp: { collectors: [{ address: address(1), port: PORT, 'statistics-interval': '500ms' }] } };
    const neighbors = [1, 2, 3, 4].map((n) => neighborConfig(n));
    for (const n of [1, 3]) Object.assign(neighbors[n - 1], BOTH, { 'local-address-ipv6': localAddress6(n) });
    Object.assign(neighbors[1], OVER_IPV6);
    router = await lab.run({ neighbors, more });
    await router.untilVoting(3);
  });
  afterAll(async () => {
    old?.close();
    await Promise.all([a, b, customer].map((neighbor) => neighbor.stop()));
    await router?.stop();
    await server?.close();
    await lab?.destroy();
  });

  test('a collector that is there from the beginning', async () => {
    await Promise.all([a, b, customer].map((neighbor) => neighbor.connect()));
    await a.announce(tableOf(a.as, 1, 0, ROUTES));
    await a.announce(tableOf(a.as, 2, 0, 50, prefix6At));
    await b.announce(tableOf(b.as, 3, 0, ROUTES, prefix6At));
    await customer.untilRight([a, b]);
    await a.withdraw([...a.routes.keys()].slice(0, 100));
    await customer.untilRight([a, b]);
    const connection = await untilRight(0);
    expect(connection.table(address6(2), IPV6).size).toBe(ROUTES);
    // The neighbour's own OPEN, byte for byte, behind ours, and how its session ended.
    const [up] = connection.about(PEER_UP, address6(2));
    const behind = up.subarray(20 + up.readUInt16BE(20 + 16));
    expect([behind.readUInt16BE(16), behind[18], behind.readUInt32BE(24)]).toEqual([behind.length, 1, 0x0a000202]);
    await b.stop();
    await customer.untilRight([a]);
    await untilRight(0);
    await waitFor(() => connection.about(PEER_DOWN, address6(2)).length > 0, { what: 'Peer Down', deadlineMs: 10_000 });
    const [down] = connection.about(PEER_DOWN, address6(2));
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
    expect(connection.about(PEER_UP, address6(2))).toEqual([]);
    // It goes on from there.
    await a.announce(tableOf(a.as, 9, ROUTES, ROUTES + 20));
    await customer.untilRight([a]);
    await untilRight(before);
  });

  test('a neighbour from before RFC 6793, and what no collector should have to read', async () => {
    const connection = server.connections.find((one) => isMain(one) && !one.closed)!;
    old = await RawPeer.connect({ n: 4, as4: false });
    await old.establish();
    /** UPDATEs, as they are on the wire, that the collector has got as received from it. */
    const told = (): Buffer[] => connection.about(ROUTE_MONITORING, address(4), LEGACY);
    const until = (update: Buffer): Promise<unknown> =>
      waitFor(() => told().at(-1)?.equals(update), { what: 'the collector has the UPDATE', deadlineMs: 10_000 });
    old.write(oldUpdate(0, [30, 0, 0]));
    await until(oldUpdate(0, [30, 0, 0]));
    // ORIGIN 7 does not exist: RFC 7606 has the route withdrawn, and the collector gets that.
    old.write(oldUpdate(7, [30, 0, 0]));
    await until(Buffer.from([...Array<number>(16).fill(255), 0, 27, 2, 0, 4, 24, 30, 0, 0, 0, 0]));
    // Statistics come to tell it, too: one UPDATE treated as a withdrawal, and no route of it in the Loc-RIB.
    const report = (of: string): Buffer | undefined => connection.about(STATISTICS, of).at(-1);
    const counted = (): boolean =>
      report(address(4))?.readUInt32BE(20) === 1 && report('0.0.0.0')?.readUInt32BE(12) === a.routes.size;
    await waitFor(counted, { what: 'Statistics Reports that count it', deadlineMs: 10_000 });
  });

  test.skipIf(tshark === undefined)('tshark finds nothing wrong (skipped without it)', async () => {
    await router.stop();
    const all = server.connections;
    await waitFor(() => all.every(({ closed }) => closed), { what: 'connections end', deadlineMs: 10_000 });
    const parts = all.map(({ messages }) => messages.map(withoutInformation));
    const file = path.join(lab.lab.directory, 'bmp.pcap');
    const rows = decode(
      file,
      parts.map((of) => of.map(({ message }) => message)),
    );
    expect(rows.map(({ type }) => Number(type))).toEqual(
      all.flatMap(({ messages }) => messages.map(({ type }) => type)),
    );
    expect(rows.filter(({ malformed, severity }) => malformed !== '' || severity !== '')).toEqual([]);

    const of = (type: number): Row[] => rows.filter((row) => row.type === String(type));
    const distinct = (some: readonly Row[], ...names: (keyof Row)[]): string[] =>
      [...new Set(some.map((row) => names.map((name) => row[name]).join(' ')))].sort();
    const neighbors = ['10.0.1.2', '10.0.3.2', '10.0.4.2', 'fd00:2::2'];
    // Flags of whose routes they are: V, L, A, O. Adj-RIB-In as received, Adj-RIB-Out post-policy; an old speaker's with A.
    expect(distinct(of(ROUTE_MONITORING), 'peerType', 'flags', 'ipv6', 'postPolicy', 'legacyPath', 'ribOut')).toEqual([
      '0 0x00 0 0 0 0',
      '0 0x20 0 0 1 0',
      '0 0x50 0 1 0 1',
      '0 0x70 0 1 1 1',
      '0 0x80 1 0 0 0',
      '0 0xd0 1 1 0 1',
      '3 0x80    ',
    ]);
    const locRib = rows.filter(({ peerType }) => peerType === '3');
    expect(distinct(locRib, 'type', 'filtered', 'as', 'id')).toEqual(
      [ROUTE_MONITORING, STATISTICS, PEER_UP].map((type) => `${type} 1 65000 10.0.0.1`),
    );
    expect(distinct(of(ROUTE_MONITORING), 'bgpType')).toEqual(['2']);
    // Who is up, with the OPENs of both ends; the replicas' connections say the same of them.
    expect(distinct(of(PEER_UP), 'address4', 'address6', 'as', 'local4', 'local6', 'openAs')).toEqual([
      // tshark takes the F flag of a Loc-RIB for that of an IPv6 address.
      ' :: 65000  :: 65000,65000',
      ' fd00:2::2 65002  fd00:2::1 65000,65002',
      '10.0.1.2  65001 10.0.1.1  65000,65001',
      '10.0.3.2  65003 10.0.3.1  65000,65003',
      '10.0.4.2  65004 10.0.4.1  65000,65004',
    ]);
    // All that is behind OPENs is the name of the table, of the Loc-RIB.
    const behind = parts
      .flatMap((some) => some.map(({ information }) => information))
      .filter(({ length }) => length > 0);
    expect(behind).toHaveLength(of(PEER_UP).filter(({ peerType }) => peerType === '3').length);
    const named = Buffer.concat([Buffer.of(0, 3, 0, 6), Buffer.from('global')]);
    for (const information of behind) expect(information).toEqual(named);
    expect(distinct(of(PEER_DOWN), 'reason')).toEqual(['1', '2', '3']);
    expect(distinct(of(INITIATION), 'information').map((text) => text.replace(/^.*,[^/]*/, ''))).toEqual([
      '',
      '/bird',
      '/frr',
      '/openbgpd',
    ]);
    expect(distinct(of(TERMINATION), 'termination')).toEqual(['0']);
    expect(of(TERMINATION)).toHaveLength(1 + REPLICAS.length);
    // Reports are of the tables as they were in the end, before sessions were closed.
    const told = (address: string, report: Partial<Row>): void => {
      const reports = of(STATISTICS).filter(({ address4, address6 }) => `${address4}${address6}` === address);
      expect(reports).toContainEqual(expect.objectContaining(report));
    };
    expect(distinct(of(STATISTICS), 'address4', 'address6')).toHaveLength(neighbors.length + 1);
    told('10.0.1.2', { statistics: '7,11,15', routesIn: String(a.routes.size), treated: '0' });
    told('10.0.3.2', { routesIn: '0', routesOut: String(a.routes.size) });
    told('10.0.4.2', { routesIn: '0', treated: '1' });
    told('::', { statistics: '8', routesLocal: String(a.routes.size) });
  });
});
