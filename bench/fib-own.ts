// A process that writes a table into its namespace's kernel by the hypervisor's own means, installer and backend, and says how long
// each run took and what it cost.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Installer } from '../fib/installer.js';
import { createRouteBatch } from '../fib/route-batch.js';
import { KernelBackend } from '../hypervisor/fib/kernel/kernel-backend.js';
import { AttributeTable } from '../wire/attribute-table.js';
import { IPV4_UNICAST } from '../wire/family.js';
import { parseAddress } from '../wire/ip.js';
import { RTN_UNICAST } from '../wire/netlink/constants.js';
import { PrefixTable } from '../wire/prefix-table.js';
import type { FromOwn, OwnOp, ToOwn } from './fib-protocol.js';
import { monotonicMs } from './protocol.js';

/** As in hypervisor/fib/thread.ts. */
const BATCH = 512;

const prefixes = new PrefixTable({ initialCapacity: 1 << 20 });
const hops = new AttributeTable();
const backend = new KernelBackend({ table: 254, protocol: 179, metric: 179 }, { prefixes, hops });
const installer = new Installer();
const batch = createRouteBatch(BATCH);
let ids = new Uint32Array(0);
let sets: [number, number] = [0, 0];

function load(file: string, gateways: readonly [string, string], ifindex: number): void {
  const bytes = readFileSync(file);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  ids = new Uint32Array(words.length / 2);
  const nlri = new DataView(new ArrayBuffer(4));
  const address = new Uint8Array(nlri.buffer);
  for (let i = 0; i < ids.length; i++) {
    nlri.setUint32(0, words[2 * i]!);
    ids[i] = prefixes.intern(IPV4_UNICAST, address, 0, words[2 * i + 1]!);
  }
  const set = (gateway: string): number => {
    const index = [ifindex >>> 24, (ifindex >>> 16) & 255, (ifindex >>> 8) & 255, ifindex & 255];
    const bytes = Uint8Array.from([RTN_UNICAST, 1, ...index, 0, 1, 0, 4, ...parseAddress(gateway)!]);
    return hops.intern(bytes, 0, bytes.length);
  };
  sets = [set(gateways[0]), set(gateways[1])];
  backend.open();
}

function run(op: OwnOp): FromOwn {
  const callsBefore = backend.stats.writeCalls;
  const cpu = process.cpuUsage();
  const start = monotonicMs();
  const wanted = op === 'insert' ? sets[0] : op === 'replace' ? sets[1] : 0;
  for (const id of ids) installer.want(id, wanted, start);
  while (installer.next(batch, start) > 0) {
    backend.write(batch);
    installer.settle(batch, start);
  }
  const ms = monotonicMs() - start;
  const { user, system } = process.cpuUsage(cpu);
  const calls = backend.stats.writeCalls - callsBefore;
  return { kind: 'done', ms, userMs: user / 1000, systemMs: system / 1000, calls, refused: backend.stats.refused };
}

process.on('message', (message: ToOwn) => {
  let answer: FromOwn = { kind: 'ready' };
  if (message.kind === 'load') load(message.file, message.gateways, message.ifindex);
  else answer = run(message.op);
  process.send!(answer);
});
process.on('disconnect', () => process.exit(0));
