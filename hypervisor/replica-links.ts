// All sessions between the hypervisor and one replica: those that stand for neighbours come and go with them, those for probe and tap are
// there while it runs. Owns which links exist and as whom the hypervisor speaks on them; one link is replica-link.ts.
import { INTERNAL_HOLD_TIME, type ReplicaSession } from '../configs/session-plan.js';
import type { ReplicaConfig } from '../configs/model.js';
import type { RouterContext } from './context.js';
import { Departures } from './link-delays.js';
import type { NeighborPort } from './neighbor-port.js';
import type { Escorted } from './probe-escort.js';
import { ReplicaLink, type LinkEvents, type LinkSettings } from './replica-link.js';
import type { Replica } from './replicas/replica.js';

export interface LinksParts {
  config: ReplicaConfig;
  replica: Replica;
  plan: readonly ReplicaSession[];
  neighbor(index: number): NeighborPort;
  events: LinkEvents;
}

export class ReplicaLinks {
  private readonly index: number;
  private readonly context: RouterContext;
  private readonly parts: LinksParts;
  private readonly links = new Map<number, ReplicaLink>();
  /** Those that were there from the start of its life, and still are. */
  private readonly first = new Set<ReplicaLink>();
  /** Those of them that had nothing left to hand over at some time. */
  private readonly caughtUp = new Set<ReplicaLink>();
  private readonly departures: Departures;

  constructor(index: number, context: RouterContext, parts: LinksParts) {
    this.index = index;
    this.context = context;
    this.parts = parts;
    this.departures = new Departures(parts.config.diversity.disconnectDelay);
  }

  get size(): number {
    return this.links.size;
  }

  [Symbol.iterator](): IterableIterator<ReplicaLink> {
    return this.links.values();
  }

  /** Opens all sessions that can be there: internal ones, and those of neighbours that are up. */
  open(): void {
    for (const plan of this.parts.plan) {
      if (plan.neighbor < 0 || this.parts.neighbor(plan.neighbor).negotiated !== undefined) {
        this.first.add(this.openLink(plan));
      }
    }
  }

  neighborUp(port: NeighborPort): void {
    for (const plan of this.parts.plan) if (plan.neighbor === port.index) this.openLink(plan);
  }

  neighborDown(index: number): void {
    for (const [id, link] of this.links) {
      if (link.plan.neighbor !== index) continue;
      this.links.delete(id);
      this.first.delete(link);
      this.caughtUp.delete(link);
      this.departures.add(link);
    }
  }

  /** The replica is ending. */
  close(): void {
    this.context.replicator.replicaEnded(this.index);
    for (const link of this.links.values()) link.close();
    this.links.clear();
    this.first.clear();
    this.caughtUp.clear();
    this.departures.finishAll();
  }

  /** The internal session of this role, when it is up. */
  internal(role: 'probe' | 'tap'): ReplicaLink | undefined {
    for (const link of this.links.values()) if (link.plan.role === role && link.isUp) return link;
    return undefined;
  }

  /** Those in whose queues a probe could leave something behind. */
  get queues(): Iterable<Escorted> {
    return this.parts.replica.driver.readsAhead ? this.links.values() : [];
  }

  /** Bytes that wait for the replica from neighbour `n`; Infinity while one of its sessions to it is not up. */
  backlog(n: number): number {
    let sum = 0;
    for (const link of this.links.values()) if (link.plan.neighbor === n) sum += link.backlog;
    return sum;
  }

  pump(): void {
    for (const link of this.links.values()) link.pump();
  }

  /**
   * All sessions that there should be are up. What came up after the replica did may still be on its way for `grace` ms, as it may for those
   * that vote: a neighbour whose session flaps would else keep everybody out who starts anew.
   */
  isComplete(at: number, grace: number): boolean {
    for (const link of this.links.values()) {
      if (!link.isUp && (this.first.has(link) || at - link.wantedSince > grace)) return false;
    }
    return this.links.size > 0;
  }

  /** Everything that there was when the replica came up has been handed to its sockets, whatever has come in since on busy sessions. */
  get replayed(): boolean {
    for (const link of this.first) if (!this.caughtUp.has(link) && link.drained) this.caughtUp.add(link);
    return this.caughtUp.size === this.first.size;
  }

  /** The feeds of which all that was pulled has been written to the replica's sockets. */
  get handed(): ReadonlySet<number> {
    const feeds = new Set<number>();
    for (const link of this.links.values()) if (link.feed !== 0 && link.flushed) feeds.add(link.feed);
    return feeds;
  }

  /** What came in before this time has been handed to the replica, ms. */
  deliveredUntil(at: number): number {
    let delivered = Math.min(at, this.departures.since);
    for (const link of this.links.values()) {
      if (link.plan.role !== 'neighbor') continue;
      // Nothing of a neighbour has been delivered before the session that stands for it is up.
      const until = link.isUp ? link.deliveredUntil(at) : this.parts.neighbor(link.plan.neighbor).upSince;
      delivered = Math.min(delivered, until);
    }
    return delivered;
  }

  private openLink(plan: ReplicaSession): ReplicaLink {
    const { replica, events } = this.parts;
    this.departures.finish(plan.id);
    const link = new ReplicaLink(this.index, plan, this.settingsFor(plan), {
      connect: (session) => replica.connect(session),
      events,
      replicator: this.context.replicator,
    });
    this.links.set(plan.id, link);
    return link;
  }

  /** How the hypervisor introduces itself on this session: as the neighbour, or as the internal peer. */
  private settingsFor(plan: ReplicaSession): LinkSettings {
    const { internal } = this.context.config;
    const { kind, deliver, diversity } = this.parts.config;
    const form = plan.neighbor < 0 ? undefined : this.context.quarantine?.formOf(this.index, plan.neighbor);
    const negotiated = plan.neighbor < 0 ? undefined : this.parts.neighbor(plan.neighbor).negotiated;
    return {
      as: plan.peerAs,
      replicaAs: plan.localAs,
      // An identifier is an IPv4 address, whatever the session goes over: the tap has the same one on both of its sessions.
      routerId: negotiated?.peerRouterId ?? (plan.role === 'probe' ? internal.probeAddress : internal.tapAddress),
      families: plan.families & (negotiated?.families ?? plan.families),
      holdTime: INTERNAL_HOLD_TIME[kind],
      deliver: form ?? deliver,
      diversity,
    };
  }
}
