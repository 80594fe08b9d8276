// Labels and control messages: the layouts that the shim and the hypervisor share (preload/shim/btr.h is the other side).
// A label is the abstract name of a virtual socket and says everything a daemon may ask about it.
import { addressBytes, addressFamily, formatAddress } from './address.js';

export const LABEL_LENGTH = 56;
const MAGIC = [0x42, 0x54, 0x52, 0x31];
const STREAM = 'S'.charCodeAt(0);
const NETLINK = 'N'.charCodeAt(0);

/** A listening socket of a replica. */
export interface ListenerLabel {
  family: 4 | 6;
  /** Wildcard listeners have 0.0.0.0 or ::. */
  address: string;
  port: number;
  /** Hexadecimal; tells two listeners on one address apart. */
  id: string;
}

/** A connection as the replica will see it. */
export interface ConnectionLabel {
  localAddress: string;
  localPort: number;
  peerAddress: string;
  peerPort: number;
  /** Interface index that link-local addresses belong to; 0 otherwise. */
  scopeId: number;
}

/** The label of a stream that is handed to a replica. `unique`: 8 bytes that no other label of this host has. */
export function encodeConnectionLabel(connection: ConnectionLabel, unique: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(LABEL_LENGTH);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  bytes[4] = STREAM;
  bytes[5] = addressFamily(connection.localAddress);
  view.setUint16(6, connection.localPort);
  view.setUint16(8, connection.peerPort);
  view.setUint32(12, connection.scopeId);
  bytes.set(addressBytes(connection.localAddress), 16);
  bytes.set(addressBytes(connection.peerAddress), 32);
  bytes.set(unique, 48);
  return bytes;
}

function isLabel(bytes: Uint8Array): boolean {
  return bytes.length === LABEL_LENGTH && MAGIC.every((byte, i) => bytes[i] === byte);
}

/** The port id of a netlink socket's label. */
function decodeNetlinkLabel(bytes: Uint8Array): number | undefined {
  if (!isLabel(bytes) || bytes[4] !== NETLINK) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(12);
}

function decodeListenerLabel(bytes: Uint8Array): ListenerLabel | undefined {
  if (!isLabel(bytes)) return undefined;
  const family = bytes[5];
  if (family !== 4 && family !== 6) return undefined;
  return {
    family,
    address: formatAddress(family, bytes.subarray(16, 32)),
    port: new DataView(bytes.buffer, bytes.byteOffset).getUint16(6),
    id: Buffer.from(bytes.subarray(48)).toString('hex'),
  };
}

/** What the shim says over the control socket; every message names the process it came from. */
export type ControlMessage =
  | { kind: 'hello'; pid: number }
  | { kind: 'bound' | 'listening' | 'refused'; pid: number; label: ListenerLabel }
  | { kind: 'warn'; pid: number; text: string }
  | { kind: 'netlink'; pid: number; portId: number }
  | { kind: 'unknown'; pid: number };

const KINDS = ['unknown', 'hello', 'bound', 'listening', 'refused', 'warn', 'netlink'] as const;

/** Never throws: what cannot be understood is `unknown`. */
export function decodeControlMessage(bytes: Uint8Array): ControlMessage {
  if (bytes.length < 8) return { kind: 'unknown', pid: 0 };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const kind = KINDS[view.getUint32(0)] ?? 'unknown';
  const pid = view.getUint32(4);
  const body = bytes.subarray(8);
  if (kind === 'hello' || kind === 'unknown') return { kind, pid };
  if (kind === 'warn') return { kind, pid, text: new TextDecoder().decode(body) };
  if (kind === 'netlink') {
    const portId = decodeNetlinkLabel(body);
    return portId === undefined ? { kind: 'unknown', pid } : { kind, pid, portId };
  }
  const label = decodeListenerLabel(body);
  return label ? { kind, pid, label } : { kind: 'unknown', pid };
}
