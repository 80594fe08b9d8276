// How far one replica has come: sends it probes, and weighs what comes back on the tap and out of its forwarding path. Owns what a
// returned probe proves and when it counts; which probe goes out when is probe-tracker.ts, what follows from the answers is replica-port.ts.
import type { VotingConfig } from '../configs/model.js';
import { ProbeEscort, type Escorted } from './probe-escort.js';
import { PROBE_NEXT_HOPS, type ProbeMessages } from './probe-messages.js';
import { ProbeTracker, type ProbeOptions } from './probe-tracker.js';

/**
 * A replica that sends more than this (bytes) to neighbours, or for its forwarding table on the tap, between a probe and PROOF_MS (ms)
 * after its return still works off earlier input: each session has a queue of its own, and none keeps an order (OpenBGPD's are trees), so
 * the probe proves nothing then. FRR sends to each of them some hundred routes every 50 ms, and the probe comes back in between.
 */
const BULK_BYTES = 16384;
const PROOF_MS = 150;
/**
 * Neighbours that never pause keep a replica sending that much for good, and nothing is ever proven. A replica may vote nevertheless when
 * its probes have come back for so long, ms: its votes count for what they say, and what it has not said is not held against it.
 */
const BUSY_MS = 30_000;
/** A turn of the main loop that took longer than this, ms, is no time in which a replica can be seen to hang. */
const LONG_TURN_MS = 500;

/** Where the votes on the forwarding table come from: they are proven by another way than the tap only if they take another way. */
export type FibPath = 'netlink' | 'tap' | 'none';

/** What a probe needs to know of the sessions that it must not overtake. */
export interface Deliveries {
  /** What came in before this time has been handed to the replica, ms. */
  deliveredUntil(at: number): number;
  /** Those that may hold more than one message when the replica reads ahead; none when it does not. */
  readonly queues: Iterable<Escorted>;
}

export class ReplicaProgress {
  readonly tracker: ProbeTracker;
  /** Everything that came in before this time has come out towards the neighbours, ms. */
  advertisedUntil = -Infinity;
  /** The same towards the forwarding table, ms; Infinity for a replica without a say in it. */
  forwardedUntil: number;
  /** Everything that came in before this time had reached it when it answered a probe, ms; it may not have come out yet. */
  private answeredUntil = -Infinity;
  private readonly probes: ProbeMessages;
  private readonly path: FibPath;
  private readonly escort = new ProbeEscort();
  /** What a probe that is out will prove when it comes back: everything before this time was delivered ahead of it; -Infinity: nothing. */
  private provesUntil = -Infinity;
  /** The same by number of the next hop, for probes that come out of the forwarding path. */
  private readonly provesByNextHop = new Float64Array(PROBE_NEXT_HOPS).fill(-Infinity);
  private tickedAt = Infinity;
  private received = 0;
  private receivedAtProbe = 0;
  /** When the probe that has come back counts, ms; Infinity when none waits for that. */
  private proofAt = Infinity;

  constructor(voting: VotingConfig, probes: ProbeMessages, path: FibPath) {
    this.probes = probes;
    this.path = path;
    this.forwardedUntil = path === 'none' ? Infinity : -Infinity;
    this.tracker = new ProbeTracker(probeOptionsOf(voting));
  }

  configure(voting: VotingConfig): void {
    this.tracker.configure(probeOptionsOf(voting));
  }

  /** A new life of the replica: nothing is proven. */
  restart(now: number): void {
    this.tracker.restart(now);
    this.escort.restart();
    this.tickedAt = now;
    this.proofAt = Infinity;
    this.advertisedUntil = -Infinity;
    this.answeredUntil = -Infinity;
    this.provesByNextHop.fill(-Infinity);
    if (this.path !== 'none') this.forwardedUntil = -Infinity;
  }

  /** The replica sent so many bytes of UPDATEs to a neighbour. */
  sent(bytes: number): void {
    this.received += bytes;
  }

  /** Everything that came in before this time has been worked off on all ways, ms. */
  get digestedUntil(): number {
    return Math.min(this.advertisedUntil, this.forwardedUntil);
  }

  /** Whether it has worked off what came in before `since` (ms), as far as that can be known of a replica that is kept busy. */
  isFollowing(since: number, now: number): boolean {
    return this.digestedUntil >= since || (now - since >= BUSY_MS && this.answeredUntil >= since);
  }

  /** Sends the next probe and what must go ahead of it; false while none is due. What is written is valid until the next call. */
  send(now: number, busy: boolean, deliveries: Deliveries, write: (messages: Uint8Array) => void): boolean {
    if (this.proofAt !== Infinity || this.tracker.nextAt(busy) > now) return false;
    const escort = this.escort.send(deliveries.queues);
    this.provesUntil = this.escort.isWhole ? deliveries.deliveredUntil(now) : -Infinity;
    this.receivedAtProbe = this.received;
    const sequence = this.tracker.send(now);
    this.provesByNextHop[sequence % PROBE_NEXT_HOPS] = this.provesUntil;
    this.probes.escort(escort, write);
    write(this.probes.announce(sequence));
    return true;
  }

  /** The replica asks for the probe that is out again. */
  again(): Uint8Array {
    return this.probes.announce(this.tracker.current);
  }

  /** An UPDATE on the tap: a probe, or what it would write to a forwarding table. Returns true for the probe that is out. */
  onTap(message: Uint8Array, start: number, end: number, now: number): boolean {
    const sequence = this.probes.sequenceOf(message, start, end);
    if (sequence === undefined && this.path === 'tap') this.received += end - start;
    if (sequence === undefined || !this.tracker.returned(sequence, now)) return false;
    this.proofAt = now + PROOF_MS;
    this.escort.returned();
    return true;
  }

  /** Probe number n (modulo the next hops) has come out of the forwarding path, and the replica was quiet behind it. */
  onForwarding(n: number): void {
    if (this.path === 'netlink') this.forwardedUntil = Math.max(this.forwardedUntil, this.provesByNextHop[n]);
  }

  /** At every turn of the main loop: lets a probe count that came back long enough ago. */
  tick(now: number): void {
    const turn = now - this.tickedAt;
    this.tickedAt = now;
    if (turn > LONG_TURN_MS) this.tracker.pardon(turn, now);
    if (now < this.proofAt) return;
    this.proofAt = Infinity;
    if (this.provesUntil === -Infinity) return;
    this.answeredUntil = this.provesUntil;
    if (this.received - this.receivedAtProbe > BULK_BYTES) return;
    this.advertisedUntil = this.provesUntil;
    if (this.path === 'tap') this.forwardedUntil = this.provesUntil;
  }
}

function probeOptionsOf({ probeInterval, hangThreshold }: VotingConfig): ProbeOptions {
  return {
    busyIntervalMs: probeInterval,
    idleIntervalMs: Math.max(1000, probeInterval),
    hangMs: hangThreshold,
  };
}
