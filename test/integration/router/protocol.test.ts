// What a neighbour may be: IPv6, both families over IPv4, two-octet AS numbers, route refresh, TCP-MD5, GTSM, and one that waits to be called.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPlainDaemon, type PlainDaemon } from '../../../cli/lab/plain-daemons.js';
import { waitFor } from '../../../cli/lab/wait.js';
import { CollectedTable } from '../../../traces/collector.js';
import { routeAttributesToAs2, toAs4 } from '../../../wire/bgp/as4.js';
import { AttributeType } from '../../../wire/bgp/attributes.js';
import { UpdatePacker } from '../../../wire/bgp/pack.js';
import { encodeRouteRefresh } from '../../../wire/bgp/route-refresh.js';
import { parseUpdate, UpdateView } from '../../../wire/bgp/update.js';
import { ByteWriter } from '../../../wire/byte-writer.js';
import { PrefixTable } from '../../../wire/prefix-table.js';
import { Neighbor, RawPeer } from '../../support/router-neighbors.js';
import {
  address,
  address6,
  asOf,
  localAddress,
  localAddress6,
  neighborConfig,
  ROUTER_AS,
  RouterLab,
  routerProblem,
  type RunningRouter,
} from '../../support/router-lab.js';
import {
  attributesOf,
  expectedRoutes,
  expectedTable,
  prefix6At,
  prefixAt,
  tableOf,
  type Route,
} from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const BOTH = { 'afi-safis': ['ipv4-unicast', 'ipv6-unicast'] };
/** Feeder and customer with both families over IPv4, a neighbour on IPv6, a two-octet one, one that asks again. */
const [FEEDER, CUSTOMER, SIX, OLD, ASKING] = [1, 2, 3, 4, 5];
/** BIRDs in namespaces of their own: one with a TCP-MD5 key that waits for us, one behind GTSM that calls. */
const [SECRET, NEAR] = [11, 12];
const KEY = 'correct horse';

/** An AS that does not fit into two octets. */
const LARGE_AS = 400_000;
const COUNT = 300;

describe.skipIf(problem !== undefined)('neighbours of every kind', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let feeder: Neighbor, customer: Neighbor, six: Neighbor;
  let feeders: Neighbor[];

  beforeAll(async () => {
    lab = RouterLab.create('protocol', 5);
    for (const n of [SECRET, NEAR]) joinBird(lab, n);
    router = await lab.run({
      neighbors: [
        neighborConfig(FEEDER, { ...BOTH, 'local-address-ipv6': localAddress6(FEEDER) }),
        neighborConfig(CUSTOMER, { ...BOTH, 'local-address-ipv6': localAddress6(CUSTOMER) }),
        neighborConfig(SIX, { 'neighbor-address': address6(SIX), 'local-address': localAddress6(SIX) }),
        neighborConfig(OLD),
        neighborConfig(ASKING, { ...BOTH, 'local-address-ipv6': localAddress6(ASKING) }),
        neighborConfig(SECRET, { 'passive-mode': false, 'connect-retry': 1, 'auth-password': KEY }),
        neighborConfig(NEAR, { 'ttl-security': 1 }),
      ],
    });
    await router.untilVoting(3);
    feeder = new Neighbor(FEEDER);
    customer = new Neighbor(CUSTOMER);
    six = new Neighbor(SIX, { host: localAddress6(SIX), localAddress: address6(SIX) });
    feeders = [feeder, six];
    await Promise.all([feeder, customer, six].map((neighbor) => neighbor.connect()));
    await feeder.announce(tableOf(feeder.as, 1, 0, COUNT));
    await feeder.announce(tableOf(feeder.as, 2, 0, COUNT, prefix6At));
    await six.announce(tableOf(six.as, 3, 0, COUNT, prefix6At));
  });
  afterAll(async () => {
    await Promise.all([feeder, customer, six].map((neighbor) => neighbor?.stop()));
    await router?.stop();
    await lab?.destroy();
  });

  test('both families over IPv4, and IPv6 over IPv6', async () => {
    await customer.untilRight(feeders);
    await six.untilRight(feeders);
    await feeder.untilRight(feeders);
    expect(customer.table.size).toBe(2 * COUNT);
    await router.untilUnanimous(3);
    await six.withdraw(Array.from({ length: 100 }, (_, i) => prefix6At(i)));
    await customer.untilRight(feeders);
  });

  test('End-of-RIB for each family, once everything is out', async () => {
    const ends = (neighbor: Neighbor, families: number) =>
      waitFor(() => neighbor.table.endOfRib === families, { what: `End-of-RIB ${families}`, deadlineMs: 15_000 });
    await Promise.all([ends(customer, 3), ends(six, 2)]);
  });

  test('a two-octet neighbour is translated both ways', async () => {
    const old = await (await RawPeer.connect({ n: OLD, as4: false })).establish();
    const large: Route = { path: [feeder.as, LARGE_AS, 3] };
    await feeder.change(prefixAt(0), large);
    old.write(oldUpdate('90.0.0.0/24', { path: [asOf(OLD), LARGE_AS + 1, 5] }));
    await waitFor(() => customer.table.get('90.0.0.0/24') !== undefined, { what: 'its route', deadlineMs: 15_000 });
    const passedOn = expectedTable(new Map([['90.0.0.0/24', { path: [ROUTER_AS, asOf(OLD), LARGE_AS + 1, 5] }]]), () =>
      localAddress(CUSTOMER),
    );
    expect(customer.table.diff(passedOn, 10, (prefix) => prefix !== '90.0.0.0/24')).toEqual([]);

    const expected = expectedRoutes([feeder.candidate], ROUTER_AS, asOf(OLD));
    for (const prefix of expected.keys()) if (prefix.includes(':')) expected.delete(prefix);
    const right = expectedTable(expected, () => localAddress(OLD));
    await waitFor(() => oldTable(old.updates).table.diff(right).length === 0, {
      what: 'its table',
      deadlineMs: 15_000,
    });
    expect(oldTable(old.updates).translated).toBeGreaterThan(0);
    old.close();
  });

  test('a route refresh is answered from the verdicts', async () => {
    const asking = await (await RawPeer.connect({ n: ASKING, families: 3 })).establish();
    const held = () => tableFrom(asking.updates);
    const right = expectedTable(expectedRoutes([feeder.candidate, six.candidate], ROUTER_AS, asOf(ASKING)), (family) =>
      family === 0 ? localAddress(ASKING) : localAddress6(ASKING),
    );
    await waitFor(() => held().diff(right).length === 0 && held().endOfRib === 3, {
      what: 'its table',
      deadlineMs: 15_000,
    });
    const votes = (await router.status()).replicas.map((replica) => replica.votes);
    for (const family of [0, 1] as const) {
      asking.updates.length = 0;
      asking.write(encodeRouteRefresh(family));
      const other = (prefix: string) => prefix.includes(':') !== (family === 1);
      await waitFor(() => held().diff(right, 1, other).length === 0, { what: 'all of it again', deadlineMs: 15_000 });
      // Of the other family, nothing; and no replica was asked for anything.
      expect(held().size).toBe([...right.entries()].filter(({ id }) => !other(right.prefixes.format(id))).length);
    }
    expect((await router.status()).replicas.map((replica) => replica.votes)).toEqual(votes);
    asking.close();
  });

  test('a neighbour with a TCP-MD5 key that waits to be called', async () => {
    const bird = await startBird(lab, SECRET, `passive; password "${KEY}";`);
    await exchanges(bird, SECRET);
    expect((await router.neighbor(SECRET)).flaps).toBe(0);
    await bird.stop();
    await waitFor(() => customer.table.get(`91.0.${SECRET}.0/24`) === undefined, {
      what: 'it is gone',
      deadlineMs: 15_000,
    });
  });

  test('a neighbour behind GTSM that calls', async () => {
    const bird = await startBird(lab, NEAR, 'connect delay time 1; ttl security on;');
    await exchanges(bird, NEAR);
    await bird.stop();
  });

  test('without the TTL that GTSM asks for there is no session', async () => {
    const bird = await startBird(lab, NEAR, 'connect delay time 1; connect retry time 1; multihop 5;');
    // What arrives before the accepted socket has its check may be an OPEN; that is as far as it gets.
    const underWay = async () => ['OpenSent', 'OpenConfirm'].includes((await router.neighbor(NEAR)).state);
    await waitFor(underWay, { what: 'a try', deadlineMs: 20_000 });
    await feeder.change(prefixAt(1), { path: [feeder.as, 77] });
    await customer.untilRight(feeders);
    expect(await underWay()).toBe(true);
    expect(customer.table.get(`91.0.${NEAR}.0/24`)).toBeUndefined();
    await bird.stop();
  });

  /** Routes flow both ways between the router and the BIRD that is neighbour n. */
  async function exchanges(bird: PlainDaemon, n: number): Promise<void> {
    const own = `91.0.${n}.0/24`;
    await waitFor(() => customer.table.get(own) !== undefined, {
      what: 'its route at the customer',
      deadlineMs: 20_000,
    });
    await waitFor(async () => (await bird.sessions())[0].prefixesIn === feeder.routes.size - COUNT, {
      what: 'the table at BIRD',
      deadlineMs: 20_000,
    });
    const path = (await bird.query('show', 'route', prefixAt(7), 'all')).match(/BGP.as_path: (.*)/)?.[1];
    expect(path).toBe([ROUTER_AS, ...feeder.routes.get(prefixAt(7))!.path].join(' '));
  }
});

/** A namespace for neighbour n with a link of its own to the router. */
function joinBird(lab: RouterLab, n: number): void {
  lab.lab.addNamespace(`bird${n}`);
  lab.lab.link(
    { namespace: 'router', interface: `b${n}`, addresses: [`${localAddress(n)}/24`] },
    { namespace: `bird${n}`, addresses: [`${address(n)}/24`] },
  );
}

let birds = 0;

function startBird(lab: RouterLab, n: number, options: string): Promise<PlainDaemon> {
  const config = `router id ${address(n)};
protocol device {}
protocol static own { ipv4; route 91.0.${n}.0/24 blackhole; }
protocol bgp uplink { local ${address(n)} as ${asOf(n)}; neighbor ${localAddress(n)} as ${ROUTER_AS}; ${options}
  ipv4 { import all; export where source = RTS_STATIC; }; }
`;
  return startPlainDaemon(lab.lab, `bird${n}`, 'bird', config, `neighbor${n}-${birds++}`);
}

/** An UPDATE as the two-octet neighbour sends it. */
function oldUpdate(prefix: string, route: Route): Uint8Array {
  const attributes = new ByteWriter(256);
  routeAttributesToAs2(attributesOf(0, route, address(OLD)), attributes);
  const table = new PrefixTable();
  const out = new ByteWriter(256);
  new UpdatePacker(4096).announce(0, attributes.take(), table, Uint32Array.of(table.parse(prefix)), 0, 1, out);
  return out.take();
}

/** What a two-octet neighbour was told, in four octets; and how many of the messages carried an AS4_PATH. */
function oldTable(updates: readonly Uint8Array[]): { table: CollectedTable; translated: number } {
  const view = new UpdateView();
  const out = new ByteWriter(1 << 14);
  let translated = 0;
  for (const message of updates) {
    const verdict = parseUpdate(message, 0, message.length, { as4: false, ebgp: true, families: 1 }, view);
    expect(verdict.kind).toBe('sound');
    if (hasAttribute(message, view, AttributeType.AS4_PATH)) translated++;
    toAs4(message, view, 4096, out);
  }
  return { table: tableFrom(split(out.take())), translated };
}

function hasAttribute(message: Uint8Array, view: UpdateView, type: number): boolean {
  for (let at = view.attributesStart; at < view.attributesEnd;) {
    const long = (message[at] & 0x10) !== 0;
    if (message[at + 1] === type) return true;
    at += long ? 4 + ((message[at + 2] << 8) | message[at + 3]) : 3 + message[at + 2];
  }
  return false;
}

function split(bytes: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + ((bytes[at + 16] << 8) | bytes[at + 17]);
    messages.push(bytes.subarray(at, end));
    at = end;
  }
  return messages;
}

function tableFrom(updates: readonly Uint8Array[]): CollectedTable {
  const table = new CollectedTable();
  for (const update of updates) table.update(update, 0, update.length, { as4: true, ebgp: true, families: 3 });
  return table;
}
