// A virtual kernel over a small world: loopback, e0 (3, 10.0.1.1/24, 2001:db8:1::1/64), e1 (4, 10.0.2.1/24) and one route of somebody else.
// Its sockets keep what they were sent as words; votes are kept as text.
import { describeHops } from '../../../../fib/next-hops.js';
import { KernelMirror } from '../../../../fib/kernel-mirror.js';
import type { InternalLink, KernelLimits } from '../../../../fib/virtual-kernel/types.js';
import { VirtualKernel } from '../../../../fib/virtual-kernel/virtual-kernel.js';
import { AttributeTable } from '../../../../wire/attribute-table.js';
import { parseAddress } from '../../../../wire/ip.js';
import { encodeAddress } from '../../../../wire/netlink/address.js';
import * as nl from '../../../../wire/netlink/constants.js';
import { encodeLink } from '../../../../wire/netlink/link.js';
import { NetlinkWriter, writeU32 } from '../../../../wire/netlink/message.js';
import { PrefixTable } from '../../../../wire/prefix-table.js';
import { describeAnswers, routeRequest } from '../../../support/route-requests.js';
import type { RouteRequest } from '../../../support/route-requests.js';

export const E0 = 3;
export const E1 = 4;
export const UP = nl.IFF_UP | nl.IFF_RUNNING | nl.IFF_LOWER_UP;
export const ACK = nl.NLM_F_REQUEST | nl.NLM_F_ACK;
export const ADD = ACK | nl.NLM_F_CREATE | nl.NLM_F_EXCL;
export const REPLACE = ACK | nl.NLM_F_CREATE | nl.NLM_F_REPLACE;
export const FOREIGN = '203.0.113.0/24';
const INTERNAL: InternalLink = {
  ifindex: 1_000_000,
  name: 'btr0',
  addresses: ['198.18.0.1/32', '2001:2::1/128'],
  connected: ['198.18.254.0/24'],
};

export class Rig {
  readonly mirror = new KernelMirror({ protocol: 179 });
  readonly prefixes = new PrefixTable();
  readonly hops = new AttributeTable();
  readonly bodies = new AttributeTable();
  readonly kernel: VirtualKernel;
  /** Votes now, by prefix. */
  readonly votes = new Map<string, string>();
  /** Votes in the order in which they were cast. */
  readonly history: string[] = [];
  readonly overruns: number[] = [];
  /** Datagrams by socket. */
  readonly datagrams = new Map<number, Uint8Array[]>();
  /** Datagrams that a socket takes before it is full; undefined: any number. */
  room: number | undefined;

  constructor(limits: Partial<KernelLimits> = {}) {
    this.link('lo', 1, nl.IFF_UP | nl.IFF_RUNNING | nl.IFF_LOOPBACK);
    this.link('e0', E0, UP);
    this.link('e1', E1, UP);
    for (const [text, index] of [
      ['10.0.1.1/24', E0],
      ['2001:db8:1::1/64', E0],
      ['10.0.2.1/24', E1],
    ] as const) {
      this.address(nl.RTM_NEWADDR, text, index);
      this.connected(text, index);
    }
    this.apply(
      routeRequest('new', 0, {
        dst: FOREIGN,
        hops: [{ via: '10.0.1.9', dev: E0 }],
        metric: 32,
        protocol: nl.RTPROT_STATIC,
      }),
    );
    this.kernel = new VirtualKernel({
      mirror: this.mirror,
      prefixes: this.prefixes,
      hops: this.hops,
      bodies: this.bodies,
      internal: INTERNAL,
      sink: {
        send: (socket, buf, start, end) => this.take(socket, buf.slice(start, end)),
        route: (prefix, hops) => this.vote(prefix, hops),
        overrun: (socket) => this.overruns.push(socket),
      },
      limits,
    });
    this.kernel.open(1, 4711);
  }

  /** A message of the real kernel: to the mirror, and what changed by it to the virtual kernel. */
  apply(message: Uint8Array): void {
    const change = this.mirror.apply(message, 0, message.length);
    // Before there is a kernel to tell, the mirror is only filled.
    if (change !== undefined && (this.kernel as VirtualKernel | undefined) !== undefined) this.kernel.changed(change);
  }

  link(name: string, index: number, flags: number, type: number = nl.RTM_NEWLINK): void {
    const writer = new NetlinkWriter();
    encodeLink(
      writer,
      { messageType: type, flags: 0, seq: 0, pid: 0 },
      {
        family: nl.AF_UNSPEC,
        index,
        type: name === 'lo' ? nl.ARPHRD_LOOPBACK : nl.ARPHRD_ETHER,
        flags,
        name,
        mtu: 1500,
        operstate: nl.IF_OPER_UP,
        txQueueLength: 1000,
        address: Uint8Array.of(2, 0, 0, 0, 0, index),
        broadcast: new Uint8Array(6).fill(255),
        master: 0,
        lower: 0,
        kind: '',
      },
    );
    this.apply(writer.take());
  }

  address(type: number, text: string, index: number): void {
    const [address, bits] = text.split('/') as [string, string];
    const bytes = parseAddress(address)!;
    const writer = new NetlinkWriter();
    encodeAddress(
      writer,
      { messageType: type, flags: 0, seq: 0, pid: 0 },
      {
        family: bytes.length === 4 ? nl.AF_INET : nl.AF_INET6,
        index,
        prefixLength: Number(bits),
        flags: nl.IFA_F_PERMANENT,
        scope: 0,
        local: bytes,
        address: bytes,
        broadcast: new Uint8Array(0),
        label: '',
      },
    );
    this.apply(writer.take());
  }

  /** The routes that the kernel makes for an address: its prefix on the link, and the address itself. */
  connected(text: string, index: number): void {
    const [address, bits] = text.split('/') as [string, string];
    const ipv4 = !address.includes(':');
    const kernel = { protocol: nl.RTPROT_KERNEL, hops: [{ dev: index }] };
    const link = ipv4 ? { scope: nl.RT_SCOPE_LINK } : { metric: 256 };
    const host = ipv4 ? nl.RT_SCOPE_HOST : 0;
    const network = this.prefixes.format(this.prefixes.parse(`${address}/${bits}`));
    this.apply(routeRequest('new', 0, { dst: network, ...kernel, ...link }));
    const local = { type: nl.RTN_LOCAL, scope: host, table: nl.RT_TABLE_LOCAL };
    this.apply(routeRequest('new', 0, { dst: `${address}/${ipv4 ? 32 : 128}`, ...kernel, ...local }));
  }

  /** What a socket was sent since the last call, in words. */
  answers(socket = 1): string[] {
    return this.taken(socket).flatMap((datagram) => describeAnswers(datagram));
  }

  /** The datagrams of a socket since the last call. */
  taken(socket = 1): Uint8Array[] {
    const all = this.datagrams.get(socket) ?? [];
    this.datagrams.delete(socket);
    return all;
  }

  /** Sends a request and returns the answers to it. */
  ask(message: Uint8Array, socket = 1): string[] {
    this.kernel.receive(socket, message, 0, message.length);
    return this.answers(socket);
  }

  /** A new or deleted route; the error number of the answer. */
  route(verb: 'new' | 'del', flags: number, request: RouteRequest): number {
    const [answer, ...rest] = this.ask(routeRequest(verb, flags, request));
    if (rest.length > 0) throw new Error(`more than one answer: ${rest.join()}`);
    return Number(/^error (\d+)$/.exec(answer ?? '')?.[1]);
  }

  add(dst: string, via: string, more: Partial<RouteRequest> = {}): number {
    return this.route('new', ADD, { dst, hops: [{ via, dev: E0 }], metric: 32, ...more });
  }

  /** A dump request and its answer, without the end. */
  dump(type: number, body: readonly number[], socket = 1): string[] {
    const answers = this.ask(request(type, nl.NLM_F_REQUEST | nl.NLM_F_DUMP, body), socket);
    if (answers.pop() !== 'done 0') throw new Error(`no end of the dump: ${answers.join()}`);
    return answers;
  }

  /** Routes of protocol 12 (or another) in a dump of both families, by prefix and hops. */
  ownRoutes(protocol = 12): string[] {
    return this.dump(nl.RTM_GETROUTE, rtmsg(0)).filter((line) => line.includes(` proto ${protocol} `));
  }

  private take(socket: number, datagram: Uint8Array): boolean {
    if (this.room === 0) return false;
    if (this.room !== undefined) this.room--;
    const all = this.datagrams.get(socket);
    if (all) all.push(datagram);
    else this.datagrams.set(socket, [datagram]);
    return true;
  }

  private vote(prefix: number, hops: number): void {
    const name = this.prefixes.format(prefix);
    const text = hops === 0 ? 'none' : describeHops(this.hops.get(hops), (index) => `if${index}`);
    this.history.push(`${name} ${text}`);
    if (hops === 0) this.votes.delete(name);
    else this.votes.set(name, text);
  }
}

/** A message with a body of bytes. */
export function request(type: number, flags: number, body: readonly number[], seq = 7): Uint8Array {
  const writer = new NetlinkWriter();
  writer.begin(type, flags, seq, 0);
  writer.bytes(Uint8Array.from(body));
  writer.end();
  const message = writer.take();
  writeU32(message, 0, 16 + body.length);
  return message.subarray(0, 16 + body.length);
}

/** struct rtmsg for a dump request. */
export function rtmsg(family: number, table = 0, protocol = 0, type = 0): number[] {
  return [family, 0, 0, 0, table, protocol, 0, type, 0, 0, 0, 0];
}

export function u32(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
}

/** bind(2) as the shim tells it. */
export function bind(groups: number): Uint8Array {
  return request(0xfff1, 0, u32(groups));
}

/** setsockopt(2) as the shim tells it. */
export function option(name: number, value: number): Uint8Array {
  return request(0xfff2, 0, [...u32(name), ...u32(value)]);
}
