// BMP messages as bytes (RFC 7854, RFC 8671 for Adj-RIB-Out, RFC 9069 for Loc-RIB). Appends to a ByteWriter; pure. What is said when, and
// to whom, is hypervisor/bmp/.
import type { ByteWriter } from '../byte-writer.js';
import { BMP_VERSION, BmpPeerFlag, BmpPeerType, BmpStatistic, BmpTermination, BmpType } from './types.js';

const COMMON_HEADER = 6;
const PEER_HEADER = 42;
const TIME_AT = 34;
const MAX_TLV = 0xffff;

export interface BmpPeer {
  /** 4 or 16 bytes; empty for a Loc-RIB. */
  address: Uint8Array;
  as: number;
  /** BGP identifier, four bytes. */
  id: Uint8Array;
  /** BmpPeerType; default GLOBAL. */
  type?: number;
  /** BmpPeerFlag; IPV6 follows from the address. Default 0. */
  flags?: number;
}

/** The per-peer header of RFC 7854 section 4.2, to be used for many messages; its time is written with each of them. */
export function peerHeader({ address, as, id, type = BmpPeerType.GLOBAL, flags = 0 }: BmpPeer): Uint8Array {
  const header = new Uint8Array(PEER_HEADER);
  const view = new DataView(header.buffer);
  header[0] = type;
  header[1] = flags | (address.length === 16 ? BmpPeerFlag.IPV6 : 0);
  header.set(address, 26 - address.length);
  view.setUint32(26, as);
  header.set(id, 30);
  return header;
}

/** Common header with length 0; returns where the message begins, for end(). */
function begin(out: ByteWriter, type: number): number {
  const start = out.length;
  out.u8(BMP_VERSION);
  out.u32(0);
  out.u8(type);
  return start;
}

function end(out: ByteWriter, start: number): void {
  const length = out.length - start;
  out.setU16(start + 1, length >>> 16);
  out.setU16(start + 3, length & 0xffff);
}

/** `time`: ms since 1970; 0 when it is not known. */
function peer(out: ByteWriter, header: Uint8Array, time: number): void {
  out.bytes(header, 0, TIME_AT);
  const micros = Math.round(time * 1000);
  out.u32(Math.floor(micros / 1e6));
  out.u32(micros % 1e6);
}

function tlv(out: ByteWriter, type: number, value: Uint8Array): void {
  const length = Math.min(value.length, MAX_TLV);
  out.u16(type);
  out.u16(length);
  out.bytes(value, 0, length);
}

/** An information TLV: BmpInformation and UTF-8 text (cut at 65,535 bytes). */
export type Information = readonly [type: number, text: string];

function information(out: ByteWriter, list: readonly Information[]): void {
  for (const [type, text] of list) tlv(out, type, new TextEncoder().encode(text));
}

/** Initiation (section 4.3): who the router is. RFC 7854 wants SYS_DESCR and SYS_NAME in it. */
export function writeInitiation(out: ByteWriter, list: readonly Information[]): void {
  const start = begin(out, BmpType.INITIATION);
  information(out, list);
  end(out, start);
}

/** Termination (section 4.5). The reason comes first: there are decoders that look at one TLV only. */
export function writeTermination(out: ByteWriter, reason: number, text: string): void {
  const start = begin(out, BmpType.TERMINATION);
  tlv(out, BmpTermination.REASON, Uint8Array.of(reason >> 8, reason));
  information(out, [[BmpTermination.STRING, text]]);
  end(out, start);
}

/** The near end of a session and its OPENs, whole messages. */
export interface BmpSession {
  /** 4 or 16 bytes; empty for a Loc-RIB. */
  localAddress: Uint8Array;
  /** 0: not known. */
  localPort: number;
  remotePort: number;
  sentOpen: Uint8Array;
  receivedOpen: Uint8Array;
}

/** Peer Up (section 4.10). */
export function writePeerUp(
  out: ByteWriter,
  header: Uint8Array,
  time: number,
  session: BmpSession,
  list: readonly Information[] = [],
): void {
  const start = begin(out, BmpType.PEER_UP);
  peer(out, header, time);
  const { localAddress } = session;
  for (let i = localAddress.length; i < 16; i++) out.u8(0);
  out.bytes(localAddress);
  out.u16(session.localPort);
  out.u16(session.remotePort);
  out.bytes(session.sentOpen);
  out.bytes(session.receivedOpen);
  information(out, list);
  end(out, start);
}

/** Why a session ended: `data` is the NOTIFICATION (whole message) or the event, as the reason wants it. */
export interface BmpDown {
  reason: number;
  data?: Uint8Array;
}

/** Peer Down (section 4.9). */
export function writePeerDown(out: ByteWriter, header: Uint8Array, time: number, { reason, data }: BmpDown): void {
  const start = begin(out, BmpType.PEER_DOWN);
  peer(out, header, time);
  out.u8(reason);
  if (data !== undefined) out.bytes(data);
  end(out, start);
}

/** Route Monitoring (section 4.6) around one UPDATE: bytes from..to of `update`, its header included. */
export function writeRouteMonitoring(
  out: ByteWriter,
  header: Uint8Array,
  time: number,
  update: Uint8Array,
  from: number,
  to: number,
): void {
  out.reserve(COMMON_HEADER + PEER_HEADER + to - from);
  const start = begin(out, BmpType.ROUTE_MONITORING);
  peer(out, header, time);
  out.bytes(update, from, to);
  end(out, start);
}

const COUNTERS = new Set<number>([BmpStatistic.UPDATES_TREATED_AS_WITHDRAW]);

/** Statistics Report (section 4.8): pairs of BmpStatistic and value. */
export function writeStatistics(
  out: ByteWriter,
  header: Uint8Array,
  time: number,
  statistics: readonly (readonly [type: number, value: number])[],
): void {
  const start = begin(out, BmpType.STATISTICS_REPORT);
  peer(out, header, time);
  out.u32(statistics.length);
  for (const [type, value] of statistics) {
    const isCounter = COUNTERS.has(type);
    out.u16(type);
    out.u16(isCounter ? 4 : 8);
    if (!isCounter) out.u32(Math.floor(value / 2 ** 32));
    // A counter that has come to its end begins anew.
    out.u32(value % 2 ** 32);
  }
  end(out, start);
}
