// The forwarding side of the router as one pure machine: what the replicas write to their virtual kernels and say on their taps becomes
// votes, the votes a verdict for each prefix, and the verdicts changes of the real table. Owns the composition and the order of things;
// voting is voter/, the parts are this folder's, and everything that blocks, polls or knows the time is hypervisor/fib/.
import { DirtyQueue } from '../voter/dirty-queue.js';
import type { ElectorateState } from '../voter/electorate.js';
import { FollowedElectorate } from '../voter/followed-electorate.js';
import type { Strategy, VoterOptions } from '../voter/types.js';
import { UpdateVoter } from '../voter/update-voter.js';
import { AttributeTable } from '../wire/attribute-table.js';
import { NlriCursor } from '../wire/bgp/update.js';
import type { Family } from '../wire/family.js';
import type { PrefixClock } from '../wire/prefix-clock.js';
import { PrefixTable } from '../wire/prefix-table.js';
import type { EventDelay } from './delayed-mirror.js';
import { FibProbes } from './fib-probes.js';
import { HopClasses } from './hop-classes.js';
import { Installer } from './installer.js';
import type { InstallerOptions } from './installer.js';
import { KernelEvents } from './kernel-events.js';
import { KernelMirror } from './kernel-mirror.js';
import { ReplicaKernels } from './replica-kernels.js';
import { ReplicaVotes } from './replica-votes.js';
import { Resolver } from './resolver.js';
import type { RouteBatch } from './route-batch.js';
import { TapIntake } from './tap-intake.js';
import type { InternalLink } from './virtual-kernel/types.js';
import type { VirtualKernel } from './virtual-kernel/virtual-kernel.js';
import { VoteHops } from './vote-hops.js';

/** Where a replica's votes come from: its writes to the kernel, its best routes on the tap, or nowhere. */
export type FibSource = 'netlink' | 'tap' | 'none';

export interface EngineOptions {
  /** By replica index. */
  sources: readonly FibSource[];
  strategy: Strategy;
  voter: VoterOptions;
  /** How our own routes are told from others in the real kernel. */
  own: { table: number; protocol: number; metric: number };
  internal: InternalLink;
  probe: { prefix: string; nextHops: string };
  /** Prefixes the router originates: they have no next hop and are nobody's vote. */
  networks: readonly string[];
  limits: { maxPrefixes: number };
  /** The seed of the tables that the clock's times are noted with. */
  seed: number;
  clock: PrefixClock;
  /** When refused routes are tried again. */
  retry?: InstallerOptions['retry'];
  /** `takeWithdrawn` is asked. */
  reportWithdrawn?: boolean;
  /** By replica: how late events of the kernel reach it; without, at once. */
  eventDelays?: readonly (EventDelay | undefined)[];
}

export interface EngineEffects {
  /** One datagram to a replica's socket; false when there is no room now. */
  send(socket: number, buf: Uint8Array, start: number, end: number): boolean;
  /** A replica does not read what its kernel tells it, or says on its tap what cannot be read: its votes are not what it believes. */
  fault(replica: number, reason: string): void;
  /** Probe n (0..249) has come out of the replica's whole forwarding path, and nothing much behind it. */
  probe(replica: number, n: number): void;
  /** The FIB's votes say that the master is wrong. */
  proposeOverthrow(from: number, candidates: number): void;
  /** The first `count` of `prefixes` have verdicts that go to the installer now. */
  decided?(prefixes: Uint32Array, count: number, now: number): void;
  /** 0..1. */
  random(): number;
}

/** Sets of next hops are few (neighbours and their combinations); far more is a replica gone mad. */
const MAX_HOP_SETS = 200_000;
/** Verdicts handed to the installer at a time. */
const TAKEN_AT_ONCE = 4096;
/** Below this many prefixes a sweep is not worth its pause; and two sweeps are at least so far apart, ms: each is O(all). */
const SWEEP_FLOOR = 200_000;
const SWEEPS_APART_MS = 2000;
/** Ballots reviewed at a time: the replicas' writes must not wait for half a million of them. */
const REVIEWS_AT_ONCE = 2048;

export class FibEngine {
  readonly prefixes: PrefixTable;
  readonly hops: AttributeTable;
  readonly mirror: KernelMirror;
  readonly electorate: FollowedElectorate;
  readonly voter: UpdateVoter;
  readonly installer: Installer;
  /** By replica index; undefined where the votes come from elsewhere. */
  readonly kernels: readonly (VirtualKernel | undefined)[];
  /** Between what the replicas say and the voter. */
  readonly votes: ReplicaVotes;
  readonly resolver: Resolver;
  /** By replica: everything that came in before this time has come out of its forwarding path, ms. */
  readonly caughtUp: Float64Array;
  readonly tap: TapIntake;
  private readonly bodies: AttributeTable;
  private readonly virtual: ReplicaKernels;
  private readonly cursor = new NlriCursor();
  private readonly probes: FibProbes;
  private readonly classes: HopClasses;
  private readonly meanings: VoteHops;
  private readonly events: KernelEvents;
  private readonly probePrefix: number;
  private networks: ReadonlySet<number>;
  private readonly taken = new Uint32Array(TAKEN_AT_ONCE);
  private readonly withdrawn: DirtyQueue | undefined;
  private readonly effects: EngineEffects;
  private readonly maxPrefixes: number;
  private now = 0;
  private sweptAt = -Infinity;
  private sizeAfterSweep = 0;

  constructor(options: EngineOptions, effects: EngineEffects) {
    const { sources, own, internal, clock, seed, limits } = options;
    this.effects = effects;
    this.maxPrefixes = limits.maxPrefixes;
    this.prefixes = new PrefixTable({ seed, maxPrefixes: limits.maxPrefixes });
    this.hops = new AttributeTable({ seed, maxEntries: MAX_HOP_SETS });
    this.bodies = new AttributeTable({ seed, maxEntries: MAX_HOP_SETS });
    this.mirror = new KernelMirror({ protocol: own.protocol });
    this.caughtUp = new Float64Array(sources.length).fill(-Infinity);
    const voters = sources.reduce((mask, source, r) => (source === 'none' ? mask : mask | (1 << r)), 0);
    this.electorate = new FollowedElectorate(sources.length, voters, effects.proposeOverthrow);
    this.voter = new UpdateVoter({
      replicas: sources.length,
      electorate: this.electorate,
      strategy: options.strategy,
      options: options.voter,
      inputTime: (prefix) => clock.last(this.prefixes.hashOf(prefix)),
      caughtUp: this.caughtUp,
    });
    this.installer = new Installer({ retry: options.retry });
    if (options.reportWithdrawn) this.withdrawn = new DirtyQueue();
    this.probePrefix = this.prefixes.parse(options.probe.prefix);
    this.networks = new Set(options.networks.map((network) => this.prefixes.parse(network)));
    this.probes = new FibProbes(sources.length, options.probe.nextHops, (r, n) => this.votes.probe(r, n, this.now));
    this.classes = new HopClasses(this.hops, internal.ifindex);
    this.resolver = new Resolver(this.mirror);
    this.meanings = new VoteHops(this.hops, this.mirror, this.resolver);
    this.votes = new ReplicaVotes({
      replicas: sources.length,
      voter: this.voter,
      hops: this.hops,
      classes: this.classes,
      meanings: this.meanings,
      limit: () => this.prefixes.limit,
      probe: (r, n) => effects.probe(r, n),
    });
    this.tap = new TapIntake({
      replicas: sources.length,
      prefixes: this.prefixes,
      hops: this.hops,
      resolver: this.resolver,
      exclude: (prefix) => prefix === this.probePrefix || this.networks.has(prefix),
      vote: (r, prefix, hops, at) => this.votes.vote(r, prefix, hops, at),
    });
    this.virtual = new ReplicaKernels({
      wanted: sources.map((source) => source === 'netlink'),
      eventDelays: options.eventDelays ?? [],
      mirror: this.mirror,
      protocol: own.protocol,
      prefixes: this.prefixes,
      hops: this.hops,
      bodies: this.bodies,
      internal,
      sink: (r) => ({
        send: (socket, buf, start, end) => effects.send(socket, buf, start, end),
        route: (prefix, id) => this.routeWritten(r, prefix, id),
        overrun: (_socket, reason) => effects.fault(r, reason),
      }),
      random: () => effects.random(),
    });
    this.kernels = this.virtual.list;
    this.events = new KernelEvents(own, {
      mirror: this.mirror,
      prefixes: this.prefixes,
      hops: this.hops,
      installer: this.installer,
      changed: (change) => this.virtual.changed(change, this.now),
    });
  }

  // --- from the main thread

  /** Decides by this strategy and these options from now on, and no longer takes votes on other own networks than these. */
  configure(strategy: Strategy, voter: VoterOptions, networks: readonly string[]): void {
    this.voter.configure(voter, strategy);
    this.networks = new Set(networks.map((network) => this.prefixes.parse(network)));
  }

  followElectorate(state: ElectorateState): void {
    this.electorate.follow(state);
  }

  /** Everything that came in before `until` has come out of the replica's forwarding path. */
  setCaughtUp(r: number, until: number): void {
    this.caughtUp[r] = until;
  }

  /** Replica `r` has no say (`on`), or has it again, on these prefixes: NLRI of one family. */
  abstain(r: number, family: Family, nlri: Uint8Array, on: boolean, now: number): void {
    const { cursor, prefixes, voter } = this;
    cursor.reset(nlri, 0, nlri.length, family);
    while (cursor.next()) {
      // Where there is no room for the prefix there is no room for a vote on it either.
      const prefix = prefixes.intern(family, nlri, cursor.at, cursor.bits);
      if (prefix === 0) continue;
      if (on) voter.abstain(r, prefix, now);
      else voter.release(r, prefix, now);
    }
  }

  /** A new start of a replica: what it said is no opinion any more, and on which prefixes it has no say is to be told anew. */
  resetReplica(r: number): void {
    this.caughtUp[r] = -Infinity;
    // First of all: that its kernel is emptied must not count as the opinion that there are no routes.
    this.voter.forget(r);
    this.kernels[r]?.reset();
    this.tap.reset(r);
    this.probes.reset(r);
    this.votes.reset(r, this.now);
  }

  /** One UPDATE on a tap session. */
  tapUpdate(r: number, buf: Uint8Array, start: number, end: number, now: number): void {
    this.now = now;
    const verdict = this.tap.update(r, buf, start, end, now);
    if (verdict.kind === 'reset') this.effects.fault(r, `sends what cannot be read on its tap: ${verdict.reason}`);
  }

  // --- from the replicas' netlink sockets

  /** False: it has no kernel, or too many sockets; nobody will answer on this one. */
  openSocket(r: number, socket: number, portId: number): boolean {
    return this.virtual.open(r, socket, portId);
  }

  datagram(r: number, socket: number, buf: Uint8Array, start: number, end: number, now: number): void {
    this.now = now;
    this.kernels[r]?.receive(socket, buf, start, end);
  }

  // --- from the real kernel

  /** One netlink message: an event, or part of a dump. */
  kernelMessage(buf: Uint8Array, start: number, end: number, now: number): void {
    this.now = now;
    this.events.message(buf, start, end, now);
  }

  /** Everything that the kernel has is told anew between these two. */
  beginResync(): void {
    this.mirror.beginResync();
  }

  endResync(): void {
    for (const change of this.mirror.endResync()) this.virtual.changed(change, this.now);
    this.events.linksChanged = true;
    this.events.retryWanted = true;
  }

  /** True once after something happened to a link, an address or a foreign route: what we wrote may be gone, and should be checked. */
  takeAuditReason(): boolean {
    const reason = this.events.auditWanted || this.installer.auditWanted;
    this.events.auditWanted = false;
    return reason;
  }

  // --- the passing of time, and the writes

  /** Reviews ballots, weighs probes, looks at next hops again. Returns true when there is more to do at once. */
  tick(now: number): boolean {
    this.now = now;
    if (this.events.linksChanged) {
      this.events.linksChanged = false;
      this.meanings.forget();
      this.tap.kernelChanged(now);
    }
    if (this.events.retryWanted) {
      this.events.retryWanted = false;
      this.installer.retryAll(now);
    }
    this.virtual.tick(now);
    this.probes.tick(now);
    this.votes.tick(now);
    return this.voter.tick(now, REVIEWS_AT_ONCE);
  }

  /** Nothing is to be done before somebody says something, but for what was refused to be tried again. */
  get isAtRest(): boolean {
    const { voter, events, probes, votes, virtual } = this;
    return voter.unsettled === 0 && !events.linksChanged && !probes.pending && !votes.waiting && !virtual.waiting;
  }

  /** Takes new verdicts and fills the next batch of writes; returns its size. The caller carries it out and calls `settle`. */
  nextWrites(batch: RouteBatch, now: number): number {
    const { voter, installer, taken } = this;
    const count = voter.takeDirty(taken);
    for (let i = 0; i < count; i++) {
      const verdict = voter.verdict(taken[i]);
      installer.want(taken[i], verdict, now);
      if (verdict === 0) this.withdrawn?.add(taken[i]);
      voter.markAdvertised(taken[i], verdict);
    }
    if (count > 0) this.effects.decided?.(taken, count, now);
    return installer.next(batch, now);
  }

  settle(batch: RouteBatch, now: number): void {
    this.installer.settle(batch, now);
  }

  /** Fills `out` with prefixes that lost their verdict since they were last taken, each once, and returns how many. */
  takeWithdrawn(out: Uint32Array): number {
    let count = 0;
    while (this.withdrawn !== undefined && this.withdrawn.size > 0 && count < out.length) {
      const prefix = this.withdrawn.shift();
      // Wanted again by now, but not there again yet: the news that it is comes later.
      if (!this.installer.isInstalled(prefix)) out[count++] = prefix;
    }
    return count;
  }

  /** The verdict as ids, 0 for none. */
  verdict(prefix: number): number {
    return this.voter.verdict(prefix);
  }

  /**
   * Frees the ids that nobody holds any more, when the tables have grown. Ids that the caller remembers, and those in events that were not
   * drained, mean something else afterwards.
   */
  sweepIfGrown(now: number): boolean {
    if (now < this.sweptAt + SWEEPS_APART_MS || !this.hasGrown) return false;
    this.sweptAt = now;
    const { prefixes, hops, bodies, voter, installer, tap, withdrawn } = this;
    const usedPrefixes = new Uint8Array(prefixes.limit);
    const usedHops = new Uint8Array(hops.limit);
    const usedBodies = new Uint8Array(bodies.limit);
    for (const prefix of [this.probePrefix, ...this.networks]) usedPrefixes[prefix] = 1;
    this.virtual.mark(usedPrefixes, usedHops, usedBodies);
    for (const holder of [voter, tap]) {
      holder.markPrefixes(usedPrefixes);
      holder.markAttributes(usedHops);
    }
    this.votes.mark(usedPrefixes, usedHops);
    installer.markPrefixes(usedPrefixes);
    installer.markHops(usedHops);
    if (withdrawn !== undefined && withdrawn.size > 0) {
      for (let prefix = 1; prefix < usedPrefixes.length; prefix++) if (withdrawn.has(prefix)) usedPrefixes[prefix] = 1;
    }
    prefixes.sweep(usedPrefixes);
    hops.sweep(usedHops);
    bodies.sweep(usedBodies);
    this.classes.forget();
    this.meanings.forget();
    this.sizeAfterSweep = prefixes.size;
    return true;
  }

  private routeWritten(r: number, prefix: number, hops: number): void {
    if (prefix === this.probePrefix) {
      if (hops !== 0) this.probes.seen(r, this.hops.get(hops), this.now);
      return;
    }
    this.probes.wrote(r);
    this.votes.vote(r, prefix, hops, this.now);
  }

  private get hasGrown(): boolean {
    const { prefixes, hops, bodies, sizeAfterSweep, maxPrefixes } = this;
    // Short of twice the size where the table ends before that.
    const grown = Math.min(2 * sizeAfterSweep, (sizeAfterSweep + maxPrefixes) / 2);
    if (prefixes.size > Math.max(Math.min(SWEEP_FLOOR, maxPrefixes / 2), grown)) return true;
    return hops.size * 2 > MAX_HOP_SETS || bodies.size * 2 > MAX_HOP_SETS;
  }
}
