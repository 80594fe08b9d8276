// What collectors are told of the Loc-RIB: changes only, to all of them, also to those that come while others are there already; and what
// they hold keeps its numbers. Routes come from a table that the test writes; the collectors' tables are read from the bytes.
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import type { BmpFeed, Dump } from '../../../../hypervisor/bmp/feed.js';
import { LocRibFeed } from '../../../../hypervisor/bmp/loc-rib-feed.js';
import type { LocRib } from '../../../../hypervisor/bmp/loc-rib.js';
import { RouteBatch } from '../../../../hypervisor/bmp/route-batch.js';
import { UpdateScreen } from '../../../../hypervisor/bmp/update-screen.js';
import { Tables } from '../../../../hypervisor/tables.js';
import { ByteWriter } from '../../../../wire/byte-writer.js';
import { IPV4_UNICAST } from '../../../../wire/family.js';
import { CollectedTable } from '../../../../traces/collector.js';
import { announcements, attributesOf, prefixAt, tableOf, type Routes } from '../../../support/router-routes.js';

const HOP = '10.0.1.2';
const LIMITS = { maxPrefixes: 1e6, maxAttributes: 1e6, maxAttributeBytes: 2 ** 28 };
const ROUTE_MONITORING = 0;
const RULES = { as4: true, ebgp: true, families: 3 };

let tables: Tables;
let routes: Map<number, number>;
let locRib: LocRibFeed;

/** A connection without a socket: bytes stay in `out` until they are read. */
class Collector {
  ready = false;
  readonly out = new ByteWriter();
  readonly table = new CollectedTable();
  private readonly dumps: Dump[] = [];

  connect(): void {
    this.ready = true;
    locRib.greet(this.feed);
    locRib.dump(this.feed);
  }

  get feed(): BmpFeed {
    return this as unknown as BmpFeed;
  }

  touch(): void {}

  dump(dump: Dump): void {
    this.dumps.push(dump);
  }

  /** All of its dumps. */
  dumpAll(): void {
    for (const dump of this.dumps.splice(0)) while (dump.step(this.out));
  }

  /** Reads what was written; returns how many prefixes it spoke of. */
  read(): number {
    const bytes = Buffer.from(this.out.take());
    const before = this.table.announced + this.table.withdrawn;
    for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at + 1)) {
      const end = at + bytes.readUInt32BE(at + 1);
      if (bytes[at + 5] === ROUTE_MONITORING) this.table.update(bytes, at + 48, end, { ...RULES, ebgp: false });
    }
    return this.table.announced + this.table.withdrawn - before;
  }
}

/** The router has these routes now; nobody was told. */
function have(some: Routes): void {
  for (const [prefix, route] of some) {
    const bytes = attributesOf(IPV4_UNICAST, route, HOP);
    routes.set(tables.prefixes.parse(prefix), tables.attributes.intern(bytes, 0, bytes.length));
  }
}

/** A message came in or went out about them. */
function note(some: Routes): void {
  const screen = new UpdateScreen();
  const bytes = announcements(some, () => HOP);
  for (let at = 0; at < bytes.length;) {
    const end = at + ((bytes[at + 16] << 8) | bytes[at + 17]);
    expect(screen.judge(bytes, at, end, RULES)).toBe(true);
    locRib.note(screen);
    at = end;
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn();
}

const collector = (): Collector => {
  const one = new Collector();
  locRib.add(one.feed);
  return one;
};
const SOME = tableOf(65_001, 1, 0, 50);

beforeEach(() => {
  tables = new Tables(LIMITS);
  routes = new Map();
  const self = { as: 65_000, routerId: '10.0.0.1' };
  const choice = { route: (prefix: number) => routes.get(prefix) ?? 0 } as LocRib;
  locRib = new LocRibFeed({ self, tables, routes: choice, batch: new RouteBatch(tables) });
});

describe('Loc-RIB', () => {
  test('changes are told, each once, and what is said again without a change is not', async () => {
    const one = collector();
    one.connect();
    one.dumpAll();
    have(SOME);
    note(SOME);
    note(SOME);
    await settled();
    expect([one.read(), one.table.size]).toEqual([50, 50]);
    note(SOME);
    locRib.noteAll();
    await settled();
    expect(one.read()).toBe(0);
    const id = tables.prefixes.findText(prefixAt(7));
    routes.set(id, 0);
    locRib.noteAll();
    await settled();
    expect([one.read(), one.table.size, one.table.get(prefixAt(7))]).toEqual([1, 49, undefined]);
  });

  test('a withdrawal of what nobody was told is not told', async () => {
    const one = collector();
    one.connect();
    have(SOME);
    for (const id of routes.keys()) routes.set(id, 0);
    note(SOME);
    await settled();
    expect(one.read()).toBe(0);
  });

  test('one that comes while a change is pending takes nothing away from the other', async () => {
    const [one, two] = [collector(), collector()];
    have(SOME);
    one.connect();
    one.dumpAll();
    expect([one.read(), one.table.size]).toEqual([50, 50]);
    const changed = tableOf(65_001, 2, 0, 10);
    have(changed);
    routes.set(tables.prefixes.findText(prefixAt(20)), 0);
    // The second is told of it by its dump, before anybody has looked.
    two.connect();
    two.dumpAll();
    locRib.noteAll();
    await settled();
    one.read();
    two.read();
    expect([one.table.size, two.table.size]).toEqual([49, 49]);
    expect(one.table.diff(two.table)).toEqual([]);
  });

  test('one that comes back is told what is then, and not held to what it held before', async () => {
    const one = collector();
    have(SOME);
    one.connect();
    one.dumpAll();
    one.read();
    one.ready = false;
    for (const id of [...routes.keys()].slice(0, 20)) routes.set(id, 0);
    note(SOME);
    await settled();
    expect(one.read()).toBe(0);
    const again = new Collector();
    Object.assign(one, { table: again.table });
    one.connect();
    one.dumpAll();
    await settled();
    expect([one.read(), one.table.size]).toEqual([30, 30]);
    const report = new ByteWriter();
    locRib.report({ ...one.feed, out: report } as unknown as BmpFeed, 0);
    expect(Buffer.from(report.take()).readUInt32BE(6 + 42 + 4 + 4 + 4)).toBe(30);
  });

  test('prefixes and attributes that a collector holds are marked, and those of nobody are not', async () => {
    const one = collector();
    have(SOME);
    const prefixes = [...routes.keys()];
    const marked = (): [number, number] => {
      const [p, a] = [new Uint8Array(tables.prefixes.limit), new Uint8Array(tables.attributes.limit)];
      locRib.markPrefixes(p);
      locRib.markAttributes(a);
      return [p, a].map((used) => used.reduce((sum, bit) => sum + bit, 0)) as [number, number];
    };
    expect(marked()).toEqual([0, 0]);
    one.connect();
    one.dumpAll();
    const sets = new Set(routes.values()).size;
    expect(marked()).toEqual([50, sets]);
    for (const id of prefixes) routes.set(id, 0);
    locRib.noteAll();
    expect(marked()[0]).toBe(50);
    await settled();
    expect(marked()).toEqual([0, 0]);
    one.ready = false;
    expect(marked()).toEqual([0, 0]);
  });

  test('a big table is told in parts', async () => {
    const one = collector();
    one.connect();
    one.dumpAll();
    const many = tableOf(65_001, 1, 0, 1500);
    have(many);
    note(many);
    await turn();
    const first = one.read();
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThanOrEqual(1024);
    await settled();
    one.read();
    expect(one.table.size).toBe(1500);
    expect(one.table.get(prefixAt(1499))).toBeDefined();
  });
});
