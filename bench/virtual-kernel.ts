// Micro-benchmark of a replica's virtual kernel: routes per second written, written again, dumped and deleted, without any sockets.
// The requests are what BIRD 2 (one route a datagram) and zebra (many) send. `node dist/bench/virtual-kernel.js [ROUTES] [NEXT-HOPS]`.
import process from 'node:process';
import { table } from '../cli/output/table.js';
import { KernelMirror } from '../fib/kernel-mirror.js';
import { VirtualKernel } from '../fib/virtual-kernel/virtual-kernel.js';
import { AttributeTable } from '../wire/attribute-table.js';
import { IPV4_UNICAST } from '../wire/family.js';
import {
  AF_INET,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
} from '../wire/netlink/constants.js';
import { RTM_DELROUTE, RTM_GETROUTE, RTM_NEWROUTE, RTN_UNICAST } from '../wire/netlink/constants.js';
import { NetlinkWriter } from '../wire/netlink/message.js';
import { encodeRoute } from '../wire/netlink/route.js';
import { PrefixTable } from '../wire/prefix-table.js';
import { median } from './statistics.js';

const ROUNDS = 5;
const IFINDEX = 1_000_000;
/** The shim has acknowledged the write: what a running router sees. */
const ACKNOWLEDGED = 0x8000;
const PER_DATAGRAM = 100;

/** Requests of one kind for all prefixes, and where each datagram ends. */
interface Requests {
  bytes: Uint8Array;
  ends: number[];
}

function hopSet(n: number): Uint8Array {
  return Uint8Array.of(
    RTN_UNICAST,
    1,
    IFINDEX >>> 24,
    IFINDEX >>> 16,
    (IFINDEX >>> 8) & 255,
    IFINDEX & 255,
    0,
    1,
    0,
    4,
    198,
    18,
    n >>> 8,
    n & 255,
  );
}

function requests(routes: number, hops: number, type: number, flags: number, each: number): Requests {
  const writer = new NetlinkWriter(1 << 20);
  const sets = Array.from({ length: hops }, (_, n) => hopSet(2 + n));
  const dst = new Uint8Array(4);
  const ends: number[] = [];
  for (let i = 0; i < routes; i++) {
    dst.set([1 + (i >>> 16), i >>> 8, i]);
    const set = type === RTM_NEWROUTE ? sets[(i * 7919) % hops]! : new Uint8Array(0);
    const header = { messageType: type, flags: NLM_F_REQUEST | flags, seq: i, pid: 0 };
    const fields = { family: IPV4_UNICAST, dst, dstAt: 0, dstLen: 24, table: 254, protocol: 12, metric: 32 } as const;
    encodeRoute(writer, header, fields, set, 0, set.length);
    if ((i + 1) % each === 0 || i + 1 === routes) ends.push(writer.length);
  }
  return { bytes: writer.take(), ends };
}

function makeKernel(received: { datagrams: number; bytes: number; votes: number }): VirtualKernel {
  const kernel = new VirtualKernel({
    mirror: new KernelMirror({ protocol: 179 }),
    prefixes: new PrefixTable({ initialCapacity: 1 << 20 }),
    hops: new AttributeTable(),
    bodies: new AttributeTable(),
    internal: { ifindex: IFINDEX, name: 'btr0', addresses: ['198.18.0.1/32'], connected: ['198.18.0.0/16'] },
    sink: {
      send(_, _buf, start, end) {
        received.datagrams++;
        received.bytes += end - start;
        return true;
      },
      route: () => received.votes++,
      overrun: (_, reason) => {
        throw new Error(reason);
      },
    },
  });
  kernel.open(1, 1);
  return kernel;
}

function play(kernel: VirtualKernel, { bytes, ends }: Requests): void {
  let start = 0;
  for (const end of ends) {
    kernel.receive(1, bytes, start, end);
    start = end;
  }
}

function dumpRequest(): Requests {
  const writer = new NetlinkWriter();
  writer.begin(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, 1, 0);
  writer.bytes(Uint8Array.of(AF_INET, ...new Array<number>(11).fill(0)));
  writer.end();
  return { ends: [writer.length], bytes: writer.take() };
}

const [routes, hops] = [Number(process.argv[2] ?? 500_000), Number(process.argv[3] ?? 40)];
const create = NLM_F_CREATE | NLM_F_EXCL | ACKNOWLEDGED;
const steps: [string, Requests][] = [
  ['write (BIRD: one a datagram)', requests(routes, hops, RTM_NEWROUTE, create, 1)],
  ['dump', dumpRequest()],
  [
    'replace (other next hops)',
    requests(routes, Math.max(1, hops - 1), RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, PER_DATAGRAM),
  ],
  ['delete', requests(routes, hops, RTM_DELROUTE, ACKNOWLEDGED, 1)],
  ['write (zebra: many a datagram)', requests(routes, hops, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, PER_DATAGRAM)],
  ['delete', requests(routes, hops, RTM_DELROUTE, 0, PER_DATAGRAM)],
];

const received = { datagrams: 0, bytes: 0, votes: 0 };
const kernel = makeKernel(received);
const times = steps.map(() => [] as number[]);
for (let round = 0; round < ROUNDS; round++) {
  steps.forEach(([, input], i) => {
    // Processor time: what else the machine does does not count.
    const start = process.cpuUsage();
    play(kernel, input);
    const { user, system } = process.cpuUsage(start);
    times[i]!.push((user + system) * 1000);
  });
}
const { errors, conflicts, routesAdded, routesDeleted } = kernel.counters;
if (
  routesAdded !== 2 * routes * ROUNDS ||
  routesDeleted !== routesAdded ||
  Object.keys({ ...errors, ...conflicts }).length > 0
) {
  throw new Error(`not every route was written: ${JSON.stringify(kernel.counters)}`);
}
const rows = steps.map(([name], i) => {
  const ns = median(times[i]!) / routes;
  return [name, ns.toFixed(0), String(Math.round(1e9 / ns / 1000) * 1000)];
});
process.stdout.write(
  `${routes} routes by ${hops} next hops, ${received.votes} votes, ${received.bytes} bytes dumped\n`,
);
process.stdout.write(`${table(['step', 'ns per route', 'routes/s'], rows)}\n`);
