// Micro-benchmark of a mass quarantine: a replica dies with tens of thousands of messages under way. How long each step keeps the main loop,
// in ms of CPU. Run it from dist: node dist/bench/quarantine.js [messages]
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { Abstentions, QUARANTINED } from '../hypervisor/abstentions.js';
import { Evidence } from '../hypervisor/quarantine/evidence.js';
import { Repeats } from '../hypervisor/quarantine/repeats.js';
import { routesOfOthers } from '../hypervisor/quarantine/surroundings.js';
import { Replicator } from '../replicator/replicator.js';
import { Electorate } from '../voter/electorate.js';
import { UpdateVoter } from '../voter/update-voter.js';
import { AttributeTable } from '../wire/attribute-table.js';
import { UpdatePacker } from '../wire/bgp/pack.js';
import { parseUpdate, UpdateView } from '../wire/bgp/update.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { PrefixTable } from '../wire/prefix-table.js';

const REPLICAS = 3;
const NEIGHBORS = 13;
/** As in the updates of RouteViews. */
const PREFIXES_PER_MESSAGE = 3;
const PREFIXES = 10_000;
/** Per replica, as by default. */
const MAX_ENTRIES = 10_000;

const messages = Number(process.argv[2] ?? 70_000);
const tables = { prefixes: new PrefixTable(), attributes: new AttributeTable() };
const replicator = new Replicator({
  ...tables,
  suspectBytes: 64 << 20,
  maxQueueBytes: 64 << 20,
  maxQuarantined: MAX_ENTRIES,
});
const electorate = new Electorate(REPLICAS);
const caughtUp = new Float64Array(REPLICAS).fill(Infinity);
const voters = Array.from({ length: NEIGHBORS }, () => {
  const parameters = {
    replicas: REPLICAS,
    electorate,
    strategy: 'continuous-majority',
    caughtUp,
  } as const;
  return new UpdateVoter({ ...parameters, inputTime: () => 0 });
});
const abstentions = new Abstentions(REPLICAS, { prefixes: tables.prefixes, fib: undefined, voters: () => voters });

/** CPU time, since that is what the main loop would stand still for on a machine with nothing else to do. */
function measure<T>(name: string, run: () => T): T {
  const before = process.cpuUsage();
  const result = run();
  const { user, system } = process.cpuUsage(before);
  console.log(`${name.padEnd(64)} ${((user + system) / 1000).toFixed(0).padStart(6)} ms`);
  return result;
}

/** Message number `i`: a few prefixes with a path of its own. */
function message(i: number): Uint8Array {
  const path = [65001, 3356, 1 + (i % 60_000), 1 + (i >> 4), 7018, 174];
  const segment = [2, path.length, ...path.flatMap((as) => [0, 0, as >>> 8, as & 0xff])];
  const attributes = Uint8Array.from([64, 1, 1, 0, 64, 2, segment.length, ...segment, 64, 3, 4, 10, 0, 0, 1]);
  const ids = Uint32Array.from({ length: PREFIXES_PER_MESSAGE }, (_, j) => {
    const address = (((i * PREFIXES_PER_MESSAGE + j) % PREFIXES) * 256 + 0x01000000) >>> 0;
    return tables.prefixes.intern(0, Uint8Array.of(address >>> 24, address >>> 16, address >>> 8), 0, 24);
  });
  out.reset();
  packer.announce(0, attributes, tables.prefixes, ids, 0, ids.length, out);
  return out.take();
}

const packer = new UpdatePacker(4096);
const out = new ByteWriter();
const view = new UpdateView();
const pulled = new ByteWriter(1 << 20);
for (let n = 0; n < NEIGHBORS; n++) {
  replicator.neighborUp(n, 3, 0);
  for (let r = 0; r < REPLICAS; r++) replicator.openFeed(r, n, 3, 0);
}
for (let i = 0; i < messages; i++) {
  const bytes = message(i);
  const verdict = parseUpdate(bytes, 0, bytes.length, { as4: true, ebgp: true, families: 3 }, view);
  replicator.receive(i % NEIGHBORS, bytes, 0, bytes.length, view, verdict, i);
  if (i % 1000 > 0 && i < messages - 1) continue;
  pulled.reset();
  // Feeds are numbered from 1.
  for (let feed = 1; feed <= NEIGHBORS * REPLICAS; feed++) replicator.pull(feed, pulled, 1 << 20);
}

function applyHolds(): number {
  let changes = 0;
  for (const { replica, prefix, hold } of replicator.withholding.drainHolds(Infinity)) {
    changes++;
    if (hold) abstentions.hold(replica, prefix, QUARANTINED, messages);
    else abstentions.lift(replica, prefix, QUARANTINED, messages);
  }
  return changes;
}

const suspects = measure(`list ${messages} suspects`, () => replicator.suspects(0, undefined, MAX_ENTRIES + 1));
const ids = measure('quarantine them', () => replicator.withholding.quarantine(0, suspects, 'bench', messages));
const held = suspects.flatMap((suspect, i) => (ids[i] === 0 ? [] : [{ suspect, id: ids[i] }]));
const changes = measure('abstain, with 13 voters', applyHolds);
const directory = mkdtempSync(path.join(os.tmpdir(), 'btr-bench-'));
const evidence = new Evidence(directory, { warn: console.warn, info: console.log, error: console.error } as never);
measure(`keep ${held.length} as evidence, until they are handed over`, () => {
  const ends = { peerAs: 65001, localAs: 65000, peerAddress: new Uint8Array(4), localAddress: new Uint8Array(4) };
  const kept = held.map(({ id, suspect: { time, bytes, prefixes } }) => ({ id, ends, time, bytes, prefixes }));
  evidence.keep({ replica: 'bench', cause: 'crash', reason: '', at: '2000-01-01T00:00:00.000Z' }, kept);
});
measure("collect what others say, for the trial's instance", () => {
  const neighbors = Array.from({ length: NEIGHBORS }, (_, index) => ({ index, families: 3, routerId: '10.0.0.1' }));
  return routesOfOthers({ replicator, tables } as never, 0, neighbors, suspects.slice(-MAX_ENTRIES));
});
const repeats = new Repeats();
measure('judge: remember them all as released', () => {
  for (const { suspect } of held) repeats.released(0, suspect, messages);
});
measure('judge: have they been released before?', () => {
  const death = { at: messages, suspects: held.length, provenUntil: 0 };
  repeats.suspected(
    0,
    held.map(({ suspect }) => suspect),
    death,
    messages,
  );
});
const lists = measure('look for what nobody carries', () => abstentions.common([0, 1, 2]));
measure('release them all', () =>
  replicator.withholding.releaseAll(
    held.map(({ id }) => id),
    messages,
  ),
);
measure('vote again', applyHolds);
console.log(`${held.length} entries, ${changes} changes of abstentions, ${lists.length} prefixes that nobody carries`);
await evidence.flush();
rmSync(directory, { recursive: true });
