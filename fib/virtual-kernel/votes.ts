// The replica's votes: what its routes say, altered by an injected fault. Owns what was last reported for each prefix, so that every report
// is a change; which route counts is own-routes.ts.
import { parseAddress } from '../../wire/ip.js';
import type { AttributeTable } from '../../wire/attribute-table.js';
import { HopCursor } from '../../wire/netlink/next-hop-set.js';
import type { Injection } from './types.js';

const INITIAL = 1024;

export class Votes {
  injection: Injection | undefined;
  private readonly hopTable: AttributeTable;
  private readonly report: (prefix: number, hops: number) => void;
  private cast = new Uint32Array(INITIAL);
  /** The injected gateway's bytes. */
  private gateway: Uint8Array | undefined;
  private altered = new Map<number, number>();

  constructor(hopTable: AttributeTable, report: (prefix: number, hops: number) => void) {
    this.hopTable = hopTable;
    this.report = report;
  }

  /** Prefix ids with votes are below this. */
  get limit(): number {
    return this.cast.length;
  }

  /** The replica's route to the prefix goes by `hops` now (0: there is none). */
  set(prefix: number, hops: number): void {
    const vote = this.injection === undefined ? hops : this.alter(prefix, hops);
    if (prefix >= this.cast.length) {
      if (vote === 0) return;
      this.grow(prefix);
    }
    if (this.cast[prefix] === vote) return;
    this.cast[prefix] = vote;
    this.report(prefix, vote);
  }

  /** Takes back every vote, but for one that is injected. */
  revoke(): void {
    for (let prefix = 1; prefix < this.cast.length; prefix++) if (this.cast[prefix] !== 0) this.set(prefix, 0);
  }

  /** Begins or ends a fault. The caller sets all votes anew afterwards. */
  inject(injection: Injection | undefined): void {
    this.injection = injection;
    this.gateway = injection?.kind === 'gateway' ? parseAddress(injection.address) : undefined;
    this.altered = new Map();
  }

  /** Sets used[id] for prefixes and next-hop sets that were voted for. */
  mark(prefixes: Uint8Array | undefined, hops: Uint8Array | undefined): void {
    const { injection } = this;
    for (let prefix = 1; prefix < this.cast.length; prefix++) {
      const vote = this.cast[prefix];
      if (vote === 0) continue;
      if (prefixes !== undefined) prefixes[prefix] = 1;
      if (hops !== undefined) hops[vote] = 1;
    }
    if (injection?.prefix !== undefined && prefixes !== undefined) prefixes[injection.prefix] = 1;
    if (injection?.kind === 'extra' && hops !== undefined) hops[injection.hops] = 1;
    if (hops !== undefined) this.altered.clear();
  }

  private alter(prefix: number, hops: number): number {
    const injection = this.injection!;
    if (injection.prefix !== undefined && injection.prefix !== prefix) return hops;
    if (injection.kind === 'drop') return 0;
    if (injection.kind === 'extra') return injection.hops;
    return injection.kind === 'gateway' && hops !== 0 ? this.otherGateway(hops) : hops;
  }

  private otherGateway(hops: number): number {
    let other = this.altered.get(hops);
    if (other !== undefined) return other;
    const bytes = this.hopTable.get(hops).slice();
    const cursor = new HopCursor();
    cursor.reset(bytes);
    while (cursor.next()) {
      if (cursor.gatewayLength === this.gateway?.length) bytes.set(this.gateway, cursor.gateway);
    }
    other = this.hopTable.intern(bytes, 0, bytes.length);
    this.altered.set(hops, other);
    return other;
  }

  private grow(prefix: number): void {
    const grown = new Uint32Array(Math.max(prefix + 1, this.cast.length * 2));
    grown.set(this.cast);
    this.cast = grown;
  }
}
