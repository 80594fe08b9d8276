// What scripted neighbours say and what a correct router makes of it: a table of simple routes per neighbour, and the best of them as the
// router has to pass it on. The judgement is worked out here, independent of any replica.
import { ByteWriter } from '../../wire/byte-writer.js';
import { UpdatePacker } from '../../wire/bgp/pack.js';
import { IPV4_UNICAST, type Family } from '../../wire/family.js';
import { parseAddress } from '../../wire/ip.js';
import { PrefixTable } from '../../wire/prefix-table.js';
import { CollectedTable } from '../../traces/collector.js';

export interface Route {
  /** From the announcing neighbour on. */
  path: readonly number[];
  /** 0 IGP, 1 EGP, 2 incomplete. */
  origin?: number;
  med?: number;
  /** `high << 16 | low`. */
  communities?: readonly number[];
  /** Value of an attribute that no daemon knows (type 99, optional transitive). */
  unknown?: readonly number[];
}

/** Routes by prefix, as text. */
export type Routes = Map<string, Route>;

/** Prefix number i: 20.0.0.0/24 and on. */
export const prefixAt = (i: number): string => `${20 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.0/24`;
export const prefix6At = (i: number): string => `2a00:${i.toString(16)}::/32`;

function hash(...numbers: number[]): number {
  let h = 0x9e3779b9;
  for (const number of numbers) {
    h = Math.imul(h ^ number, 0x85ebca6b);
    h ^= h >>> 13;
  }
  return (h ^ (h >>> 16)) >>> 0;
}

/** Neighbours with different seeds have different paths for one prefix; one in eight ties on length. */
export function routeFor(as: number, seed: number, i: number): Route {
  const h = hash(seed, i);
  const hops = 1 + (h % 5);
  // Hops depend on groups of eight prefixes, so that attributes are shared as in a real table.
  const path = [as, ...Array.from({ length: hops }, (_, k) => 1000 + (hash(i >> 3, k, hops) % 20_000))];
  const route: Route = { path, origin: h & 64 ? 2 : 0 };
  if (h & 128) route.communities = [((as & 0xffff) << 16) | 100, (64_999 << 16) | (h >>> 24)].map((c) => c >>> 0);
  if ((h & 768) === 768) route.med = h & 15;
  if ((h & 15_360) === 15_360) route.unknown = [1, 2, 3, h & 255];
  return route;
}

export function tableOf(as: number, seed: number, from: number, to: number, prefix = prefixAt): Routes {
  const routes: Routes = new Map();
  for (let i = from; i < to; i++) routes.set(prefix(i), routeFor(as, seed, i));
  return routes;
}

/** Route attributes in the internal form, for a neighbour whose own address is `nextHop`. `partial`: as passed on by somebody. */
export function attributesOf(family: Family, route: Route, nextHop: string, partial = false): Uint8Array {
  const out = new ByteWriter(256);
  const header = (flags: number, type: number, length: number): void => {
    out.u8(flags);
    out.u8(type);
    out.u8(length);
  };
  header(0x40, 1, 1);
  out.u8(route.origin ?? 0);
  header(0x40, 2, 2 + 4 * route.path.length);
  out.u8(2);
  out.u8(route.path.length);
  for (const as of route.path) out.u32(as);
  const hop = parseAddress(nextHop)!;
  if (family === IPV4_UNICAST) {
    header(0x40, 3, 4);
    for (const byte of hop) out.u8(byte);
  }
  if (route.med !== undefined) {
    header(0x80, 4, 4);
    out.u32(route.med);
  }
  if (route.communities) {
    header(0xc0, 8, 4 * route.communities.length);
    for (const community of [...route.communities].sort((a, b) => a - b)) out.u32(community);
  }
  if (family !== IPV4_UNICAST) {
    header(0x80, 14, hop.length);
    for (const byte of hop) out.u8(byte);
  }
  if (route.unknown) {
    header(partial ? 0xe0 : 0xc0, 99, route.unknown.length);
    for (const byte of route.unknown) out.u8(byte);
  }
  return out.take();
}

/** The UPDATEs that announce these routes, packed. `nextHop` gives the neighbour's address for a family. */
export function announcements(routes: Routes, nextHop: (family: Family) => string, partial = false): Uint8Array {
  const table = new PrefixTable();
  const groups = new Map<string, { family: Family; route: Route; ids: number[] }>();
  for (const [prefix, route] of routes) {
    const id = table.parse(prefix);
    if (id === 0) throw new Error(`not a prefix: ${prefix}`);
    const family = table.family(id);
    const key = `${family} ${JSON.stringify(route)}`;
    const group = groups.get(key) ?? { family, route, ids: [] };
    groups.set(key, group);
    group.ids.push(id);
  }
  const out = new ByteWriter(1 << 16);
  const packer = new UpdatePacker(4096);
  for (const { family, route, ids } of groups.values()) {
    const attributes = attributesOf(family, route, nextHop(family), partial);
    packer.announce(family, attributes, table, Uint32Array.from(ids), 0, ids.length, out);
  }
  return out.take();
}

export function withdrawals(prefixes: Iterable<string>): Uint8Array {
  const table = new PrefixTable();
  const ids: [number[], number[]] = [[], []];
  for (const prefix of prefixes) {
    const id = table.parse(prefix);
    ids[table.family(id)].push(id);
  }
  const out = new ByteWriter(1 << 14);
  const packer = new UpdatePacker(4096);
  ([0, 1] as const).forEach((family) => {
    if (ids[family].length > 0)
      packer.withdraw(family, table, Uint32Array.from(ids[family]), 0, ids[family].length, out);
  });
  return out.take();
}

/** One neighbour's routes as seen by the decision process. */
export interface Candidate {
  routes: Routes;
  /** Dotted; the last tie-breaker. */
  routerId: string;
}

function better(a: { route: Route; routerId: string }, b: { route: Route; routerId: string }): boolean {
  if (a.route.path.length !== b.route.path.length) return a.route.path.length < b.route.path.length;
  const [left, right] = [a.route.origin ?? 0, b.route.origin ?? 0];
  if (left !== right) return left < right;
  // MED counts between routes of one neighbouring AS only; these tests give every neighbour its own.
  return number(a.routerId) < number(b.routerId);
}

const number = (dotted: string): number => dotted.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

/** The best routes as the router (AS `as`) has to announce them to an eBGP neighbour with AS `to`. */
export function expectedRoutes(candidates: readonly Candidate[], as: number, to: number): Routes {
  const best = new Map<string, { route: Route; routerId: string }>();
  for (const { routes, routerId } of candidates) {
    for (const [prefix, route] of routes) {
      const known = best.get(prefix);
      if (known === undefined || better({ route, routerId }, known)) best.set(prefix, { route, routerId });
    }
  }
  const expected: Routes = new Map();
  for (const [prefix, { route }] of best) {
    if (route.path.includes(to) || route.path.includes(as)) continue;
    // MED is for the neighbour that it was sent to, not for those behind it.
    expected.set(prefix, { ...route, med: undefined, path: [as, ...route.path] });
  }
  return expected;
}

/** The same as a table to compare a collector's with. */
export function expectedTable(routes: Routes, nextHop: (family: Family) => string): CollectedTable {
  const table = new CollectedTable();
  const bytes = announcements(routes, nextHop, true);
  for (let at = 0; at < bytes.length;) {
    const end = at + ((bytes[at + 16] << 8) | bytes[at + 17]);
    table.update(bytes, at, end, { as4: true, ebgp: true, families: 3 });
    at = end;
  }
  if (table.size !== routes.size) throw new Error(`routes that are not sound: ${[...table.faults.keys()].join('; ')}`);
  return table;
}
