// The FIB simulation with the whole engine: replicas write netlink messages to their virtual kernels, probes come out of them, the electorate is
// followed from outside, and the kernel is known by its events. The world around it is world.ts.
import { FibEngine } from '../../../fib/engine.js';
import { IPV4_UNICAST } from '../../../wire/family.js';
import { PrefixClock } from '../../../wire/prefix-clock.js';
import { STABILITY_THRESHOLD } from '../scenario.js';
import {
  connectedNetwork,
  daemonWrite,
  destination,
  DESTINATION_BITS,
  FOREIGN_HOPS,
  foreignRouteEvent,
  hopSet,
  linkAddress,
  linkEvent,
  OWN,
  ownRouteEvent,
  singleHop,
} from './messages.js';
import { ENETDOWN } from './model-kernel.js';
import type { KernelEvent } from './model-kernel.js';
import { RETRY_FIRST, RETRY_MAX } from './scenario.js';
import { ALL_HOPS, FibWorld } from './world.js';

const INTERNAL_LINK = 1000;
const PROBE_HOPS = 250;
const PROBE = { prefix: '198.18.255.1/32', nextHops: '198.18.254.0/24' };
const PROBE_DESTINATION = Uint8Array.of(198, 18, 255, 1);

/** Its memory is large: one for all runs. */
const clock = new PrefixClock();

export class EngineWorld extends FibWorld {
  private engine!: FibEngine;
  /** Links that the router knows to be down, by their next hops. */
  private readonly down = new Set<number>();
  /** Number of the probe under way to each replica; -1 for none. */
  private readonly probing: number[] = [];
  private readonly socketOf: number[] = [];
  private probes = 0;
  private sockets = 0;
  /** The kernel has told something that makes the engine try again what was refused. */
  private heard = false;

  protected override makeRouter(): void {
    const { scenario } = this;
    this.engine = new FibEngine(
      {
        sources: this.replicas.map(() => 'netlink'),
        strategy: scenario.strategy,
        voter: { stabilityThreshold: STABILITY_THRESHOLD, k: scenario.consensus },
        own: OWN,
        internal: { ifindex: INTERNAL_LINK, name: 'btr0', addresses: ['198.18.0.1/32'], connected: [PROBE.nextHops] },
        probe: PROBE,
        networks: [],
        limits: { maxPrefixes: 1000 },
        seed: 1,
        retry: { firstMs: RETRY_FIRST, maxMs: RETRY_MAX },
        clock,
      },
      {
        send: () => true,
        fault: (r, reason) => this.fail(`replica ${r} is faulty: ${reason}`),
        probe: (r, n) => this.soon(() => this.probeSeen(r, n)),
        proposeOverthrow: (from, candidates) => this.soon(() => this.depose(from, candidates)),
        random: () => 0.5,
      },
    );
    this.voter = this.engine.voter;
    this.installer = this.engine.installer;
    this.nameThings();
    this.loadMirror();
    for (let r = 0; r < this.replicas.length; r++) this.openSocket(r);
  }

  protected override sendVote(r: number, prefix: number, hops: number): void {
    this.datagram(r, destination(prefix), DESTINATION_BITS, hops === 0 ? undefined : hopSet(hops));
  }

  protected override sendProbe(r: number): void {
    const n = this.probes++ % PROBE_HOPS;
    this.probing[r] = n;
    this.datagram(r, PROBE_DESTINATION, 32, singleHop(INTERNAL_LINK, Uint8Array.of(198, 18, 254, 1 + n)));
  }

  protected override electorateChanged(): void {
    this.engine.followElectorate(this.electorate.state);
  }

  protected override noteInput(prefix: number): void {
    clock.note(this.engine.prefixes.hashOf(prefix), this.queue.now);
  }

  protected override forget(r: number): void {
    this.probing[r] = -1;
    this.engine.resetReplica(r);
    this.openSocket(r);
  }

  protected override isReachable(hops: number): boolean {
    return !this.down.has(hops);
  }

  protected override proven(r: number): void {
    super.proven(r);
    this.engine.setCaughtUp(r, this.links[r].probeSentAt);
  }

  protected override review(): void {
    if (this.heard) for (const prefix of this.ids) this.nudge(prefix);
    this.heard = false;
    while (this.engine.tick(this.queue.now));
    if (this.engine.takeAuditReason()) this.audits.wanted = true;
  }

  override nextWrites(): number {
    for (const prefix of this.ids) {
      if (this.voter.verdict(prefix) === this.voter.advertised(prefix)) continue;
      this.nudge(prefix);
      this.notes.wanted.add(prefix);
    }
    return this.engine.nextWrites(this.batch, this.queue.now);
  }

  protected override concerns(): boolean {
    return true;
  }

  /** The kernel never forgets to say that something is missing, but what happens to a link matters most. */
  protected override noticesLoss(event: KernelEvent): boolean {
    return event.kind === 'link' || super.noticesLoss(event);
  }

  protected override hear(event: KernelEvent): void {
    this.heard = true;
    if (event.kind === 'link') this.linkChanges(event.hops, event.up);
    else {
      this.nudge(event.prefix);
      this.audits.touched.add(event.prefix);
    }
    this.kernelSays(messageOf(event));
    if (event.kind !== 'link') return;
    if (event.up) this.kernelSays(connectedNetwork(event.hops));
    this.tellReplicas();
  }

  protected override resync(): void {
    super.resync();
    this.loadMirror();
    this.tellReplicas();
  }

  /** The world's numbers are the engine's ids. */
  private nameThings(): void {
    const { prefixes, hops } = this.engine;
    for (const id of this.ids) {
      if (prefixes.intern(IPV4_UNICAST, destination(id), 0, DESTINATION_BITS) !== id) throw new Error(`prefix ${id}`);
      clock.note(prefixes.hashOf(id), this.inputTimes.get(id)!);
    }
    for (const id of ALL_HOPS) {
      const set = hopSet(id);
      if (hops.intern(set, 0, set.length) !== id) throw new Error(`next hops ${id}`);
    }
  }

  private loadMirror(): void {
    const { engine, kernel } = this;
    this.heard = true;
    engine.beginResync();
    for (const hops of [...ALL_HOPS, FOREIGN_HOPS]) {
      this.linkChanges(hops, kernel.refusedHops.get(hops) !== ENETDOWN);
      this.kernelSays(linkEvent(hops, !this.down.has(hops)));
      this.kernelSays(linkAddress(hops));
      if (!this.down.has(hops)) this.kernelSays(connectedNetwork(hops));
    }
    for (const prefix of kernel.foreign) this.kernelSays(foreignRouteEvent(prefix, 'new'));
    engine.endResync();
  }

  private linkChanges(hops: number, up: boolean): void {
    if (up) this.down.delete(hops);
    else this.down.add(hops);
    for (const prefix of this.ids) {
      this.nudge(prefix);
      if (!up && this.installer.installedHops(prefix) === hops) this.noteLost(prefix);
    }
  }

  private kernelSays(message: Uint8Array): void {
    this.engine.kernelMessage(message, 0, message.length, this.queue.now);
  }

  /** Daemons hear of links from their virtual kernels, which have dropped the routes over those that went down. */
  private tellReplicas(): void {
    this.replicas.forEach((replica, r) => this.links[r].running && replica.speakUp(true));
  }

  private openSocket(r: number): void {
    this.socketOf[r] = ++this.sockets;
    this.engine.openSocket(r, this.socketOf[r], this.socketOf[r]);
  }

  private datagram(r: number, dst: Uint8Array, bits: number, hops: Uint8Array | undefined): void {
    const message = daemonWrite(dst, bits, hops);
    this.engine.datagram(r, this.socketOf[r], message, 0, message.length, this.queue.now);
  }

  private probeSeen(r: number, n: number): void {
    if (this.probing[r] !== n) return;
    this.probing[r] = -1;
    this.proven(r);
  }

  /** What goes through the main thread comes back a little later. */
  private soon(run: () => void): void {
    this.inThisLife(1, run);
  }
}

function messageOf(event: KernelEvent): Uint8Array {
  if (event.kind === 'own') return ownRouteEvent(event.prefix, event.hops);
  if (event.kind === 'link') return linkEvent(event.hops, event.up);
  if (event.kind === 'foreign-gone') return foreignRouteEvent(event.prefix, 'gone');
  return foreignRouteEvent(event.prefix, event.replaced ? 'replaced' : 'new');
}
