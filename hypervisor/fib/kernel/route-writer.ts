// Writes batches of route changes to the kernel: hundreds of messages in one send, of which only the last asks to be acknowledged.
// The kernel works through all of them before send returns, and answers each that it refuses by its sequence number, so a batch costs
// two system calls and nobody waits. Owns the write socket and the bookkeeping of answers; what to write is the installer's.
import { OP_CREATE, OP_DELETE, OP_REPLACE } from '../../../fib/route-batch.js';
import type { RouteBatch } from '../../../fib/route-batch.js';
import { setSendBuffer } from '../../../preload/native.js';
import type { AttributeTable } from '../../../wire/attribute-table.js';
import { IPV4_UNICAST, IPV6_UNICAST } from '../../../wire/family.js';
import type { PrefixTable } from '../../../wire/prefix-table.js';
import {
  AF_INET,
  EAGAIN,
  EINVAL,
  ENOBUFS,
  EPERM,
  ESRCH,
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
  NLMSG_ERROR,
  NLMSGERR_ATTR_MSG,
  RTM_DELROUTE,
  RTM_NEWROUTE,
} from '../../../wire/netlink/constants.js';
import {
  AttributeCursor,
  decodeErrno,
  NETLINK_HEADER,
  NetlinkCursor,
  NetlinkWriter,
} from '../../../wire/netlink/message.js';
import type { MessageHeader } from '../../../wire/netlink/message.js';
import { MAX_HOPS_LENGTH } from '../../../wire/netlink/next-hop-set.js';
import { encodeRoute } from '../../../wire/netlink/route.js';
import type { RouteFields } from '../../../wire/netlink/route.js';
import { BackendError } from './backend.js';
import type { BackendStats, OwnRoutes, RouteTables } from './backend.js';
import { errorName } from './errno.js';
import { NetlinkSocket } from './netlink-socket.js';

/** Messages and bytes of one send. More saves no measurable time: the kernel's own work is all there is. */
const MESSAGES = 512;
const BYTES = 64 * 1024;
/** Room for the answers to a send of which everything is refused: each takes about a kilobyte of the receive buffer. */
const ANSWER_BYTES = 1280;
const LARGEST_ANSWER = 16 * 1024;
/** Offset of the flags in struct nlmsghdr. */
const FLAGS_AT = 6;

export class RouteWriter {
  /** IPv6 routes removed so far; dumps want to know (own-routes.ts). */
  ipv6Removals = 0;
  private readonly prefixes: PrefixTable;
  private readonly hopTable: AttributeTable;
  private readonly stats: BackendStats;
  private readonly socket: NetlinkSocket;
  private readonly messages: number;
  private readonly writer = new NetlinkWriter(BYTES + 16 * 1024);
  private readonly answer = new Uint8Array(LARGEST_ANSWER);
  private readonly cursor = new NetlinkCursor();
  private readonly attributes = new AttributeCursor();
  private readonly header: MessageHeader = { messageType: 0, flags: 0, seq: 0, pid: 0 };
  private readonly fields: RouteFields;
  private readonly hops = new Uint8Array(MAX_HOPS_LENGTH);
  private readonly texts = new Map<number, string>();
  /** Sequence number of the first entry of the batch under way; entry i has base + i. */
  private base = 1;
  /** The messages in `writer`: how many, of which entries, and where the last one starts. */
  private queued = 0;
  private first = 0;
  private last = 0;
  private lastStart = 0;

  /** Throws BackendError when this process may not write routes. */
  constructor(own: OwnRoutes, { prefixes, hops }: RouteTables, stats: BackendStats) {
    this.prefixes = prefixes;
    this.hopTable = hops;
    this.stats = stats;
    this.fields = { family: IPV4_UNICAST, dst: new Uint8Array(17), dstAt: 1, dstLen: 0, ...own };
    this.socket = new NetlinkSocket();
    setSendBuffer(this.socket.fd, 4 * BYTES);
    const room = this.socket.setReceiveBuffer(MESSAGES * ANSWER_BYTES);
    this.messages = Math.max(16, Math.min(MESSAGES, Math.floor(room / ANSWER_BYTES)));
    const errno = this.tryPrivilege();
    if (errno === EINVAL) return;
    this.close();
    throw errno === EPERM
      ? new BackendError(
          'no permission to change routes (CAP_NET_ADMIN is missing)',
          'run as root, give the process the capability, or choose the backend "dry-run"',
        )
      : new BackendError(`the kernel takes no routes: ${errorName(errno)}`);
  }

  get portId(): number {
    return this.socket.portId;
  }

  /** See FibBackend.write. */
  write(batch: RouteBatch): void {
    const { errors, count } = batch;
    for (let i = 0; i < count; i++) {
      errors[i] = 0;
      if (this.encode(batch, i)) {
        if (this.queued === this.messages || this.writer.length >= BYTES) this.flush(batch);
      } else {
        errors[i] = EINVAL;
      }
    }
    if (this.queued > 0) this.flush(batch);
    for (let i = 0; i < count; i++) this.count(batch.op[i], batch.prefix[i], errors[i]);
    this.base = (this.base + count) >>> 0;
  }

  /** See FibBackend.refusal. */
  refusal(errno: number): string | undefined {
    return this.texts.get(errno);
  }

  close(): void {
    this.socket.close();
  }

  /** Appends the message of entry i. False when it cannot be said in rtnetlink: an unknown id, or hops of the wrong family. */
  private encode(batch: RouteBatch, i: number): boolean {
    const { writer, header, fields, hops, prefixes } = this;
    const op = batch.op[i];
    const prefix = batch.prefix[i];
    if (!prefixes.has(prefix)) return false;
    fields.family = prefixes.family(prefix);
    fields.dstLen = prefixes.bits(prefix);
    prefixes.writeNlri(prefix, fields.dst, 0);
    let hopsEnd = 0;
    header.seq = (this.base + i) >>> 0;
    if (op === OP_DELETE) {
      header.messageType = RTM_DELROUTE;
      header.flags = NLM_F_REQUEST;
    } else {
      if (!this.hopTable.has(batch.hops[i])) return false;
      header.messageType = RTM_NEWROUTE;
      header.flags = NLM_F_REQUEST | NLM_F_CREATE | (op === OP_REPLACE ? NLM_F_REPLACE : NLM_F_EXCL);
      hopsEnd = this.hopTable.copyTo(batch.hops[i], hops, 0);
    }
    const start = writer.length;
    if (!encodeRoute(writer, header, fields, hops, 0, hopsEnd)) return false;
    if (this.queued++ === 0) this.first = i;
    this.last = i;
    this.lastStart = start;
    return true;
  }

  private flush(batch: RouteBatch): void {
    const { writer, first, last, stats } = this;
    writer.buffer[this.lastStart + FLAGS_AT] |= NLM_F_ACK;
    const errno = this.socket.send(writer.buffer, writer.length);
    stats.writeCalls++;
    writer.reset();
    this.queued = 0;
    if (errno === 0) this.readAnswers(batch, first, last);
    else this.blame(batch, first, last, errno);
  }

  /**
   * Reads the errors of entries first..last, up to the acknowledgement of the last one. The answers are there when send returns: where
   * one is missing, the kernel had no room or no memory for it, and says so in between (ENOBUFS).
   */
  private readAnswers(batch: RouteBatch, first: number, last: number): void {
    let lost = 0;
    for (;;) {
      const length = this.socket.receive(this.answer, false);
      this.stats.writeCalls++;
      if (length > 0) {
        if (this.takeAnswers(batch, first, last, length) && lost === 0) return;
      } else if (length === -ENOBUFS) {
        lost = ENOBUFS;
      } else {
        return this.blame(batch, first, last, lost !== 0 || length === -EAGAIN ? ENOBUFS : -length);
      }
    }
  }

  /** One datagram of answers; true when the last entry's was among them. */
  private takeAnswers(batch: RouteBatch, first: number, last: number, length: number): boolean {
    const { cursor, answer } = this;
    let complete = false;
    cursor.reset(answer, 0, length);
    while (cursor.next()) {
      const index = (cursor.seq - this.base) >>> 0;
      if (cursor.type !== NLMSG_ERROR || index < first || index > last) continue;
      const errno = decodeErrno(answer, cursor.payload, cursor.end) ?? 0;
      batch.errors[index] = errno;
      if (errno !== 0) this.remember(errno);
      complete ||= index === last;
    }
    return complete;
  }

  /** What became of these entries is not known: whoever asked for them has to look (an audit does) or try again. */
  private blame(batch: RouteBatch, first: number, last: number, errno: number): void {
    for (let i = first; i <= last; i++) if (batch.errors[i] === 0) batch.errors[i] = errno;
  }

  private count(op: number, prefix: number, errno: number): void {
    const { stats } = this;
    if (errno !== 0) {
      if (op !== OP_DELETE || errno !== ESRCH) stats.refused++;
    } else if (op === OP_CREATE) stats.created++;
    else if (op === OP_REPLACE) stats.replaced++;
    else {
      stats.deleted++;
      if (this.prefixes.family(prefix) === IPV6_UNICAST) this.ipv6Removals++;
    }
  }

  /** Keeps the text of the extended acknowledgement under the cursor. */
  private remember(errno: number): void {
    const { cursor, attributes, answer } = this;
    if ((cursor.flags & NLM_F_ACK_TLVS) === 0 || this.texts.has(errno)) return;
    attributes.reset(answer, cursor.payload + 4 + NETLINK_HEADER, cursor.end);
    while (attributes.next()) {
      if (attributes.type !== NLMSGERR_ATTR_MSG) continue;
      const text = answer.subarray(attributes.at, attributes.at + attributes.length - 1);
      this.texts.set(errno, new TextDecoder().decode(text));
    }
  }

  /** Asks for something meaningless: EPERM comes before EINVAL. */
  private tryPrivilege(): number {
    const { writer, answer, cursor } = this;
    writer.begin(RTM_DELROUTE, NLM_F_REQUEST | NLM_F_ACK, 0, 0);
    writer.u32(AF_INET);
    writer.end();
    const errno = this.socket.send(writer.buffer, writer.length);
    writer.reset();
    if (errno !== 0) return errno;
    const length = this.socket.receive(answer, false);
    if (length <= 0) return -length;
    cursor.reset(answer, 0, length);
    return cursor.next() ? (decodeErrno(answer, cursor.payload, cursor.end) ?? 0) : 0;
  }
}
