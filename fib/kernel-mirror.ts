// What the real kernel knows besides our own routes: links, addresses, routes of others, rules, neighbours, per-interface settings; kept as the
// kernel's own messages, so that a replica's virtual kernel can hand them on. Owns being up to date with the messages it is given; who asks the
// kernel, and when anew, is hypervisor/fib/kernel/.
import { IPV4_UNICAST } from '../wire/family.js';
import type { Family } from '../wire/family.js';
import { decodeAddress } from '../wire/netlink/address.js';
import {
  AF_INET,
  AF_UNSPEC,
  familyOfAf,
  IFF_UP,
  IFLA_WIRELESS,
  NLM_F_REPLACE,
  RTM_F_CLONED,
} from '../wire/netlink/constants.js';
import { RTM_DELADDR, RTM_DELLINK, RTM_DELNEIGH, RTM_DELNETCONF, RTM_DELROUTE } from '../wire/netlink/constants.js';
import { RTM_DELRULE, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWNEIGH, RTM_NEWNETCONF } from '../wire/netlink/constants.js';
import { RTM_NEWROUTE, RTM_NEWRULE } from '../wire/netlink/constants.js';
import { decodeLink, isLinkUp } from '../wire/netlink/link.js';
import type { Link } from '../wire/netlink/link.js';
import { AttributeCursor, NETLINK_HEADER, readU16 } from '../wire/netlink/message.js';
import { parseRoute, RouteView } from '../wire/netlink/route.js';
import { ForeignRoutes } from './foreign-routes.js';
import type { ForeignRoute } from './foreign-routes.js';
import { BODY_LENGTH, sameRange } from './mirror-content.js';
import type { MirrorKind } from './mirror-content.js';
import { copyMessage, deletionOf, withFlags } from './mirror-message.js';
import { mergeNetconf, MirrorStore } from './mirror-store.js';

export type { MirrorKind } from './mirror-content.js';

/** Something changed in the real kernel. `message` is one whole netlink message (RTM_NEW… or RTM_DEL…), as it is to be pushed on. */
export interface MirrorChange {
  kind: MirrorKind;
  action: 'new' | 'del';
  message: Uint8Array;
}

/** How much is kept; what is beyond is not mirrored, and counted in `dropped`. */
export interface MirrorLimits {
  links: number;
  addresses: number;
  routes: number;
  rules: number;
  neighbors: number;
  netconfs: number;
}

export const MIRROR_LIMITS: MirrorLimits = {
  links: 16_384,
  addresses: 65_536,
  routes: 200_000,
  rules: 16_384,
  neighbors: 65_536,
  netconfs: 65_536,
};

export interface MirrorOptions {
  /** rtm_protocol of our own routes, which are never in the mirror. */
  protocol: number;
  limits?: Partial<MirrorLimits>;
}

interface MessageKind {
  kind: MirrorKind;
  action: 'new' | 'del';
}

const KINDS = new Map<number, MessageKind>([
  [RTM_NEWLINK, { kind: 'link', action: 'new' }],
  [RTM_DELLINK, { kind: 'link', action: 'del' }],
  [RTM_NEWADDR, { kind: 'address', action: 'new' }],
  [RTM_DELADDR, { kind: 'address', action: 'del' }],
  [RTM_NEWROUTE, { kind: 'route', action: 'new' }],
  [RTM_DELROUTE, { kind: 'route', action: 'del' }],
  [RTM_NEWRULE, { kind: 'rule', action: 'new' }],
  [RTM_DELRULE, { kind: 'rule', action: 'del' }],
  [RTM_NEWNEIGH, { kind: 'neighbor', action: 'new' }],
  [RTM_DELNEIGH, { kind: 'neighbor', action: 'del' }],
  [RTM_NEWNETCONF, { kind: 'netconf', action: 'new' }],
  [RTM_DELNETCONF, { kind: 'netconf', action: 'del' }],
]);

/** Offsets in a whole message. */
const TYPE_AT = 4;
const FLAGS_AT = 6;
const PROTOCOL_AT = NETLINK_HEADER + 5;
const ROUTE_FLAGS_AT = NETLINK_HEADER + 8;

export class KernelMirror {
  /** By interface index. */
  readonly links = new Map<number, Link>();
  /** Messages that found no room (`limits`). */
  dropped = 0;
  /** Messages that could not be read: the kernel speaks otherwise than we know. */
  malformed = 0;
  private readonly protocol: number;
  private readonly routes: ForeignRoutes;
  private readonly stores: Readonly<Record<Exclude<MirrorKind, 'route'>, MirrorStore>>;
  private readonly view = new RouteView();
  private readonly cursor = new AttributeCursor();
  private generation = 0;
  private resyncing = false;

  constructor(options: MirrorOptions) {
    const limits = { ...MIRROR_LIMITS, ...options.limits };
    this.protocol = options.protocol;
    this.routes = new ForeignRoutes(limits.routes);
    this.stores = {
      link: new MirrorStore('link', limits.links),
      address: new MirrorStore('address', limits.addresses),
      rule: new MirrorStore('rule', limits.rules),
      neighbor: new MirrorStore('neighbor', limits.neighbors),
      netconf: new MirrorStore('netconf', limits.netconfs),
    };
  }

  /** Routes of others that are mirrored. */
  get routeCount(): number {
    return this.routes.size;
  }

  /**
   * Takes one netlink message start..end of the kernel, an event or a part of a dump. Returns what changed by it; undefined when nothing did
   * that matters to a replica, and for what is not mirrored: own routes, cached routes, bridge ports. During a resync, changes of routes are
   * held back until `endResync`.
   */
  apply(buf: Uint8Array, start: number, end: number): MirrorChange | undefined {
    if (end - start < NETLINK_HEADER) return undefined;
    const what = KINDS.get(readU16(buf, start + TYPE_AT));
    if (what === undefined) return undefined;
    if (end - start < NETLINK_HEADER + BODY_LENGTH[what.kind]) {
      this.malformed++;
      return undefined;
    }
    if (what.kind === 'route') return this.applyRoute(what, buf, start, end);
    const family = buf[start + NETLINK_HEADER];
    const mirrored = what.kind === 'link' ? family === AF_UNSPEC : familyOfAf(family) !== undefined;
    if (!mirrored) return undefined;
    const message = copyMessage(buf, start, end);
    return what.kind === 'link' ? this.applyLink(what, message) : this.applyOther(what, message);
  }

  /** Whether packets can leave by an interface. */
  isUp(ifindex: number): boolean {
    const link = this.links.get(ifindex);
    return link !== undefined && isLinkUp(link.flags);
  }

  /** The interface's name; `if7` for one that is not known. */
  linkName(ifindex: number): string {
    return this.links.get(ifindex)?.name ?? `if${ifindex}`;
  }

  /**
   * Visits the whole messages (RTM_NEW…) of a kind; `family` undefined: all. Their header flags, sequence number and port id mean nothing any
   * more. A visited message is never modified afterwards.
   */
  forEach(kind: MirrorKind, family: Family | undefined, visit: (message: Uint8Array) => void): void {
    if (kind === 'route') this.routes.forEach(family, visit);
    else this.stores[kind].forEach(kind === 'link' ? undefined : family, visit);
  }

  /** The routes of others to exactly this destination in a table, in the order in which the kernel takes them among equals of metric. */
  routesTo(family: Family, table: number, address: Uint8Array, bits: number): readonly ForeignRoute[] | undefined {
    return this.routes.at(family, table, address, bits);
  }

  /** From here to `endResync` everything that the kernel has is applied anew. */
  beginResync(): void {
    this.generation++;
    this.resyncing = true;
  }

  /**
   * What the resync did not see again is gone. Returns the changes that `apply` did not: what went, and then the routes that came: a daemon takes
   * it that routes go with their link or address, and would drop what is told before.
   */
  endResync(): MirrorChange[] {
    const changes: MirrorChange[] = [];
    const came: MirrorChange[] = [];
    this.resyncing = false;
    this.routes.settle(this.generation, (gone, added, replaced) => {
      const flags = replaced ? NLM_F_REPLACE : 0;
      if (!replaced) {
        for (const { message } of gone) changes.push({ kind: 'route', action: 'del', message: deletionOf(message) });
      }
      for (const { message } of added) came.push({ kind: 'route', action: 'new', message: withFlags(message, flags) });
    });
    for (const kind of ['rule', 'neighbor', 'netconf', 'address', 'link'] as const) {
      for (const message of this.stores[kind].settle(this.generation)) {
        changes.push({ kind, action: 'del', message: deletionOf(message) });
        if (kind === 'link') this.forgetLink(message);
      }
    }
    return [...changes, ...came];
  }

  private applyRoute(what: MessageKind, buf: Uint8Array, start: number, end: number): MirrorChange | undefined {
    // Our own writes come by here at full speed: nothing is parsed for them.
    if (buf[start + PROTOCOL_AT] === this.protocol) return undefined;
    const routeFlags = readU16(buf, start + ROUTE_FLAGS_AT);
    if (familyOfAf(buf[start + NETLINK_HEADER]) === undefined || (routeFlags & RTM_F_CLONED) !== 0) return undefined;
    if (parseRoute(buf, start + NETLINK_HEADER, end, this.view) !== undefined) {
      this.malformed++;
      return undefined;
    }
    const flags = readU16(buf, start + FLAGS_AT);
    const message = copyMessage(buf, start, end);
    const { routes, view, generation, resyncing } = this;
    const effect =
      what.action === 'new' ? routes.add(view, message, flags, generation, resyncing) : routes.remove(view);
    if (effect === 'full') this.dropped++;
    if (effect === 'full' || effect === 'known' || (effect === 'new' && resyncing)) return undefined;
    return { kind: 'route', action: what.action, message };
  }

  private applyLink(what: MessageKind, message: Uint8Array): MirrorChange | undefined {
    const link = decodeLink(message, NETLINK_HEADER, message.length);
    if (typeof link === 'string') {
      this.malformed++;
      return undefined;
    }
    // A wireless event says of a link only that.
    if (this.hasAttribute(message, BODY_LENGTH.link, IFLA_WIRELESS)) return undefined;
    const change = this.applyOther(what, message);
    if (what.action === 'del') this.links.delete(link.index);
    else if (this.stores.link.has(message)) this.links.set(link.index, link);
    // The kernel does not tell which IPv4 routes go with a link, nor do we: a replica concludes it from the link like any routing daemon.
    if (what.action === 'del') this.routes.dropDead((ifindex) => ifindex === link.index, true);
    else if ((link.flags & IFF_UP) === 0) this.routes.dropDead((ifindex) => !this.isSwitchedOn(ifindex), false);
    return change;
  }

  private applyOther(what: MessageKind, message: Uint8Array): MirrorChange | undefined {
    const kind = what.kind as Exclude<MirrorKind, 'route'>;
    const store = this.stores[kind];
    if (what.action === 'del') {
      if (!store.remove(message)) return undefined;
      if (kind === 'address') this.addressGone(message);
      return { kind, action: 'del', message };
    }
    // Events of netconf carry only the setting that changed.
    const old = kind === 'netconf' ? store.find(message) : undefined;
    const effect = store.put(old === undefined ? message : mergeNetconf(old, message), this.generation);
    if (effect === 'full') this.dropped++;
    return effect === 'new' ? { kind, action: 'new', message } : undefined;
  }

  /** The IPv4 routes that go in silence with an address. */
  private addressGone(message: Uint8Array): void {
    const gone = decodeAddress(message, NETLINK_HEADER, message.length);
    if (typeof gone === 'string' || gone.family !== AF_INET) return;
    let lastOfLink = true;
    let lastOfItsKind = true;
    this.stores.address.forEach(IPV4_UNICAST, (other) => {
      const kept = decodeAddress(other, NETLINK_HEADER, other.length);
      if (typeof kept === 'string') return;
      if (kept.index === gone.index) lastOfLink = false;
      if (sameRange(kept.local, 0, gone.local, 0, gone.local.length)) lastOfItsKind = false;
    });
    if (lastOfLink) this.routes.dropDead((ifindex) => ifindex === gone.index, true);
    if (lastOfItsKind) this.routes.dropSource(gone.local);
  }

  private isSwitchedOn(ifindex: number): boolean {
    return ((this.links.get(ifindex)?.flags ?? 0) & IFF_UP) !== 0;
  }

  private hasAttribute(message: Uint8Array, body: number, type: number): boolean {
    this.cursor.reset(message, NETLINK_HEADER + body, message.length);
    while (this.cursor.next()) if (this.cursor.type === type) return true;
    return false;
  }

  private forgetLink(message: Uint8Array): void {
    const link = decodeLink(message, NETLINK_HEADER, message.length);
    if (typeof link !== 'string') this.links.delete(link.index);
  }
}
