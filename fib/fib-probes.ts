// How far a replica's forwarding path has come: each probe that the hypervisor announces has another next hop, and so shows up as a
// write of the probe prefix with that gateway. Owns recognising it and waiting whether the replica is quiet behind it; what a probe
// proves is known by who sent it (hypervisor/replica-progress.ts).
import { parseIpv4 } from '../wire/ip.js';

/** Next hops that take turns: the last octet is 1 to 250. */
export const PROBE_NEXT_HOPS = 250;
/** A probe counts when the replica has written at most QUIET_WRITES routes within QUIET_MS (ms) behind it: queues may overtake. */
const QUIET_MS = 150;
const QUIET_WRITES = 1000;

/** Canonical next hops of one plain gateway: type, count, interface, weight, flags, length, four octets. */
const GATEWAY_AT = 10;
const ONE_GATEWAY = 14;

export class FibProbes {
  private readonly base: Uint8Array;
  private readonly proven: (r: number, n: number) => void;
  private readonly writes: Float64Array;
  private readonly seenAt: Float64Array;
  private readonly seenWrites: Float64Array;
  private readonly seenNumber: Int32Array;

  /** `nextHops`: the IPv4 prefix whose addresses .1 to .250 are the probes' next hops. */
  constructor(replicas: number, nextHops: string, proven: (r: number, n: number) => void) {
    this.base = parseIpv4(nextHops.split('/')[0]) ?? new Uint8Array(4);
    this.proven = proven;
    this.writes = new Float64Array(replicas);
    this.seenAt = new Float64Array(replicas);
    this.seenWrites = new Float64Array(replicas);
    this.seenNumber = new Int32Array(replicas).fill(-1);
  }

  reset(r: number): void {
    this.seenNumber[r] = -1;
  }

  /** Some probe waits for being proven by `tick`. */
  get pending(): boolean {
    return this.seenNumber.some((n) => n >= 0);
  }

  /** The replica wrote a route that is not the probe's. */
  wrote(r: number): void {
    this.writes[r]++;
  }

  /** The replica wrote the probe's route with these next hops. */
  seen(r: number, hops: Uint8Array, now: number): void {
    const n = this.numberOf(hops);
    if (n < 0) return;
    // The one before may be over its time since the last tick; it is not to be lost by this one.
    this.weigh(r, now);
    this.seenNumber[r] = n;
    this.seenAt[r] = now;
    this.seenWrites[r] = this.writes[r];
  }

  tick(now: number): void {
    for (let r = 0; r < this.seenNumber.length; r++) this.weigh(r, now);
  }

  private weigh(r: number, now: number): void {
    const n = this.seenNumber[r];
    if (n < 0 || now - this.seenAt[r] < QUIET_MS) return;
    this.seenNumber[r] = -1;
    if (this.writes[r] - this.seenWrites[r] <= QUIET_WRITES) this.proven(r, n);
  }

  private numberOf(hops: Uint8Array): number {
    if (hops.length !== ONE_GATEWAY) return -1;
    for (let i = 0; i < 3; i++) if (hops[GATEWAY_AT + i] !== this.base[i]) return -1;
    const n = hops[GATEWAY_AT + 3] - 1;
    return n >= 0 && n < PROBE_NEXT_HOPS ? n : -1;
  }
}
