// The routes of the real kernel that are not ours: whole messages, found by destination. Owns the keys of Linux's tables (several routes of
// one destination differ in metric, TOS, or just in their hops) and what its events leave to be inferred.
import { FAMILIES, IPV4_UNICAST } from '../wire/family.js';
import type { Family } from '../wire/family.js';
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_MULTI, NLM_F_REPLACE } from '../wire/netlink/constants.js';
import { RTA_PREFSRC, RTN_LOCAL, RTN_UNICAST } from '../wire/netlink/constants.js';
import { NETLINK_HEADER } from '../wire/netlink/message.js';
import { HopCursor, MAX_HOPS_LENGTH } from '../wire/netlink/next-hop-set.js';
import { parseRoute, RouteView } from '../wire/netlink/route.js';
import { sameContent, sameRange } from './mirror-content.js';
import { encodeHops } from './next-hops.js';
import { findAttribute, withoutHop } from './route-message.js';

export interface ForeignRoute {
  /** The whole message, RTM_NEWROUTE. Never modified. */
  message: Uint8Array;
  metric: number;
  tos: number;
  /** Bits of a source prefix (IPv6 only): the route is not for everybody. */
  srcLen: number;
  /** Next-hop set, its first byte the route's type whatever that is. */
  hops: Uint8Array;
  /** The resync that saw it last. */
  seen: number;
  /** Came with the resync under way and has not been told yet. */
  untold: boolean;
}

/** What a message did: `known` is nothing that matters, `full` that there is no room for it. */
export type RouteEffect = 'known' | 'new' | 'gone' | 'full';

export class ForeignRoutes {
  size = 0;
  private readonly limit: number;
  private readonly lists: readonly [Map<string, ForeignRoute[]>, Map<string, ForeignRoute[]>] = [new Map(), new Map()];
  /** For each family and table: how many destinations there are of each length. */
  private readonly lengths: readonly [Map<number, Uint32Array>, Map<number, Uint32Array>] = [new Map(), new Map()];
  private readonly scratch = new Uint8Array(MAX_HOPS_LENGTH);
  private readonly view = new RouteView();

  constructor(limit: number) {
    this.limit = limit;
  }

  /** RTM_NEWROUTE: `message` is kept, `flags` are NLM_F_* (NLM_F_MULTI: out of a dump). `resync`: told by `settle`, not by the caller. */
  add(view: RouteView, message: Uint8Array, flags: number, seen: number, resync: boolean): RouteEffect {
    const key = keyOf(view.table, view.dst, view.dstLen, view.family);
    const list = this.lists[view.family].get(key) ?? [];
    const hops = this.hopsOf(view);
    const old = list.findIndex((route) => sameKey(route, view) && sameBytes(route.hops, hops));
    const added: ForeignRoute = {
      message,
      metric: view.metric,
      tos: view.tos,
      srcLen: view.srcLen,
      hops,
      seen,
      untold: resync,
    };
    if (old >= 0) {
      const known = sameContent('route', list[old].message, message);
      added.untold = list[old].untold || (resync && !known);
      list[old] = added;
      return known ? 'known' : 'new';
    }
    if ((flags & NLM_F_REPLACE) !== 0) this.dropReplaced(view, key, list, hops);
    else if (view.family !== IPV4_UNICAST && (flags & NLM_F_MULTI) === 0) this.dropJoined(view, key, list, hops);
    if (this.size >= this.limit) return 'full';
    // Linux puts a new route before those of the same key, unless it is appended.
    const first = list.findIndex((route) => sameKey(route, view));
    const before = (flags & (NLM_F_CREATE | NLM_F_APPEND)) === NLM_F_CREATE && first >= 0;
    list.splice(before ? first : list.length, 0, added);
    if (list.length === 1) this.enter(view, key, list);
    this.size++;
    return 'new';
  }

  /** RTM_DELROUTE, as the kernel announces it: with everything that the route had. */
  remove(view: RouteView): RouteEffect {
    const key = keyOf(view.table, view.dst, view.dstLen, view.family);
    const list = this.lists[view.family].get(key);
    if (list === undefined) return 'known';
    const hops = this.hopsOf(view);
    const at = list.findIndex((route) => sameKey(route, view) && sameBytes(route.hops, hops));
    if (at >= 0) {
      this.drop(view, key, list, at);
      return 'gone';
    }
    // One hop of an IPv6 route with several goes by itself.
    const several = list.find((route) => sameKey(route, view) && includesHops(route.hops, hops));
    if (several === undefined) return 'known';
    several.message = withoutHop(
      several.message,
      view.hopIfindex[0],
      view.hopGateways.subarray(0, view.hopGatewayLength[0]),
    );
    parseRoute(several.message, NETLINK_HEADER, several.message.length, view);
    several.hops = this.hopsOf(view);
    return 'gone';
  }

  /**
   * What IPv4 loses in silence: the routes whose hops are all dead. Local ones stay as long as their link exists, wherever it is down; with
   * `force` they go as well.
   */
  dropDead(isDead: (ifindex: number) => boolean, force: boolean): void {
    const { view } = this;
    this.dropWhere((message) => {
      if (parseRoute(message, NETLINK_HEADER, message.length, view) !== undefined) return false;
      if (view.hopCount === 0 || (view.type === RTN_LOCAL && !force)) return false;
      for (let i = 0; i < view.hopCount; i++) if (!isDead(view.hopIfindex[i])) return false;
      return true;
    });
  }

  /** What IPv4 loses, in silence before Linux 6.7, with one of the router's addresses: the routes that send from it. */
  dropSource(address: Uint8Array): void {
    this.dropWhere((message) => {
      const source = findAttribute(message, RTA_PREFSRC);
      return source !== undefined && sameBytes(source, address);
    });
  }

  /** The routes to exactly this destination in a table, best first among equals of metric; undefined for none. */
  at(family: Family, table: number, address: Uint8Array, bits: number): readonly ForeignRoute[] | undefined {
    const count = this.lengths[family].get(table)?.[bits] ?? 0;
    return count === 0 ? undefined : this.lists[family].get(keyOf(table, address, bits, family));
  }

  forEach(family: Family | undefined, visit: (message: Uint8Array) => void): void {
    for (const each of FAMILIES) {
      if (family !== undefined && each !== family) continue;
      for (const list of this.lists[each].values()) for (const route of list) visit(route.message);
    }
  }

  /**
   * Ends a resync: what it did not see goes. `visit` gets each destination's routes that went and that are untold; `replaced`: one route went, one
   * came in its place, and there is no other that a replacement could be taken to mean.
   */
  settle(seen: number, visit: (gone: ForeignRoute[], added: ForeignRoute[], replaced: boolean) => void): void {
    for (const family of FAMILIES) {
      for (const [key, list] of this.lists[family]) {
        const gone = list.filter((route) => route.seen !== seen);
        const added = list.filter((route) => route.untold);
        if (gone.length === 0 && added.length === 0) continue;
        for (const route of added) route.untold = false;
        const kept = list.filter((route) => route.seen === seen);
        this.size -= gone.length;
        if (kept.length > 0) this.lists[family].set(key, kept);
        else this.leave(family, key);
        const lone = gone.length === 1 && added.length === 1 && kept.length === 1;
        visit(gone, added, lone && gone[0].metric === added[0].metric && gone[0].tos === added[0].tos);
      }
    }
  }

  /**
   * A route that replaces another one is announced alone. IPv4 replaces the first one of the key; IPv6 the first one that has a gateway as the
   * new one has, or has none either, and only without such the first one.
   */
  private dropReplaced(view: RouteView, key: string, list: ForeignRoute[], hops: Uint8Array): void {
    const first = list.findIndex((route) => sameKey(route, view));
    if (first < 0) return;
    const like = list.findIndex((route) => sameKey(route, view) && hasGateway(route.hops) === hasGateway(hops));
    this.drop(view, key, list, view.family === IPV4_UNICAST || like < 0 ? first : like);
  }

  /** An IPv6 route that joins others of its key as one more hop is announced with all of them. */
  private dropJoined(view: RouteView, key: string, list: ForeignRoute[], hops: Uint8Array): void {
    if (hopCount(hops) < 2) return;
    for (let at = list.length - 1; at >= 0; at--) {
      if (sameKey(list[at], view) && includesHops(hops, list[at].hops)) this.drop(view, key, list, at);
    }
  }

  private dropWhere(goes: (message: Uint8Array) => boolean): void {
    for (const [key, list] of this.lists[IPV4_UNICAST]) {
      const kept = list.filter(({ message }) => !goes(message));
      if (kept.length === list.length) continue;
      this.size -= list.length - kept.length;
      if (kept.length > 0) this.lists[IPV4_UNICAST].set(key, kept);
      else this.leave(IPV4_UNICAST, key);
    }
  }

  private drop(view: RouteView, key: string, list: ForeignRoute[], at: number): void {
    list.splice(at, 1);
    this.size--;
    if (list.length === 0) this.leave(view.family, key);
  }

  private enter(view: RouteView, key: string, list: ForeignRoute[]): void {
    this.lists[view.family].set(key, list);
    let counts = this.lengths[view.family].get(view.table);
    if (counts === undefined) this.lengths[view.family].set(view.table, (counts = new Uint32Array(129)));
    counts[view.dstLen]++;
  }

  private leave(family: Family, key: string): void {
    this.lists[family].delete(key);
    const [table, bits] = key.split('/', 2).map(Number);
    const counts = this.lengths[family].get(table);
    if (counts !== undefined) counts[bits]--;
  }

  private hopsOf(view: RouteView): Uint8Array {
    const { type } = view;
    // Local, broadcast and other routes have hops like unicast ones.
    let length = encodeHops(view, this.scratch);
    if (length < 0) {
      view.type = RTN_UNICAST;
      length = Math.max(encodeHops(view, this.scratch), 2);
      view.type = type;
      this.scratch[0] = type;
    }
    return this.scratch.slice(0, length);
  }
}

/** `table/bits/address`, the address as characters, host bits cleared. */
function keyOf(table: number, address: Uint8Array, bits: number, family: Family): string {
  const length = Math.min((bits + 7) >> 3, family === IPV4_UNICAST ? 4 : 16);
  let text = `${table}/${bits}/`;
  for (let i = 0; i < length; i++) {
    const last = i === length - 1 && (bits & 7) !== 0;
    text += String.fromCharCode(last ? address[i] & (0xff << (8 - (bits & 7))) : address[i]);
  }
  return text;
}

function sameKey(route: ForeignRoute, view: RouteView): boolean {
  return route.metric === view.metric && route.tos === view.tos && route.srcLen === view.srcLen;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && sameRange(a, 0, b, 0, a.length);
}

function hopCount(hops: Uint8Array): number {
  return hops.length > 1 ? hops[1] : 0;
}

const outer = new HopCursor();
const inner = new HopCursor();

function hasGateway(hops: Uint8Array): boolean {
  inner.reset(hops);
  return inner.next() && inner.gatewayLength > 0;
}

/** Whether every hop of `few` is in `many`, weights apart, and the types agree. */
function includesHops(many: Uint8Array, few: Uint8Array): boolean {
  if (inner.reset(few) !== many[0] || hopCount(few) >= hopCount(many)) return false;
  while (inner.next()) {
    let found = false;
    outer.reset(many);
    while (!found && outer.next()) found = sameHop();
    if (!found) return false;
  }
  return true;
}

function sameHop(): boolean {
  return (
    outer.ifindex === inner.ifindex &&
    outer.gatewayLength === inner.gatewayLength &&
    sameRange(outer.buf, outer.gateway, inner.buf, inner.gateway, inner.gatewayLength)
  );
}
