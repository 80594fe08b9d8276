// What becomes of a replica's route writes: read, checked as Linux would, kept, and turned into votes. Owns how those parts work together,
// the injected refusals, and the loss of routes whose links go.
import { IPV4_UNICAST } from '../../wire/family.js';
import type { Family } from '../../wire/family.js';
import { EEXIST, EINVAL, ENOBUFS, EOPNOTSUPP, EPERM, ESRCH, familyOfAf } from '../../wire/netlink/constants.js';
import { IFF_UP, NLM_F_EXCL } from '../../wire/netlink/constants.js';
import { NETLINK_HEADER, readU32 } from '../../wire/netlink/message.js';
import type { PrefixTable } from '../../wire/prefix-table.js';
import type { DumpParts } from './dump.js';
import { ForeignKeys } from './foreign-keys.js';
import { OwnRoutes } from './own-routes.js';
import { Reachability } from './reachability.js';
import { RouteBodies } from './route-bodies.js';
import { RoutePlans } from './route-plans.js';
import type { RoutePlan } from './route-plans.js';
import type { KernelLimits, MirrorChange, MirroredKernel, Refusal, VirtualKernelOptions } from './types.js';
import { Votes } from './votes.js';

export class OwnTable {
  readonly routes: OwnRoutes;
  readonly bodies: RouteBodies;
  readonly dumpParts: DumpParts;
  /** Why the request before was refused, for the extended acknowledgement; undefined when there is nothing to add to the errno. */
  reason: string | undefined;
  foreignConflicts = 0;
  flushed = 0;
  private readonly kernels: readonly MirroredKernel[];
  private readonly prefixes: PrefixTable;
  private readonly reachability: Reachability;
  private readonly plans: RoutePlans;
  private readonly foreign: ForeignKeys;
  private readonly votes: Votes;
  private refusal: Refusal | undefined;
  private written = 0;

  constructor(options: VirtualKernelOptions, kernels: readonly MirroredKernel[], limits: KernelLimits) {
    this.kernels = kernels;
    this.prefixes = options.prefixes;
    this.bodies = new RouteBodies(options.bodies, options.hops);
    this.routes = new OwnRoutes(this.bodies, limits);
    this.reachability = new Reachability(kernels);
    this.plans = new RoutePlans(this.bodies, this.reachability);
    this.foreign = new ForeignKeys(kernels, this.prefixes);
    this.votes = new Votes((prefix, hops) => options.sink.route(prefix, hops));
    const { prefixes, routes, bodies } = this;
    this.dumpParts = { prefixes, routes, bodies, bodyTable: options.bodies };
  }

  get refuses(): boolean {
    return this.refusal !== undefined;
  }

  /** RTM_NEWROUTE (`write`) or RTM_DELROUTE with the body payload..end. Returns an errno, 0 for success. */
  request(write: boolean, buf: Uint8Array, payload: number, end: number, flags: number): number {
    this.reason = undefined;
    if (familyOfAf(buf[payload]) === undefined) return EOPNOTSUPP;
    const plan = this.plans.plan(buf, payload, end, write);
    if (plan.malformed !== undefined) return this.refuse(plan.malformed.errno, plan.malformed.text);
    const prefix = this.destination(plan.family);
    if (prefix < 0) return this.refuse(EINVAL, 'Invalid prefix for given prefix length');
    if (prefix === 0) return this.refuse(ENOBUFS, 'Too many prefixes');
    const injected = this.refusal === undefined ? 0 : this.refused(this.refusal, prefix);
    if (injected !== 0) return injected;
    const error = write ? this.write(plan, prefix, flags) : this.delete(plan, prefix);
    this.votes.set(prefix, this.routes.votedHops(prefix));
    return error;
  }

  /** From now on writes are refused; undefined ends it. */
  refuseWrites(refusal: Refusal | undefined): void {
    this.refusal = refusal;
    this.written = 0;
  }

  /** Whether the replica has routes of the family in a routing table. */
  hasTable(family: Family, table: number): boolean {
    const has = (body: number) => this.bodies.routingTable(body) === table;
    const limit = Math.min(this.routes.limit, this.prefixes.limit);
    for (let prefix = 1; prefix < limit; prefix++) {
      if (!this.routes.has(prefix) || this.prefixes.family(prefix) !== family) continue;
      const single = this.routes.single(prefix);
      if (single !== 0 ? has(single) : this.routes.several(prefix)!.some(has)) return true;
    }
    return false;
  }

  forEach(visit: (prefix: number, hops: number) => void): void {
    for (let prefix = 1; prefix < this.routes.limit; prefix++) {
      const hops = this.routes.votedHops(prefix);
      if (hops !== 0) visit(prefix, hops);
    }
  }

  /** Everything goes; each vote is reported gone. */
  clear(): void {
    this.routes.clear();
    this.foreign.forget();
    this.reachability.invalidate();
    this.votes.revoke();
  }

  /** The real kernel changed. Routes go with their links, as Linux removes them: in silence. */
  kernelChanged(change: MirrorChange): void {
    const { kind, action, message } = change;
    if (kind === 'route') {
      this.foreign.changed(message);
      this.reachability.routeChanged(message);
    } else if (kind === 'link') {
      this.reachability.invalidate();
      const up = action === 'new' && (readU32(message, NETLINK_HEADER + 8) & IFF_UP) !== 0;
      if (!up) this.flush();
    } else if (kind === 'address' && action === 'del') {
      this.addressGone(message);
    }
  }

  markPrefixes(used: Uint8Array): void {
    this.routes.mark(used, undefined);
    this.foreign.mark(used);
    if (this.refusal?.prefix !== undefined) used[this.refusal.prefix] = 1;
    this.votes.mark(used, undefined);
  }

  markAttributes(hopsUsed: Uint8Array, bodiesUsed: Uint8Array): void {
    this.plans.clear();
    this.routes.mark(undefined, bodiesUsed);
    for (let body = 1; body < bodiesUsed.length; body++) {
      if (bodiesUsed[body] !== 0 && this.bodies.knows(body)) hopsUsed[this.bodies.hops(body)] = 1;
    }
    this.votes.mark(undefined, hopsUsed);
  }

  private refuse(errno: number, reason: string): number {
    this.reason = reason;
    return errno;
  }

  /** The prefix id of the request's destination; 0 when there is no room for it, -1 when it has bits behind its length. */
  private destination(family: Family): number {
    const { destination, destinationAt: at, destinationBits: bits } = this.plans;
    if (family === IPV4_UNICAST && hasHostBits(destination, at, bits)) return -1;
    return this.prefixes.intern(family, destination, at, bits);
  }

  private write(plan: RoutePlan, prefix: number, flags: number): number {
    if (plan.refusal !== undefined) return this.refuse(plan.refusal.errno, plan.refusal.text);
    const { body } = plan;
    if (this.foreign.maybe(prefix)) {
      const { bodies } = this;
      if (this.foreign.has(prefix, bodies.routingTable(body), bodies.tos(body), bodies.metric(body))) {
        this.foreignConflicts++;
        if ((flags & NLM_F_EXCL) !== 0) return EEXIST;
      }
    }
    return this.routes.write(plan.family, prefix, body, flags);
  }

  private delete(plan: RoutePlan, prefix: number): number {
    const error = this.routes.delete(plan.family, prefix, plan.pattern);
    if (error !== ESRCH || !this.foreign.maybe(prefix) || !this.foreign.matches(prefix, plan.pattern)) return error;
    this.foreignConflicts++;
    return this.refuse(EPERM, 'Route belongs to somebody else');
  }

  private refused(refusal: Refusal, prefix: number): number {
    if (refusal.prefix !== undefined && refusal.prefix !== prefix) return 0;
    this.written++;
    return this.written % (refusal.every ?? 1) === 0 ? this.refuse(refusal.errno, 'Injected fault') : 0;
  }

  private vote(prefix: number): void {
    this.votes.set(prefix, this.routes.votedHops(prefix));
  }

  /** A link's last IPv4 address takes the IPv4 routes over that link with it. */
  private addressGone(message: Uint8Array): void {
    if (familyOfAf(message[NETLINK_HEADER]) !== IPV4_UNICAST) return;
    const ifindex = readU32(message, NETLINK_HEADER + 4);
    let left = false;
    for (const kernel of this.kernels) {
      kernel.forEach('address', IPV4_UNICAST, (other) => {
        if (readU32(other, NETLINK_HEADER + 4) === ifindex) left = true;
      });
    }
    if (!left) this.flush(ifindex);
  }

  /** Removes the routes whose interfaces are all gone or down; with `ifindex`, IPv4 routes over that one only. */
  private flush(ifindex?: number): void {
    const lost = (each: number) => (ifindex === undefined ? !this.reachability.isUp(each) : each === ifindex);
    const marked = this.bodies.mark((body) => this.bodies.isLost(body, lost));
    for (let prefix = 1; prefix < this.routes.limit; prefix++) {
      if (!this.routes.has(prefix)) continue;
      if (ifindex !== undefined && this.prefixes.family(prefix) !== IPV4_UNICAST) continue;
      const gone = this.routes.remove(prefix, marked);
      if (gone === 0) continue;
      this.flushed += gone;
      this.vote(prefix);
    }
  }
}

/** Whether an IPv4 address of four bytes has bits behind the prefix length. */
function hasHostBits(buf: Uint8Array, at: number, bits: number): boolean {
  if (bits >= 32) return false;
  const word = (buf[at] << 24) | (buf[at + 1] << 16) | (buf[at + 2] << 8) | buf[at + 3];
  return word << bits !== 0;
}
