// A forwarding engine with its surroundings for tests: replicas that write routes, a kernel that takes what the engine writes (and keeps
// every write in mind), and a clock that is moved by hand.
import { FibEngine } from '../../../fib/engine.js';
import type { EngineOptions, FibSource } from '../../../fib/engine.js';
import { createRouteBatch, OP_DELETE } from '../../../fib/route-batch.js';
import { describeHops } from '../../../fib/next-hops.js';
import { SHIM_ACKNOWLEDGED } from '../../../fib/virtual-kernel/virtual-kernel.js';
import { Electorate } from '../../../voter/electorate.js';
import * as nl from '../../../wire/netlink/constants.js';
import { PrefixClock } from '../../../wire/prefix-clock.js';
import { routeMessage } from '../netlink/build.js';
import { addressMessage, hop, linkMessage, route, unicast } from './kernel-messages.js';

const STEP_MS = 25;
export const INTERNAL_LINK = 0x40000000;
export const OWN = { table: nl.RT_TABLE_MAIN, protocol: 179, metric: 179 };
/** Its memory is large: one for all. */
const clock = new PrefixClock();
let inputs = 0;

export interface RigOptions extends Partial<EngineOptions> {
  sources?: FibSource[];
}

export class EngineRig {
  readonly engine: FibEngine;
  readonly electorate: Electorate;
  readonly faults: [number, string][] = [];
  readonly proposals: [number, number][] = [];
  readonly probes: [number, number][] = [];
  /** The kernel's routes of ours, and each route that was ever written: `prefix: words`. */
  readonly kernel = new Map<string, string>();
  readonly written: string[] = [];
  /** Errno for a write; 0 lets it pass. */
  refuse: (prefix: string) => number = () => 0;
  now = 1_000_000 + inputs++ * 100_000;
  private readonly batch = createRouteBatch(256);
  private readonly sockets: number[];

  constructor({ sources = ['netlink', 'netlink', 'netlink'], ...options }: RigOptions = {}) {
    this.electorate = new Electorate(sources.length);
    this.engine = new FibEngine(
      {
        sources,
        strategy: 'wait-for-consensus',
        voter: { stabilityThreshold: 1000 },
        own: OWN,
        internal: {
          ifindex: INTERNAL_LINK,
          name: 'btr0',
          addresses: ['198.18.0.1/32'],
          connected: ['198.18.254.0/24'],
        },
        probe: { prefix: '198.18.255.1/32', nextHops: '198.18.254.0/24' },
        networks: [],
        limits: { maxPrefixes: 1_000_000 },
        seed: 1,
        clock,
        ...options,
      },
      {
        send: () => true,
        fault: (r, reason) => this.faults.push([r, reason]),
        probe: (r, n) => this.probes.push([r, n]),
        proposeOverthrow: (from, candidates) => this.proposals.push([from, candidates]),
        random: () => 0.5,
      },
    );
    this.engine.beginResync();
    for (const message of [linkMessage(2), addressMessage(2, '10.0.0.254/24'), connected('10.0.0.0/24')])
      this.hear(message);
    this.engine.endResync();
    this.sockets = sources.map((_, r) => 100 + r);
    this.sockets.forEach((socket, r) => this.engine.openSocket(r, socket, socket));
  }

  /** These replicas vote from now on. */
  elect(...replicas: number[]): void {
    for (const r of replicas) this.electorate.join(r);
    this.follow();
  }

  follow(): void {
    this.engine.followElectorate(this.electorate.state);
  }

  /** A message of the real kernel. */
  hear(message: Uint8Array): void {
    this.engine.kernelMessage(message, 0, message.length, this.now);
  }

  /** Something came in for the prefix from a neighbour. */
  input(prefix: string): void {
    clock.note(this.engine.prefixes.hashOf(this.engine.prefixes.parse(prefix)), this.now);
  }

  /** The replica writes a route by this gateway; undefined: removes it. */
  write(r: number, prefix: string, gateway: string | undefined, ifindex = 2): void {
    const flags = nl.NLM_F_REQUEST | nl.NLM_F_ACK | SHIM_ACKNOWLEDGED;
    const daemon = { prefix, table: nl.RT_TABLE_MAIN, protocol: 186, metric: 20 };
    this.datagram(
      r,
      gateway === undefined
        ? routeMessage({ ...daemon, messageType: nl.RTM_DELROUTE, flags })
        : routeMessage({
            ...daemon,
            hops: unicast(hop(ifindex, gateway)),
            flags: flags | nl.NLM_F_CREATE | nl.NLM_F_REPLACE,
          }),
    );
  }

  datagram(r: number, message: Uint8Array): void {
    this.engine.datagram(r, this.sockets[r]!, message, 0, message.length, this.now);
  }

  /** The replica starts anew, with a socket of its own. */
  restart(r: number): void {
    this.engine.resetReplica(r);
    this.engine.openSocket(r, ++this.sockets[r]!, 1);
  }

  /** Everything that came in up to now has come out of these replicas. */
  caughtUp(...replicas: number[]): void {
    for (const r of replicas) this.engine.setCaughtUp(r, this.now + 0.5);
  }

  /** Time passes. */
  run(ms: number): void {
    for (const until = this.now + ms; this.now < until; this.now = Math.min(until, this.now + STEP_MS)) this.turn();
    this.turn();
  }

  turn(): void {
    const { engine, batch } = this;
    while (engine.tick(this.now));
    while (engine.nextWrites(batch, this.now) > 0) {
      this.carryOut();
      engine.settle(batch, this.now);
    }
  }

  private carryOut(): void {
    const { batch, engine, kernel } = this;
    for (let i = 0; i < batch.count; i++) {
      const prefix = engine.prefixes.format(batch.prefix[i]!);
      batch.errors[i] = this.refuse(prefix);
      if (batch.errors[i] !== 0) continue;
      const words = describeHops(engine.hops.get(batch.hops[i]!), (ifindex) => `if${ifindex}`);
      if (batch.op[i] === OP_DELETE) kernel.delete(prefix);
      else kernel.set(prefix, words);
      this.written.push(`${prefix}: ${batch.op[i] === OP_DELETE ? 'none' : words}`);
    }
  }
}

/** The network of an address on eth2. */
export function connected(prefix: string): Uint8Array {
  const message = route(prefix, [hop(2)], { protocol: 2, metric: 0 });
  message[16 + 6] = nl.RT_SCOPE_LINK;
  return message;
}
