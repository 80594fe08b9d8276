// Which keys (table, metric, type of service) routes that are not the replica's own have for a prefix: what it may neither change nor
// delete. Nearly no BGP prefix has any, so the question costs one byte read; the answer is worked out again only where it may matter.
import { IPV6_UNICAST } from '../../wire/family.js';
import { NETLINK_HEADER } from '../../wire/netlink/message.js';
import { parseRoute, RouteView } from '../../wire/netlink/route.js';
import type { PrefixTable } from '../../wire/prefix-table.js';
import type { RoutePattern } from './key-rules.js';
import type { MirroredKernel } from './types.js';

interface ForeignKey {
  table: number;
  metric: number;
  tos: number;
  protocol: number;
}

export class ForeignKeys {
  private readonly kernels: readonly MirroredKernel[];
  private readonly prefixes: PrefixTable;
  private readonly view = new RouteView();
  private flags = new Uint8Array(1024);
  private keys = new Map<number, ForeignKey[]>();
  private stale = true;
  private built = false;

  constructor(kernels: readonly MirroredKernel[], prefixes: PrefixTable) {
    this.kernels = kernels;
    this.prefixes = prefixes;
  }

  /** The kernel's routes may be others altogether. */
  forget(): void {
    this.built = false;
  }

  /** A route of the real kernel came or went. */
  changed(message: Uint8Array): void {
    this.stale = true;
    const prefix = this.prefixOf(message);
    if (prefix !== 0) this.flag(prefix);
  }

  /** Whether a foreign route of the prefix may exist; false is certain. */
  maybe(prefix: number): boolean {
    if (!this.built) this.build();
    return prefix < this.flags.length && this.flags[prefix] !== 0;
  }

  /** Whether a foreign route of the prefix has this key. */
  has(prefix: number, table: number, tos: number, metric: number): boolean {
    return this.of(prefix).some((key) => key.table === table && key.tos === tos && key.metric === metric);
  }

  /** Whether a delete means (at least) one foreign route of the prefix. Next hops, scope and type are not looked at. */
  matches(prefix: number, pattern: RoutePattern): boolean {
    return this.of(prefix).some(
      (key) =>
        key.table === pattern.table &&
        key.tos === pattern.tos &&
        (pattern.metric === 0 || key.metric === pattern.metric) &&
        (pattern.protocol === 0 || key.protocol === pattern.protocol),
    );
  }

  /** Sets used[id] for every prefix id kept here. */
  mark(used: Uint8Array): void {
    for (let prefix = 1; prefix < this.flags.length; prefix++) if (this.flags[prefix] !== 0) used[prefix] = 1;
  }

  private of(prefix: number): readonly ForeignKey[] {
    if (!this.maybe(prefix)) return [];
    if (this.stale) this.build();
    return this.keys.get(prefix) ?? [];
  }

  private build(): void {
    this.built = true;
    this.stale = false;
    this.flags.fill(0);
    this.keys.clear();
    for (const kernel of this.kernels) {
      kernel.forEach('route', undefined, (message) => {
        const prefix = this.prefixOf(message);
        if (prefix === 0) return;
        this.flag(prefix);
        const { table, metric, tos, protocol, family } = this.view;
        const key = { table, metric, tos: family === IPV6_UNICAST ? 0 : tos, protocol };
        const list = this.keys.get(prefix);
        if (list) list.push(key);
        else this.keys.set(prefix, [key]);
      });
    }
  }

  /** Reads a route into the view; its prefix id, 0 when there is none. */
  private prefixOf(message: Uint8Array): number {
    const { view } = this;
    if (parseRoute(message, NETLINK_HEADER, message.length, view) !== undefined) return 0;
    return this.prefixes.intern(view.family, view.dst, 0, view.dstLen);
  }

  private flag(prefix: number): void {
    if (prefix >= this.flags.length) {
      const grown = new Uint8Array(Math.max(prefix + 1, this.flags.length * 2));
      grown.set(this.flags);
      this.flags = grown;
    }
    this.flags[prefix] = 1;
  }
}
