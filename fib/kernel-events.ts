// What the real kernel says, sorted: about our own routes (somebody removed or changed one) to the installer, all else to the mirror and
// from there to the replicas. Also knows what the kernel does not say: a link that is taken down loses its IPv4 routes in silence.
import type { AttributeTable } from '../wire/attribute-table.js';
import { IFF_UP, RTM_DELLINK, RTM_DELROUTE, RTM_NEWROUTE } from '../wire/netlink/constants.js';
import { parseRoute, RouteView } from '../wire/netlink/route.js';
import type { PrefixTable } from '../wire/prefix-table.js';
import { usesInterface } from './hop-classes.js';
import { UNKNOWN_HOPS } from './installer.js';
import type { Installer } from './installer.js';
import type { KernelMirror, MirrorChange } from './kernel-mirror.js';
import { encodeHops, MAX_HOPS_LENGTH } from './next-hops.js';

export interface KernelEventParts {
  mirror: KernelMirror;
  prefixes: PrefixTable;
  hops: AttributeTable;
  installer: Installer;
  changed(change: MirrorChange): void;
}

/** Offsets in a netlink message: its type, its payload; in ifinfomsg: the interface's index and flags. */
const TYPE_AT = 4;
const PAYLOAD_AT = 16;
const IFINDEX_AT = PAYLOAD_AT + 4;
const IFFLAGS_AT = PAYLOAD_AT + 8;

export class KernelEvents {
  /** Next hops may resolve differently now. */
  linksChanged = false;
  /** A gateway may be reachable that was not: what was refused is worth another try, all of it. */
  retryWanted = false;
  /** What we wrote may be gone without a word. */
  auditWanted = false;
  private readonly own: { table: number; protocol: number; metric: number };
  private readonly parts: KernelEventParts;
  private readonly view = new RouteView();
  private readonly scratch = new Uint8Array(MAX_HOPS_LENGTH);

  constructor(own: { table: number; protocol: number; metric: number }, parts: KernelEventParts) {
    this.own = own;
    this.parts = parts;
  }

  message(buf: Uint8Array, start: number, end: number, now: number): void {
    if (end - start < PAYLOAD_AT) return;
    const type = buf[start + TYPE_AT] | (buf[start + TYPE_AT + 1] << 8);
    const isRoute =
      (type === RTM_NEWROUTE || type === RTM_DELROUTE) &&
      parseRoute(buf, start + PAYLOAD_AT, end, this.view) === undefined;
    if (isRoute) this.ownRoute(type, now);
    const change = this.parts.mirror.apply(buf, start, end);
    if (change === undefined) return;
    if (change.kind === 'link') this.linkChanged(change.message, now);
    if (change.kind === 'link' || change.kind === 'address') {
      this.linksChanged = true;
      this.retryWanted = true;
      this.auditWanted = true;
    } else if (isRoute) this.foreignRouteChanged(type);
    this.parts.changed(change);
  }

  /**
   * Somebody else's routes change all the time on some machines, and half a million refused ones must not be tried again for each: only
   * for one that may make gateways reachable, and the one that was in the way.
   */
  private foreignRouteChanged(type: number): void {
    const { view, own, parts } = this;
    this.linksChanged = true;
    if (view.hopCount > 0 && view.hopGatewayLength[0] === 0) this.retryWanted = true;
    if (type !== RTM_DELROUTE || view.table !== own.table || view.metric !== own.metric) return;
    const prefix = parts.prefixes.find(view.family, view.dst, 0, view.dstLen);
    if (prefix !== 0) parts.installer.retry(prefix);
  }

  /** The route that was parsed last. */
  private ownRoute(type: number, now: number): void {
    const { view, own, parts } = this;
    // With a TOS it has another key than ours, whatever else it says.
    if (view.table !== own.table || view.metric !== own.metric || view.tos !== 0) return;
    const ours = view.protocol === own.protocol;
    // A route of somebody else under our key: it replaced ours (the kernel announces only the new one), or ours went unnoticed before.
    // Should both be there, the next write of ours fails and a dump tells.
    if (!ours && type !== RTM_NEWROUTE) return;
    const prefix = parts.prefixes.find(view.family, view.dst, 0, view.dstLen);
    if (prefix === 0) {
      this.auditWanted ||= ours && type === RTM_NEWROUTE;
      return;
    }
    let hops = 0;
    if (ours && type === RTM_NEWROUTE) {
      const length = encodeHops(view, this.scratch);
      hops = (length > 0 && parts.hops.intern(this.scratch, 0, length)) || UNKNOWN_HOPS;
    }
    parts.installer.external(prefix, hops, now);
  }

  private linkChanged(message: Uint8Array, now: number): void {
    if (message.length < IFFLAGS_AT + 4) return;
    const word = (at: number): number =>
      (message[at] | (message[at + 1] << 8) | (message[at + 2] << 16) | (message[at + 3] << 24)) >>> 0;
    const gone = (message[TYPE_AT] | (message[TYPE_AT + 1] << 8)) === RTM_DELLINK;
    if (!gone && (word(IFFLAGS_AT) & IFF_UP) !== 0) return;
    const { installer, prefixes, hops } = this.parts;
    const ifindex = word(IFINDEX_AT);
    for (let prefix = 1; prefix < prefixes.limit; prefix++) {
      const installed = installer.installedHops(prefix);
      if (installed === 0 || installed === UNKNOWN_HOPS) continue;
      if (usesInterface(hops.get(installed), ifindex)) installer.lost(prefix, now);
    }
  }
}
