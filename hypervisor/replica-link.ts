// One BGP session between the hypervisor and a replica, with its feed: connects inward, tries again while the replica is not ready
// to take it, pushes what the replicator has for it. Owns the link's life; what arrives on it is handed to replica-port.ts.
import type { VirtualConnection } from '../preload/listener.js';
import type { ReplicaSession } from '../configs/session-plan.js';
import type { DiversityConfig } from '../configs/model.js';
import { draw } from '../recovery/delays.js';
import type { DownReason } from '../session/types.js';
import type { Delivery, Replicator } from '../replicator/replicator.js';
import { countMessages } from '../wire/bgp/message.js';
import { ByteWriter } from '../wire/byte-writer.js';
import type { Family } from '../wire/family.js';
import { now } from './clock.js';
import type { SessionRunner } from './io/session-runner.js';
import { DelayedDelivery } from './link-delays.js';
import { openReplicaSession } from './replica-sessions/replica-session.js';

/** Between attempts to open a session that the replica did not take, ms. */
const RETRY_MS = 100;
/** Bytes pulled from a feed at once, and the room in the session's queue that makes it worth while. */
const PULL_BYTES = 64 * 1024;
const QUEUE_BYTES = 256 * 1024;

export interface LinkEvents {
  established(link: ReplicaLink): void;
  /** An established session ended without our wish: a fault of the replica. */
  lost(link: ReplicaLink, reason: DownReason): void;
  /** A session that was up is not any more, for whatever reason. */
  left(link: ReplicaLink): void;
  update(link: ReplicaLink, message: Uint8Array, start: number, end: number): void;
  /** The replica asks for what it was sent on an internal session again. */
  refresh(link: ReplicaLink): void;
  /** There is room for more. `hasRead`: there was none before, so the replica has read something. */
  progress(link: ReplicaLink, hasRead: boolean): void;
}

/** As whom the hypervisor speaks on a link: the neighbour, the probe or the tap. */
export interface LinkSettings {
  as: number;
  routerId: string;
  replicaAs: number;
  /** Bitmask, as negotiated with the neighbour. */
  families: number;
  /** Proposed to the replica, seconds. */
  holdTime: number;
  /** In which form it gets what the neighbour sends. */
  deliver: Delivery;
  /** Its delays are for sessions that stand for neighbours. */
  diversity: DiversityConfig;
}

export interface LinkParts {
  /** Opens a connection inward; throws when the replica does not listen. */
  connect(plan: ReplicaSession): VirtualConnection;
  events: LinkEvents;
  replicator: Replicator;
}

const writer = new ByteWriter(PULL_BYTES * 2);

export class ReplicaLink {
  readonly plan: ReplicaSession;
  isUp = false;
  /** What the replicator has for it; 0 while it is not up, and on internal sessions. */
  feed = 0;
  /** Messages of the neighbour that were handed over on it, whatever its connection went through. */
  handed = 0;
  /** When the link was asked for, ms: a replica that does not take it for long is at fault. */
  readonly wantedSince: number;
  /** When it was first to be opened, ms: later by a random delay where that is configured. */
  readonly firstAttempt: number;
  /** Last failure to come up. */
  lastError: string | null = null;
  private readonly settings: LinkSettings;
  private readonly parts: LinkParts;
  private readonly replica: number;
  private session: SessionRunner | undefined;
  private socket: VirtualConnection | undefined;
  private readUntil = -Infinity;
  private delayed: DelayedDelivery | undefined;
  private retry: NodeJS.Timeout | undefined;
  private closed = false;
  /** The kernel had no room for all that was written, and has told of none since. */
  private blocked = false;

  constructor(replica: number, plan: ReplicaSession, settings: LinkSettings, parts: LinkParts) {
    this.replica = replica;
    this.plan = plan;
    this.settings = settings;
    this.parts = parts;
    this.wantedSince = now();
    const delay = this.connectDelay;
    this.firstAttempt = this.wantedSince + delay;
    if (delay === 0) this.attempt();
    else this.retry = setTimeout(() => this.attempt(), delay);
  }

  /** Bytes that wait for the replica; Infinity while the session is not up. */
  get backlog(): number {
    if (!this.isUp) return Infinity;
    return (this.feed === 0 ? 0 : this.parts.replicator.backlog(this.feed)) + this.queued;
  }

  /** Everything there is has been handed to the replica's socket. */
  get drained(): boolean {
    return this.isUp && (this.feed === 0 || this.parts.replicator.isCaughtUp(this.feed)) && this.queued === 0;
  }

  /** What was pulled has been written to the replica's socket. */
  get flushed(): boolean {
    return this.queued === 0;
  }

  /**
   * Everything that came in before this time has been read by the replica, ms. What only lies in the socket (a megabyte, seconds of work
   * for a busy daemon) is overtaken by a probe, which has a session of its own.
   */
  deliveredUntil(at: number): number {
    if (!this.isUp) return -Infinity;
    if (this.feed === 0) return at;
    if (this.queued === 0 && this.socket?.isRead !== false) {
      this.readUntil = Math.max(this.readUntil, this.parts.replicator.deliveredUntil(this.feed, at));
    }
    return this.readUntil;
  }

  /** Pushes what waits, as much as the socket takes. */
  pump(): void {
    if (!this.isUp || this.feed === 0 || this.session === undefined) return;
    const { replicator } = this.parts;
    const until = this.delayed?.horizon(replicator.backlog(this.feed));
    while (this.session.writableBytes() >= PULL_BYTES) {
      writer.reset();
      if (replicator.pull(this.feed, writer, PULL_BYTES, until) === 0) break;
      this.handed += countMessages(writer.buffer, 0, writer.length);
      this.session.write(writer.buffer.subarray(0, writer.length));
    }
    this.delayed?.left(replicator.backlog(this.feed), this.session.writableBytes() >= PULL_BYTES);
    if (this.queued > 0) this.blocked = true;
  }

  /** Writes a message of the hypervisor's own (a probe). */
  write(message: Uint8Array): void {
    if (this.isUp) this.session?.write(message);
  }

  /** Reads no more of what the replica says until `resume`. */
  pause(): void {
    this.session?.pauseReading();
  }

  resume(): void {
    this.session?.resumeReading();
  }

  /**
   * Ends the session because the neighbour went away, or the replica is being stopped. As a lost connection, not with a NOTIFICATION:
   * OpenBGPD counts those, and after the second one takes no connection from this neighbour for half a minute.
   */
  close(): void {
    this.depart();
    this.socket?.destroy();
    this.session = undefined;
  }

  /** From now on nothing is sent and nothing that arrives counts; the session itself stays until `close`. */
  depart(): void {
    this.closed = true;
    clearTimeout(this.retry);
    this.leave();
  }

  private attempt(): void {
    try {
      const callbacks = {
        onEstablished: (): void => this.established(),
        onDown: (reason: DownReason): void => this.down(reason),
        onAttemptFailed: (reason: DownReason): void => this.down(reason),
        onUpdate: (buffer: Uint8Array, start: number, end: number): void => {
          if (!this.closed) this.parts.events.update(this, buffer, start, end);
        },
        onRouteRefresh: (family: Family): void => this.refresh(family),
        onWritable: (): void => this.writable(),
      };
      const socket = this.parts.connect(this.plan);
      this.socket = socket;
      this.session = openReplicaSession({
        ...this.settings,
        socket,
        // A two-octet neighbour's paths are translated at the door, and refreshes are answered from the history.
        as4: true,
        routeRefresh: true,
        extendedMessage: false,
        callbacks,
        queueBytes: QUEUE_BYTES,
      });
    } catch (error) {
      this.again((error as Error).message);
    }
  }

  private established(): void {
    const { plan } = this;
    this.isUp = true;
    this.readUntil = -Infinity;
    this.lastError = null;
    if (plan.role === 'neighbor') {
      const { families, deliver } = this.settings;
      this.feed = this.parts.replicator.openFeed(this.replica, plan.neighbor, families, now(), { deliver });
      const { deliveryDelay } = this.settings.diversity;
      if (deliveryDelay !== undefined) this.delayed = new DelayedDelivery(deliveryDelay, () => this.pump());
    }
    this.parts.events.established(this);
    this.pump();
  }

  private down(reason: DownReason): void {
    if (this.closed) return;
    this.session = undefined;
    // Who looks for what it died of wants to see what was on its way: the feed is left only after that.
    if (this.isUp) this.parts.events.lost(this, reason);
    else this.again(reason.text);
    this.leave();
  }

  private refresh(family: Family): void {
    if (this.closed) return;
    if (this.feed === 0) this.parts.events.refresh(this);
    else this.parts.replicator.refresh(this.feed, family, now());
    this.pump();
  }

  private writable(): void {
    if (this.closed) return;
    // What the kernel takes at once says nothing about the replica; that there is room again does.
    const hasRead = this.blocked;
    this.blocked = false;
    this.pump();
    this.parts.events.progress(this, hasRead);
  }

  private get queued(): number {
    return this.session === undefined ? 0 : QUEUE_BYTES - Math.min(QUEUE_BYTES, this.session.writableBytes());
  }

  private leave(): void {
    const wasUp = this.isUp;
    this.isUp = false;
    this.delayed?.close();
    this.delayed = undefined;
    if (this.feed !== 0) this.parts.replicator.closeFeed(this.feed);
    this.feed = 0;
    if (wasUp) this.parts.events.left(this);
  }

  private again(reason: string): void {
    this.lastError = reason;
    if (this.closed) return;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.attempt(), RETRY_MS + this.connectDelay);
  }

  private get connectDelay(): number {
    return this.plan.role === 'neighbor' ? draw(this.settings.diversity.connectDelay, Math.random) : 0;
  }
}
