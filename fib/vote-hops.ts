// What a replica's next hops mean as a vote. Daemons have different words for the same hop: on a point-to-point link FRR names the gateway and
// BIRD does not, and FRR says `onlink` of a gateway that is on the link anyway. Owns making the words the same; sets keep their ids.
import type { AttributeTable } from '../wire/attribute-table.js';
import type { Family } from '../wire/family.js';
import { IFF_POINTOPOINT, RTNH_F_ONLINK } from '../wire/netlink/constants.js';
import { RouteView } from '../wire/netlink/route.js';
import type { KernelMirror } from './kernel-mirror.js';
import { encodeHops, HOP_ONLINK, HopCursor, MAX_HOPS_LENGTH } from './next-hops.js';
import type { Resolver } from './resolver.js';

const UNKNOWN = 0;
const IPV6_LENGTH = 16;

export class VoteHops {
  private readonly hops: AttributeTable;
  private readonly links: KernelMirror['links'];
  private readonly resolver: Pick<Resolver, 'resolve'>;
  private meanings = new Uint32Array(256);
  private readonly view = new RouteView();
  private readonly cursor = new HopCursor();
  private readonly resolvedCursor = new HopCursor();
  private readonly out = new Uint8Array(MAX_HOPS_LENGTH);
  private readonly resolved = new Uint8Array(MAX_HOPS_LENGTH);

  constructor(hops: AttributeTable, mirror: Pick<KernelMirror, 'links'>, resolver: Pick<Resolver, 'resolve'>) {
    this.hops = hops;
    this.links = mirror.links;
    this.resolver = resolver;
  }

  /** The id of the set that set `id` is a vote for; mostly itself, and itself where the table of sets has no room for another. */
  meaning(id: number): number {
    if (id >= this.meanings.length) {
      const bigger = new Uint32Array(Math.max(id + 1, this.meanings.length * 2));
      bigger.set(this.meanings);
      this.meanings = bigger;
    }
    if (this.meanings[id] === UNKNOWN) this.meanings[id] = this.reword(id);
    return this.meanings[id];
  }

  /** Ids mean something else now (after a sweep), or links do. Votes already cast stay what they are until they change. */
  forget(): void {
    this.meanings.fill(UNKNOWN);
  }

  private reword(id: number): number {
    const { cursor, view } = this;
    const set = this.hops.get(id);
    view.clear();
    view.type = cursor.reset(set);
    let changed = false;
    while (cursor.next()) {
      const { ifindex, weight, gateway, flags } = cursor;
      const direct = this.isPointToPoint(ifindex);
      const onlink = (flags & HOP_ONLINK) !== 0 && !direct && !this.isOnLink(set);
      const length = direct ? 0 : cursor.gatewayLength;
      view.addHop(ifindex, weight, onlink ? RTNH_F_ONLINK : 0, set, gateway, length);
      changed ||= length !== cursor.gatewayLength || onlink !== ((flags & HOP_ONLINK) !== 0);
    }
    if (!changed) return id;
    const length = encodeHops(view, this.out);
    return length < 0 ? id : this.hops.intern(this.out, 0, length) || id;
  }

  private isPointToPoint(ifindex: number): boolean {
    return ((this.links.get(ifindex)?.flags ?? 0) & IFF_POINTOPOINT) !== 0;
  }

  /** Whether the kernel reaches the gateway under the cursor over that very link, without being told to believe it. */
  private isOnLink(set: Uint8Array): boolean {
    const { cursor, resolved, resolvedCursor } = this;
    const { gateway, gatewayLength, ifindex } = cursor;
    if (isLinkLocal(set, gateway, gatewayLength)) return true;
    const address = set.subarray(gateway, gateway + gatewayLength);
    const family: Family = gatewayLength === IPV6_LENGTH ? 1 : 0;
    resolvedCursor.reset(resolved, 0, this.resolver.resolve(family, address, resolved));
    while (resolvedCursor.next()) {
      if (resolvedCursor.ifindex !== ifindex || resolvedCursor.gatewayLength !== gatewayLength) continue;
      if (address.every((byte, i) => byte === resolved[resolvedCursor.gateway + i])) return true;
    }
    return false;
  }
}

/** fe80::/10: on every link. */
function isLinkLocal(set: Uint8Array, gateway: number, length: number): boolean {
  return length === IPV6_LENGTH && set[gateway] === 0xfe && (set[gateway + 1] & 0xc0) === 0x80;
}
