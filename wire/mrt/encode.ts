// Writing MRT: BGP4MP_ET messages and state changes (vote evidence, captures) and TABLE_DUMP_V2 (synthetic tables).
// Owns the bytes of a record; files and streams belong to traces/.
import { Bgp4mpSubtype, MrtType, RibSubtype } from './types.js';
import type { MrtPeer } from './table-dump-v2.js';

/** The session a message belongs to. Both addresses have the same length, 4 or 16 bytes. */
export interface SessionEnds {
  readonly peerAs: number;
  readonly localAs: number;
  readonly peerAddress: Uint8Array;
  readonly localAddress: Uint8Array;
}

function header(out: DataView, type: number, subtype: number, seconds: number): void {
  out.setUint32(0, seconds);
  out.setUint16(4, type);
  out.setUint16(6, subtype);
  out.setUint32(8, out.byteLength - 12);
}

/** Bytes of the common header with the extended timestamp. */
const ET_HEADER = 16;
/** Stands for an AS number above 65535 where there is only room for two bytes (RFC 6793). */
const AS_TRANS = 23456;

/** What all BGP4MP records of a session begin with: AS numbers (of four bytes, or two), interface index, addresses. */
export function bgp4mpFields({ peerAs, localAs, peerAddress, localAddress }: SessionEnds, as4 = true): Uint8Array {
  const width = peerAddress.length;
  const asWidth = as4 ? 4 : 2;
  const fields = new Uint8Array(2 * asWidth + 4 + 2 * width);
  const view = new DataView(fields.buffer);
  for (const [at, as] of [
    [0, peerAs],
    [asWidth, localAs],
  ]) {
    if (as4) view.setUint32(at, as);
    else view.setUint16(at, as > 0xffff ? AS_TRANS : as);
  }
  view.setUint16(2 * asWidth + 2, width === 4 ? 1 : 2);
  fields.set(peerAddress, 2 * asWidth + 4);
  fields.set(localAddress, 2 * asWidth + 4 + width);
  return fields;
}

/** Length of a BGP4MP_ET record of a session with these fields, with `tail` bytes of message or state change. */
export function bgp4mpEtLength(fields: Uint8Array, tail: number): number {
  return ET_HEADER + fields.length + tail;
}

/**
 * Writes a BGP4MP_ET record but for its last `tail` bytes, and returns where these go. `time`: ms since 1970, kept to the microsecond.
 * The caller has made sure of the room (bgp4mpEtLength).
 */
export function putBgp4mpEt(
  out: Uint8Array,
  at: number,
  time: number,
  subtype: number,
  fields: Uint8Array,
  tail: number,
): number {
  const micros = Math.round(time * 1000);
  put32(out, at, Math.floor(micros / 1e6));
  put32(out, at + 4, (MrtType.BGP4MP_ET << 16) | subtype);
  put32(out, at + 8, 4 + fields.length + tail);
  put32(out, at + 12, micros % 1e6);
  out.set(fields, at + ET_HEADER);
  return at + ET_HEADER + fields.length;
}

function put32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}

/** A BGP4MP_ET record around `tail`. */
function bgp4mpEt(time: number, subtype: number, ends: SessionEnds, tail: Uint8Array): Uint8Array {
  const fields = bgp4mpFields(ends);
  const record = new Uint8Array(bgp4mpEtLength(fields, tail.length));
  record.set(tail, putBgp4mpEt(record, 0, time, subtype, fields, tail.length));
  return record;
}

/** One BGP message (header included, 4-byte AS numbers inside) as BGP4MP_ET MESSAGE_AS4, or its _LOCAL form when sent. */
export function encodeMessageEt(time: number, ends: SessionEnds, message: Uint8Array, sent = false): Uint8Array {
  return bgp4mpEt(time, sent ? Bgp4mpSubtype.MESSAGE_AS4_LOCAL : Bgp4mpSubtype.MESSAGE_AS4, ends, message);
}

/** BGP4MP_ET STATE_CHANGE_AS4; states as in RFC 4271: 1 Idle to 6 Established. */
export function encodeStateChangeEt(time: number, ends: SessionEnds, oldState: number, newState: number): Uint8Array {
  return bgp4mpEt(time, Bgp4mpSubtype.STATE_CHANGE_AS4, ends, new Uint8Array([0, oldState, 0, newState]));
}

/** A PEER_INDEX_TABLE record. `seconds` since 1970; at most 65,535 peers; the view name must be ASCII. */
export function encodePeerIndexTable(
  seconds: number,
  collector: Uint8Array,
  viewName: string,
  peers: readonly MrtPeer[],
): Uint8Array {
  const length = peers.reduce((sum, peer) => sum + 9 + peer.address.length, 0);
  const record = new Uint8Array(12 + 8 + viewName.length + length);
  const view = new DataView(record.buffer);
  header(view, MrtType.TABLE_DUMP_V2, RibSubtype.PEER_INDEX_TABLE, seconds);
  record.set(collector, 12);
  view.setUint16(16, viewName.length);
  for (let i = 0; i < viewName.length; i++) record[18 + i] = viewName.charCodeAt(i);
  let at = 18 + viewName.length;
  view.setUint16(at, peers.length);
  at += 2;
  for (const peer of peers) {
    record[at] = 2 | (peer.address.length === 16 ? 1 : 0);
    record.set(peer.id, at + 1);
    record.set(peer.address, at + 5);
    view.setUint32(at + 5 + peer.address.length, peer.as);
    at += 9 + peer.address.length;
  }
  return record;
}

/** One route in a RIB record. Attributes: wire form, 4-byte AS path, MP_REACH_NLRI reduced to length and next hop. */
export interface RibEntry {
  readonly peerIndex: number;
  readonly originatedTime: number;
  readonly attributes: Uint8Array;
}

/** A RIB_IPV4_UNICAST or RIB_IPV6_UNICAST record for one prefix, given as NLRI (length byte, then its bytes). */
export function encodeRib(
  seconds: number,
  family: 0 | 1,
  sequence: number,
  nlri: Uint8Array,
  entries: readonly RibEntry[],
): Uint8Array {
  const length = entries.reduce((sum, entry) => sum + 8 + entry.attributes.length, 0);
  const record = new Uint8Array(12 + 4 + nlri.length + 2 + length);
  const view = new DataView(record.buffer);
  const subtype = family === 0 ? RibSubtype.RIB_IPV4_UNICAST : RibSubtype.RIB_IPV6_UNICAST;
  header(view, MrtType.TABLE_DUMP_V2, subtype, seconds);
  view.setUint32(12, sequence);
  record.set(nlri, 16);
  let at = 16 + nlri.length;
  view.setUint16(at, entries.length);
  at += 2;
  for (const entry of entries) {
    view.setUint16(at, entry.peerIndex);
    view.setUint32(at + 2, entry.originatedTime);
    view.setUint16(at + 6, entry.attributes.length);
    record.set(entry.attributes, at + 8);
    at += 8 + entry.attributes.length;
  }
  return record;
}
