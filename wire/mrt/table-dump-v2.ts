// TABLE_DUMP_V2 (RFC 6396 section 4.3, RFC 8050 section 4): the peer index table and the RIB records of IPv4 and IPv6
// unicast, with or without path identifiers. Multicast and generic RIBs are not read (the caller skips and counts them).
import type { Family } from '../family.js';
import { RibSubtype, u16, u32, type MrtError } from './types.js';

/** One peer of the table; its place in the list is the index that the RIB entries use. */
export interface MrtPeer {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly as: number;
  /** BGP identifier, four bytes. */
  readonly id: Uint8Array;
}

export interface PeerIndexTable {
  /** BGP identifier of the collector, four bytes. */
  readonly collector: Uint8Array;
  readonly viewName: string;
  readonly peers: MrtPeer[];
}

/** Decodes a PEER_INDEX_TABLE body; what it returns does not share memory with `buf`. */
export function decodePeerIndexTable(buf: Uint8Array, start: number, end: number): PeerIndexTable | MrtError {
  if (end - start < 8) return { reason: 'PEER_INDEX_TABLE is too short', at: end };
  const nameLength = u16(buf, start + 4);
  let at = start + 6 + nameLength;
  if (at + 2 > end) return { reason: 'PEER_INDEX_TABLE ends inside its view name', at: end };
  const viewName = String.fromCharCode(...buf.subarray(start + 6, start + 6 + Math.min(nameLength, 255)));
  const count = u16(buf, at);
  at += 2;
  const peers: MrtPeer[] = [];
  for (let i = 0; i < count; i++) {
    if (at >= end) return { reason: `PEER_INDEX_TABLE has ${i} of ${count} peers`, at };
    const addressLength = (buf[at] & 1) === 0 ? 4 : 16;
    const asLength = (buf[at] & 2) === 0 ? 2 : 4;
    const next = at + 5 + addressLength + asLength;
    if (next > end) return { reason: `PEER_INDEX_TABLE ends inside peer ${i} of ${count}`, at: end };
    const asAt = next - asLength;
    peers.push({
      id: buf.slice(at + 1, at + 5),
      address: buf.slice(at + 5, asAt),
      as: asLength === 2 ? u16(buf, asAt) : u32(buf, asAt),
    });
    at = next;
  }
  return { collector: buf.slice(start, start + 4), viewName, peers };
}

/** Whether a RibView can read this subtype of TABLE_DUMP_V2. */
export function isUnicastRib(subtype: number): boolean {
  return (
    subtype === RibSubtype.RIB_IPV4_UNICAST ||
    subtype === RibSubtype.RIB_IPV6_UNICAST ||
    subtype === RibSubtype.RIB_IPV4_UNICAST_ADDPATH ||
    subtype === RibSubtype.RIB_IPV6_UNICAST_ADDPATH
  );
}

/**
 * A RIB record: one prefix and the routes that peers have to it. open() reads the prefix, next() steps through the
 * entries without allocating. Attributes are in wire form, with 4-byte AS paths and an MP_REACH_NLRI that by RFC 6396
 * section 4.3.4 holds only the next hop (some collectors write the whole attribute).
 */
export class RibView {
  buffer: Uint8Array = new Uint8Array(0);
  family: Family = 0;
  sequence = 0;
  /** The prefix as NLRI: one byte of length in bits, then its bytes. */
  nlriStart = 0;
  nlriEnd = 0;
  bits = 0;
  entryCount = 0;
  peerIndex = 0;
  /** Seconds since 1970. */
  originatedTime = 0;
  pathId = 0;
  attributesStart = 0;
  attributesEnd = 0;
  error: MrtError | undefined;
  #addPath = false;
  #at = 0;
  #end = 0;
  #left = 0;

  /** Reads the prefix of the body `buf[start..end)`. False: `error` says what is wrong. */
  open(buf: Uint8Array, start: number, end: number, subtype: number): boolean {
    this.error = undefined;
    this.#left = 0;
    if (!isUnicastRib(subtype)) return this.#fail(`TABLE_DUMP_V2 subtype ${subtype} is not a unicast RIB`, start);
    this.#addPath = subtype >= RibSubtype.RIB_IPV4_UNICAST_ADDPATH;
    this.family = subtype === RibSubtype.RIB_IPV4_UNICAST || subtype === RibSubtype.RIB_IPV4_UNICAST_ADDPATH ? 0 : 1;
    if (end - start < 7) return this.#fail('RIB record is too short', end);
    this.buffer = buf;
    this.sequence = u32(buf, start);
    this.bits = buf[start + 4];
    if (this.bits > (this.family === 0 ? 32 : 128)) return this.#fail(`prefix length ${this.bits}`, start + 4);
    this.nlriStart = start + 4;
    this.nlriEnd = start + 5 + ((this.bits + 7) >> 3);
    if (this.nlriEnd + 2 > end) return this.#fail('RIB record ends inside its prefix', end);
    this.entryCount = u16(buf, this.nlriEnd);
    this.#left = this.entryCount;
    this.#at = this.nlriEnd + 2;
    this.#end = end;
    return true;
  }

  /** Steps to the next entry. False at the end, or when the entries are broken (`error` is set then). */
  next(): boolean {
    if (this.#left === 0) return false;
    const { buffer } = this;
    let at = this.#at;
    const fixed = this.#addPath ? 12 : 8;
    if (at + fixed > this.#end) return this.#fail('RIB entry is cut short', this.#end);
    this.peerIndex = u16(buffer, at);
    this.originatedTime = u32(buffer, at + 2);
    this.pathId = this.#addPath ? u32(buffer, at + 6) : 0;
    at += fixed;
    const attributesEnd = at + u16(buffer, at - 2);
    if (attributesEnd > this.#end) return this.#fail('RIB entry has attributes past the end of the record', at);
    this.attributesStart = at;
    this.attributesEnd = attributesEnd;
    this.#at = attributesEnd;
    this.#left--;
    return true;
  }

  #fail(reason: string, at: number): false {
    this.error = { reason, at };
    this.#left = 0;
    return false;
  }
}
