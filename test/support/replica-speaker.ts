// A scripted BGP neighbour on a virtual connection, as small as a test of the replicas needs it: waits for the replica's
// OPEN, establishes, announces and withdraws one prefix at a time and remembers what comes. No timers: hold time 0.
import type net from 'node:net';
import { encodeKeepalive, MessageType } from '../../wire/bgp/message.js';
import { MessageFramer } from '../../wire/bgp/framing.js';
import { decodeOpen, encodeOpen, type OpenMessage } from '../../wire/bgp/open.js';
import { isBgpError } from '../../wire/bgp/error.js';
import { makeCapabilities } from '../../wire/bgp/capabilities.js';
import { UpdatePacker } from '../../wire/bgp/pack.js';
import { NlriCursor, parseUpdate, UpdateView } from '../../wire/bgp/update.js';
import { ByteWriter } from '../../wire/byte-writer.js';
import { IPV4_UNICAST } from '../../wire/family.js';
import { parseAddress } from '../../wire/ip.js';
import { PrefixTable } from '../../wire/prefix-table.js';
import type { ReplicaSession } from '../../configs/session-plan.js';
import type { Replica } from '../../hypervisor/replicas/replica.js';
import { waitFor } from './wait.js';

const ORIGIN_IGP = [0x40, 1, 1, 0];

export class ReplicaSpeaker {
  readonly session: ReplicaSession;
  readonly socket: net.Socket;
  peerOpen: OpenMessage | undefined;
  established = false;
  closed = false;
  /** UPDATEs sent. */
  sent = 0;
  notification: Uint8Array | undefined;
  /** Prefixes that the replica announces now, as text. */
  readonly routes = new Set<string>();
  private readonly framer = new MessageFramer();
  private readonly table = new PrefixTable();
  private readonly view = new UpdateView();
  private readonly cursor = new NlriCursor();

  constructor(session: ReplicaSession, socket: net.Socket) {
    this.session = session;
    this.socket = socket;
    socket.on('data', (chunk) => this.receive(chunk));
    socket.on('error', () => {});
    socket.on('close', () => (this.closed = true));
  }

  untilEstablished(): Promise<void> {
    return waitFor(() => this.established, `session ${this.session.name} established`);
  }

  /** Resolves when exactly `prefix` is (or, with false, is not) among what the replica announces. */
  untilRoute(prefix: string, there = true): Promise<void> {
    return waitFor(() => this.routes.has(prefix) === there, `${prefix} ${there ? 'on' : 'off'} ${this.session.name}`);
  }

  /** `nextHop`: another one than the neighbour's own address. */
  announce(prefix: string, nextHop?: string): void {
    this.send(prefix, true, nextHop);
  }

  withdraw(prefix: string): void {
    this.send(prefix, false);
  }

  private send(prefix: string, announce: boolean, nextHopText?: string): void {
    const id = this.table.parse(prefix);
    const family = this.table.family(id);
    const { peerAs, peerAddress, neighbor } = this.session;
    // IPv6 over an IPv4 transport: any global address will do.
    const own = family === IPV4_UNICAST || peerAddress.includes(':');
    const hop = parseAddress(nextHopText ?? (own ? peerAddress : `fd00:${neighbor + 1}::2`))!;
    const as = [peerAs >>> 24, (peerAs >>> 16) & 255, (peerAs >>> 8) & 255, peerAs & 255];
    const nextHop = family === IPV4_UNICAST ? [0x40, 3, 4, ...hop] : [0x80, 14, 16, ...hop];
    const attributes = Uint8Array.from([...ORIGIN_IGP, 0x40, 2, 6, 2, 1, ...as, ...nextHop]);
    const out = new ByteWriter(256);
    const packer = new UpdatePacker(4096);
    if (announce) packer.announce(family, attributes, this.table, Uint32Array.of(id), 0, 1, out);
    else packer.withdraw(family, this.table, Uint32Array.of(id), 0, 1, out);
    this.sent++;
    this.socket.write(out.take());
  }

  private receive(chunk: Uint8Array): void {
    this.framer.push(chunk);
    while (this.framer.next()) {
      const { buffer, start, end, type } = this.framer;
      if (type === MessageType.OPEN) this.receiveOpen(buffer, start, end);
      else if (type === MessageType.KEEPALIVE) this.established ||= this.peerOpen !== undefined;
      else if (type === MessageType.UPDATE) this.receiveUpdate(buffer, start, end);
      else if (type === MessageType.NOTIFICATION) this.notification = buffer.slice(start + 19, end);
    }
  }

  private receiveOpen(buffer: Uint8Array, start: number, end: number): void {
    const open = decodeOpen(buffer, start, end);
    if (isBgpError(open)) throw new Error(open.reason);
    this.peerOpen = open;
    const { peerAs, families, id } = this.session;
    const capabilities = makeCapabilities({ families, as: peerAs, routeRefresh: true });
    this.socket.write(encodeOpen({ version: 4, as: peerAs, holdTime: 0, routerId: `192.0.2.${id + 1}`, capabilities }));
    this.socket.write(encodeKeepalive());
  }

  private receiveUpdate(buffer: Uint8Array, start: number, end: number): void {
    parseUpdate(buffer, start, end, { as4: true, ebgp: true, families: 3 }, this.view);
    for (let i = 0; i < this.view.sectionCount; i++) {
      const section = this.view.sections[i];
      this.cursor.reset(buffer, section.start, section.end, section.family);
      while (this.cursor.next()) {
        const text = this.table.format(this.table.intern(section.family, buffer, this.cursor.at, this.cursor.bits));
        if (section.kind === 'announce') this.routes.add(text);
        else this.routes.delete(text);
      }
    }
  }
}

/** All the sessions, in their order. As the hypervisor does: a connection that is closed before it is established is tried again. */
export function establishAll(replica: Replica, sessions: readonly ReplicaSession[]): Promise<ReplicaSpeaker[]> {
  return Promise.all(
    sessions.map(async (session) => {
      for (;;) {
        const speaker = new ReplicaSpeaker(session, replica.connect(session));
        await waitFor(() => speaker.established || speaker.closed, `an answer on ${session.name}`);
        if (speaker.established) return speaker;
      }
    }),
  );
}
