// Micro-benchmark of the replicator's core: a full table in, fan-out to three replicas, bootstrap of a fourth; ns per prefix.
// Run it from dist: node dist/bench/replicator.js [prefixes]
import { Replicator } from '../replicator/replicator.js';
import { AttributeTable } from '../wire/attribute-table.js';
import { UpdatePacker } from '../wire/bgp/pack.js';
import { parseUpdate, UpdateView } from '../wire/bgp/update.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { PrefixTable } from '../wire/prefix-table.js';

const REPLICAS = 3;
const IPV4 = 1;
/** Prefixes per attribute set, as in a real table. */
const SHARING = 6;
const PULL = 64 * 1024;

function measure(name: string, operations: number, run: () => void): void {
  const started = performance.now();
  run();
  const ns = ((performance.now() - started) * 1e6) / operations;
  console.log(`${name.padEnd(52)} ${ns.toFixed(0).padStart(7)} ns`);
}

/** A table of /24 as messages of SHARING prefixes each, one after the other. */
function encodeTable(count: number): Uint8Array {
  const table = new PrefixTable();
  const packer = new UpdatePacker(4096);
  const out = new ByteWriter(count * 20);
  const ids = new Uint32Array(SHARING);
  for (let i = 0; i < count; i += SHARING) {
    const path = [65001, 3356, 1 + (i % 60_000), 1 + ((i * 7) % 60_000)];
    const segment = [2, path.length, ...path.flatMap((as) => [0, 0, as >>> 8, as & 0xff])];
    const attributes = Uint8Array.from([64, 1, 1, 0, 64, 2, segment.length, ...segment, 64, 3, 4, 10, 0, 0, 1]);
    for (let j = 0; j < SHARING; j++) {
      const address = ((i + j) * 256 + 0x01000000) >>> 0;
      ids[j] = table.intern(0, Uint8Array.of(address >>> 24, address >>> 16, address >>> 8), 0, 24);
    }
    packer.announce(0, attributes, table, ids, 0, SHARING, out);
  }
  return out.take();
}

const prefixes = Number(process.argv[2] ?? 500_000);
const bytes = encodeTable(prefixes);
const replicator = new Replicator({ prefixes: new PrefixTable(), attributes: new AttributeTable() });
replicator.neighborUp(0, IPV4, 0);
const feeds = Array.from({ length: REPLICAS }, (_, r) => replicator.openFeed(r, 0, IPV4, 0));
const view = new UpdateView();
const context = { as4: true, ebgp: true, families: IPV4 };
const out = new ByteWriter(2 * PULL);
let received = 0;
let at = 0;

/** Receives about as many bytes as one pull takes. */
function receiveSome(): void {
  for (const stop = Math.min(bytes.length, at + PULL); at < stop;) {
    const end = at + ((bytes[at + 16] << 8) | bytes[at + 17]);
    replicator.receive(0, bytes, at, end, view, parseUpdate(bytes, at, end, context, view), received++);
    at = end;
  }
}

function pullAll(feed: number): void {
  do out.reset();
  while (replicator.pull(feed, out, PULL) > 0);
}

measure(`parse, history and fan-out to ${REPLICAS} replicas`, prefixes, () => {
  while (at < bytes.length) {
    receiveSome();
    for (const feed of feeds) pullAll(feed);
  }
});
measure('the same table again: nothing changes', prefixes, () => {
  for (at = 0; at < bytes.length;) {
    receiveSome();
    for (const feed of feeds) pullAll(feed);
  }
});
measure('bootstrap of one more replica', prefixes, () => pullAll(replicator.openFeed(REPLICAS, 0, IPV4, received)));
const feed = replicator.openFeed(REPLICAS + 1, 0, IPV4, received);
measure('one pull of a bootstrap (64 KiB)', 1, () => {
  out.reset();
  replicator.pull(feed, out, PULL);
});
measure('the neighbour goes away', prefixes, () => replicator.neighborDown(0, received));
console.log(`${replicator.tableFull} routes found no room`);
