// Micro-benchmarks of the byte formats on a whole table, in nanoseconds per prefix: what each step of the hypervisor's hot
// path costs by itself. `node dist/bench/wire.js [RIB] [PREFIXES]`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { sharedRib } from '../cli/demo/trace.js';
import { table } from '../cli/output/table.js';
import { AttributeTable } from '../wire/attribute-table.js';
import { Canonicaliser } from '../wire/bgp/canonical.js';
import { MessageFramer } from '../wire/bgp/framing.js';
import { MAX_MESSAGE_LENGTH } from '../wire/bgp/message.js';
import { UpdatePacker } from '../wire/bgp/pack.js';
import { extractRouteAttributes } from '../wire/bgp/route-attributes.js';
import { NlriCursor, parseUpdate, UpdateView } from '../wire/bgp/update.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { IPV4_UNICAST } from '../wire/family.js';
import { PrefixTable } from '../wire/prefix-table.js';
import { makeInput } from './input.js';
import { median } from './statistics.js';

const ROUNDS = 7;
/** As large as the reads of a socket. */
const CHUNK = 65536;
const CONTEXT = { as4: true, ebgp: true, families: 1 << IPV4_UNICAST };

type Visit = (buf: Uint8Array, start: number, end: number) => void;

function frame(bytes: Uint8Array, visit: Visit): void {
  const framer = new MessageFramer();
  for (let at = 0; at < bytes.length; at += CHUNK) {
    framer.push(bytes.subarray(at, at + CHUNK));
    while (framer.next()) visit(framer.buffer, framer.start, framer.end);
  }
}

/** The steps, each containing the one before: what a step costs is the difference. */
function steps(bytes: Uint8Array): [string, () => void][] {
  const view = new UpdateView();
  const cursor = new NlriCursor();
  const raw = new Uint8Array(CHUNK);
  const canonical = new Uint8Array(2 * CHUNK);
  const canonicaliser = new Canonicaliser();
  const parse: Visit = (buf, start, end) => void parseUpdate(buf, start, end, CONTEXT, view);
  const intern =
    (prefixes: PrefixTable): Visit =>
    (buf) => {
      for (let i = 0; i < view.sectionCount; i++) {
        const section = view.sections[i]!;
        cursor.reset(buf, section.start, section.end, section.family);
        while (cursor.next()) prefixes.intern(section.family, buf, cursor.at, cursor.bits);
      }
    };
  const attributes =
    (into: AttributeTable): Visit =>
    (buf) => {
      const length = extractRouteAttributes(buf, view, false, raw, 0);
      const end = canonicaliser.canonicalise(raw, 0, length, IPV4_UNICAST, canonical);
      into.intern(canonical, 0, end);
    };
  const all =
    (...visits: Visit[]): Visit =>
    (buf, start, end) =>
      visits.forEach((visit) => visit(buf, start, end));
  return [
    ['framing', () => frame(bytes, () => undefined)],
    ['+ parse and judge (RFC 7606)', () => frame(bytes, parse)],
    ['+ intern prefixes', () => frame(bytes, all(parse, intern(new PrefixTable({ initialCapacity: 1 << 20 }))))],
    [
      '+ canonicalise and intern attributes',
      () =>
        frame(
          bytes,
          all(parse, intern(new PrefixTable({ initialCapacity: 1 << 20 })), attributes(new AttributeTable())),
        ),
    ],
  ];
}

/** Packs the whole table in groups of the size that the input has. */
function packing(bytes: Uint8Array, groupSize: number): () => void {
  const prefixes = new PrefixTable({ initialCapacity: 1 << 20 });
  const view = new UpdateView();
  const cursor = new NlriCursor();
  const ids: number[] = [];
  let attrs = new Uint8Array();
  frame(bytes, (buf, start, end) => {
    parseUpdate(buf, start, end, CONTEXT, view);
    if (attrs.length === 0) {
      const raw = new Uint8Array(CHUNK);
      attrs = raw.slice(0, extractRouteAttributes(buf, view, false, raw, 0));
    }
    const section = view.sections[0]!;
    cursor.reset(buf, section.start, section.end, section.family);
    while (cursor.next()) ids.push(prefixes.intern(section.family, buf, cursor.at, cursor.bits));
  });
  const all = Uint32Array.from(ids);
  const packer = new UpdatePacker(MAX_MESSAGE_LENGTH);
  return () => {
    const out = new ByteWriter(CHUNK);
    for (let from = 0; from < all.length; from += groupSize) {
      packer.announce(IPV4_UNICAST, attrs, prefixes, all, from, Math.min(from + groupSize, all.length), out);
      if (out.length > CHUNK) out.reset();
    }
  };
}

function medianNs(run: () => void, prefixes: number): number {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    run();
    times.push(Number(process.hrtime.bigint() - start));
  }
  return median(times) / prefixes;
}

const [rib = sharedRib(), limit = '200000'] = process.argv.slice(2);
const directory = mkdtempSync(path.join(tmpdir(), 'btr-bench-wire-'));
try {
  const input = await makeInput(rib, undefined, Number(limit), directory);
  const bytes = new Uint8Array(readFileSync(input.file));
  let messages = 0;
  frame(bytes, () => messages++);
  const perMessage = input.prefixes / messages;
  const rows = steps(bytes).map(([name, run]) => [name, medianNs(run, input.prefixes).toFixed(0)]);
  rows.push(['packing', medianNs(packing(bytes, Math.round(perMessage)), input.prefixes).toFixed(0)]);
  process.stdout.write(`${input.prefixes} prefixes, ${perMessage.toFixed(1)} a message: ${input.source}\n`);
  process.stdout.write(`${table(['step', 'ns per prefix'], rows)}\n`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
