// A dump under way: what was asked for, how far it is, and the next datagram of it. Nothing is made before there is room for it, so a table
// of any size waits as one number. Foreign messages are those of the moment of the request; own routes are read as the dump passes by.
import type { AttributeTable } from '../../wire/attribute-table.js';
import { NLM_F_DUMP_FILTERED, NLM_F_MULTI, RTM_NEWROUTE } from '../../wire/netlink/constants.js';
import { encodeDone, NETLINK_HEADER, writeU16, writeU32 } from '../../wire/netlink/message.js';
import type { NetlinkWriter } from '../../wire/netlink/message.js';
import type { PrefixTable } from '../../wire/prefix-table.js';
import type { OwnRoutes } from './own-routes.js';
import { DESTINATION_AT } from './route-bodies.js';
import type { RouteBodies } from './route-bodies.js';

/** A datagram's size: BIRD 1.6 reads into 8192 bytes and takes no more. */
const DATAGRAM = 7000;
const BITS_AT = NETLINK_HEADER + 1;

/** Which own routes a dump shows. 0 (for families: all bits) stands for any. */
export interface RouteFilter {
  /** Bitmask of families. */
  families: number;
  table: number;
  protocol: number;
  type: number;
  ifindex: number;
}

export interface DumpParts {
  prefixes: PrefixTable;
  bodyTable: AttributeTable;
  bodies: RouteBodies;
  routes: OwnRoutes;
}

export class Dump {
  /** Own routes shown so far. */
  shown = 0;
  private readonly parts: DumpParts;
  private readonly seq: number;
  private readonly pid: number;
  private readonly flags: number;
  private readonly messages: readonly Uint8Array[];
  private readonly filter: RouteFilter | undefined;
  /** Bodies by id, whether the filter lets them through: 0 not known, 1 yes, 2 no. */
  private verdicts = new Uint8Array(256);
  private nextMessage = 0;
  private nextPrefix = 1;
  private errno = 0;

  /** `messages` first, then the own routes that pass `filter` (none without one), then NLMSG_DONE with `errno`. */
  constructor(
    parts: DumpParts,
    to: { seq: number; pid: number; filtered: boolean },
    messages: readonly Uint8Array[],
    filter: RouteFilter | undefined,
    errno = 0,
  ) {
    this.parts = parts;
    this.seq = to.seq;
    this.pid = to.pid;
    this.flags = NLM_F_MULTI | (to.filtered ? NLM_F_DUMP_FILTERED : 0);
    this.messages = messages;
    this.filter = filter;
    this.errno = errno;
  }

  /** Sends datagrams until the dump is done (true) or there is no room (false: call it again when there is). */
  run(writer: NetlinkWriter, offer: (buf: Uint8Array, start: number, end: number) => boolean): boolean {
    for (;;) {
      const { nextMessage, nextPrefix, shown } = this;
      writer.reset();
      const done = this.fill(writer);
      if (!offer(writer.buffer, 0, writer.length)) {
        this.nextMessage = nextMessage;
        this.nextPrefix = nextPrefix;
        this.shown = shown;
        return false;
      }
      if (done) return true;
    }
  }

  /** Ids of bodies are about to be given out anew. */
  forget(): void {
    this.verdicts.fill(0);
  }

  /** The next datagram; true when it is the last. */
  private fill(writer: NetlinkWriter): boolean {
    writer.reserve(DATAGRAM);
    while (this.nextMessage < this.messages.length) {
      const message = this.messages[this.nextMessage]!;
      if (writer.length > 0 && writer.length + message.length > DATAGRAM) return false;
      this.copy(writer, message);
      this.nextMessage++;
    }
    if (this.filter !== undefined && !this.fillRoutes(writer)) return false;
    encodeDone(writer, this.seq, this.pid, this.errno);
    return true;
  }

  private copy(writer: NetlinkWriter, message: Uint8Array): void {
    const at = writer.length;
    writer.bytes(message);
    writer.pad();
    writeU16(writer.buffer, at + 6, this.flags);
    writeU32(writer.buffer, at + 8, this.seq);
    writeU32(writer.buffer, at + 12, this.pid);
  }

  /** Own routes from where the dump stands; false when the datagram is full before their end. */
  private fillRoutes(writer: NetlinkWriter): boolean {
    const { routes } = this.parts;
    const limit = Math.min(routes.limit, this.parts.prefixes.limit);
    for (; this.nextPrefix < limit; this.nextPrefix++) {
      const prefix = this.nextPrefix;
      if (!routes.has(prefix)) continue;
      const single = routes.single(prefix);
      if (single !== 0) {
        if (!this.passes(prefix, single)) continue;
        if (!this.fits(writer, single)) return false;
        this.write(writer, prefix, single);
        continue;
      }
      // A prefix's routes go together: where the dump stands is a prefix.
      const list = routes.several(prefix)!.filter((body) => this.passes(prefix, body));
      const length = list.reduce((sum, body) => sum + this.length(body), 0);
      if (writer.length > 0 && writer.length + length > DATAGRAM) return false;
      for (const body of list) this.write(writer, prefix, body);
    }
    return true;
  }

  private fits(writer: NetlinkWriter, body: number): boolean {
    return writer.length === 0 || writer.length + this.length(body) <= DATAGRAM;
  }

  private length(body: number): number {
    return NETLINK_HEADER + this.parts.bodyTable.length(body);
  }

  private write(writer: NetlinkWriter, prefix: number, body: number): void {
    const { prefixes, bodyTable } = this.parts;
    const length = this.length(body);
    writer.reserve(length);
    const { buffer } = writer;
    const at = writer.length;
    writeU32(buffer, at, length);
    writeU16(buffer, at + 4, RTM_NEWROUTE);
    writeU16(buffer, at + 6, this.flags);
    writeU32(buffer, at + 8, this.seq);
    writeU32(buffer, at + 12, this.pid);
    writer.length = bodyTable.copyTo(body, buffer, at + NETLINK_HEADER);
    // As NLRI the prefix is its length and then its address: the length goes over the last byte of the attribute's header, which is put back.
    const address = at + NETLINK_HEADER + DESTINATION_AT;
    const kept = buffer[address - 1];
    prefixes.writeNlri(prefix, buffer, address - 1);
    buffer[at + BITS_AT] = buffer[address - 1];
    buffer[address - 1] = kept;
    this.shown++;
  }

  private passes(prefix: number, body: number): boolean {
    const filter = this.filter!;
    if ((filter.families & (1 << this.parts.prefixes.family(prefix))) === 0) return false;
    if (filter.table === 0 && filter.protocol === 0 && filter.type === 0 && filter.ifindex === 0) return true;
    if (body >= this.verdicts.length) this.growVerdicts(body);
    if (this.verdicts[body] === 0) this.verdicts[body] = this.judge(filter, body) ? 1 : 2;
    return this.verdicts[body] === 1;
  }

  private judge(filter: RouteFilter, body: number): boolean {
    const { bodies } = this.parts;
    return (
      (filter.table === 0 || bodies.routingTable(body) === filter.table) &&
      (filter.protocol === 0 || bodies.protocol(body) === filter.protocol) &&
      (filter.type === 0 || bodies.type(body) === filter.type) &&
      (filter.ifindex === 0 || bodies.usesInterface(body, filter.ifindex))
    );
  }

  private growVerdicts(body: number): void {
    const grown = new Uint8Array(Math.max(body + 1, this.verdicts.length * 2));
    grown.set(this.verdicts);
    this.verdicts = grown;
  }
}
