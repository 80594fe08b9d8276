// Builds UPDATE messages out of route attributes and prefix ids, as few as the message length allows.
// IPv4 goes into the classic fields, IPv6 into MP_REACH_NLRI (first attribute, RFC 7606 section 5.1) and MP_UNREACH_NLRI.
import type { ByteWriter } from '../byte-writer.js';
import { afiOf, IPV4_UNICAST, safiOf } from '../family.js';
import type { Family } from '../family.js';
import type { PrefixTable } from '../prefix-table.js';
import { AttributeCursor, AttributeFlag, AttributeType } from './attributes.js';
import { beginMessage, endMessage, HEADER_LENGTH, MessageType } from './message.js';

// Message length without attributes and prefixes: header and the two length fields.
const FIXED = HEADER_LENGTH + 4;
// MP_REACH_NLRI without next hop and prefixes: header of 4 bytes, AFI, SAFI, next hop length, reserved byte.
const MP_REACH_FIXED = 4 + 5;
const MP_UNREACH_FIXED = 4 + 3;

export class UpdatePacker {
  /** 4096, or 65535 where extended messages are negotiated (RFC 8654). */
  maxMessageLength: number;
  private readonly cursor = new AttributeCursor();
  // The parts of the route attributes under way: everything but the reduced type 14, and that one's value.
  private nextHopStart = 0;
  private nextHopEnd = 0;
  private mpStart = 0;
  private mpEnd = 0;

  constructor(maxMessageLength: number) {
    this.maxMessageLength = maxMessageLength;
  }

  /**
   * Appends UPDATEs that announce the prefixes ids[from..to) with the route attributes `attrs`. Returns false, and writes nothing, when
   * the attributes leave no room for the longest of the prefixes or, for IPv6, hold no next hop.
   */
  announce(
    family: Family,
    attrs: Uint8Array,
    table: PrefixTable,
    ids: Uint32Array,
    from: number,
    to: number,
    out: ByteWriter,
  ): boolean {
    const hasMp = this.findNextHop(attrs);
    if (family !== IPV4_UNICAST && !hasMp) return false;
    const others = attrs.length - (this.mpEnd - this.mpStart);
    const mp = family === IPV4_UNICAST ? 0 : MP_REACH_FIXED + (this.nextHopEnd - this.nextHopStart);
    const room = this.maxMessageLength - FIXED - others - mp;
    if (!fits(table, ids, from, to, room)) return false;
    for (let at = from; at < to;) {
      const message = beginMessage(out, MessageType.UPDATE);
      out.u16(0);
      at =
        family === IPV4_UNICAST
          ? this.writeClassic(attrs, others, table, ids, at, to, room, out)
          : this.writeMpReach(family, attrs, table, ids, at, to, room, out);
      endMessage(out, message);
    }
    return true;
  }

  /** Appends UPDATEs that withdraw the prefixes ids[from..to). */
  withdraw(family: Family, table: PrefixTable, ids: Uint32Array, from: number, to: number, out: ByteWriter): void {
    const classic = family === IPV4_UNICAST;
    const room = this.maxMessageLength - FIXED - (classic ? 0 : MP_UNREACH_FIXED);
    for (let at = from; at < to;) {
      const message = beginMessage(out, MessageType.UPDATE);
      const lengthAt = out.length;
      out.u16(0);
      if (!classic) {
        out.u16(0);
        beginMp(AttributeType.MP_UNREACH_NLRI, family, out);
      }
      const listAt = out.length;
      at = writePrefixes(table, ids, at, to, room, out);
      if (classic) {
        out.setU16(lengthAt, out.length - listAt);
        out.u16(0);
      } else {
        out.setU16(lengthAt + 2, out.length - lengthAt - 4);
        out.setU16(lengthAt + 6, out.length - lengthAt - 8);
      }
      endMessage(out, message);
    }
  }

  /** Appends the End-of-RIB marker (RFC 4724 section 2). */
  endOfRib(family: Family, out: ByteWriter): void {
    const message = beginMessage(out, MessageType.UPDATE);
    out.u16(0);
    if (family === IPV4_UNICAST) {
      out.u16(0);
    } else {
      out.u16(6);
      out.u8(AttributeFlag.OPTIONAL);
      out.u8(AttributeType.MP_UNREACH_NLRI);
      out.u8(3);
      out.u16(afiOf(family));
      out.u8(safiOf(family));
    }
    endMessage(out, message);
  }

  private findNextHop(attrs: Uint8Array): boolean {
    const { cursor } = this;
    this.mpStart = this.mpEnd = this.nextHopStart = this.nextHopEnd = 0;
    cursor.reset(attrs, 0, attrs.length);
    while (cursor.next()) {
      if (cursor.type !== AttributeType.MP_REACH_NLRI) continue;
      this.mpStart = cursor.start;
      this.mpEnd = this.nextHopEnd = cursor.end;
      this.nextHopStart = cursor.valueStart;
      return true;
    }
    return false;
  }

  private writeClassic(
    attrs: Uint8Array,
    length: number,
    table: PrefixTable,
    ids: Uint32Array,
    at: number,
    to: number,
    room: number,
    out: ByteWriter,
  ): number {
    out.u16(length);
    this.writeOthers(attrs, out);
    return writePrefixes(table, ids, at, to, room, out);
  }

  private writeMpReach(
    family: Family,
    attrs: Uint8Array,
    table: PrefixTable,
    ids: Uint32Array,
    at: number,
    to: number,
    room: number,
    out: ByteWriter,
  ): number {
    const lengthAt = out.length;
    out.u16(0);
    beginMp(AttributeType.MP_REACH_NLRI, family, out);
    out.u8(this.nextHopEnd - this.nextHopStart);
    out.bytes(attrs, this.nextHopStart, this.nextHopEnd);
    out.u8(0);
    const written = writePrefixes(table, ids, at, to, room, out);
    out.setU16(lengthAt + 4, out.length - lengthAt - 6);
    this.writeOthers(attrs, out);
    out.setU16(lengthAt, out.length - lengthAt - 2);
    return written;
  }

  private writeOthers(attrs: Uint8Array, out: ByteWriter): void {
    out.bytes(attrs, 0, this.mpStart);
    out.bytes(attrs, this.mpEnd, attrs.length);
  }
}

/** The beginning of an MP attribute with a two-byte length that is still 0. */
function beginMp(type: number, family: Family, out: ByteWriter): void {
  out.u8(AttributeFlag.OPTIONAL | AttributeFlag.EXTENDED_LENGTH);
  out.u8(type);
  out.u16(0);
  out.u16(afiOf(family));
  out.u8(safiOf(family));
}

/** Writes ids[at..to) as NLRI as far as they fit into `room` bytes; returns the index of the first one left over. */
function writePrefixes(
  table: PrefixTable,
  ids: Uint32Array,
  at: number,
  to: number,
  room: number,
  out: ByteWriter,
): number {
  out.reserve(room);
  const limit = out.length + room;
  while (at < to && out.length + table.nlriSize(ids[at]) <= limit) {
    out.length = table.writeNlri(ids[at++], out.buffer, out.length);
  }
  return at;
}

// No prefix takes more than this as NLRI: 128 bits and the length byte.
const LONGEST_NLRI = 17;

/** Whether each of the prefixes fits into `room` bytes by itself. */
function fits(table: PrefixTable, ids: Uint32Array, from: number, to: number, room: number): boolean {
  if (room >= LONGEST_NLRI) return true;
  for (let i = from; i < to; i++) if (table.nlriSize(ids[i]) > room) return false;
  return true;
}
