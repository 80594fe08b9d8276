// Neighbour table entries, ARP and ND (struct ndmsg). The rest stays in the raw message.
import { NDA_DST, NDA_LLADDR, NDMSG_LENGTH } from './constants.js';
import { AttributeCursor, readU16, readU32 } from './message.js';

export interface NeighborEntry {
  /** AF_INET, AF_INET6, or AF_BRIDGE for a bridge's forwarding table. */
  family: number;
  /** Of the interface. */
  index: number;
  /** NUD_*. */
  state: number;
  /** NTF_*. */
  flags: number;
  address: Uint8Array;
  /** Empty while it is not known. */
  linkLayerAddress: Uint8Array;
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Takes the body payload..end of a neighbour message apart; a string says what is wrong with it. Never throws. */
export function decodeNeighbor(buf: Uint8Array, payload: number, end: number): NeighborEntry | string {
  if (end - payload < NDMSG_LENGTH) return 'neighbour message is cut off';
  const entry: NeighborEntry = {
    family: buf[payload],
    index: readU32(buf, payload + 4),
    state: readU16(buf, payload + 8),
    flags: buf[payload + 10],
    address: NO_BYTES,
    linkLayerAddress: NO_BYTES,
  };
  const cursor = new AttributeCursor();
  cursor.reset(buf, payload + NDMSG_LENGTH, end);
  while (cursor.next()) {
    if (cursor.type === NDA_DST) entry.address = buf.slice(cursor.at, cursor.at + cursor.length);
    else if (cursor.type === NDA_LLADDR) entry.linkLayerAddress = buf.slice(cursor.at, cursor.at + cursor.length);
  }
  return cursor.error === undefined ? entry : `neighbour message: ${cursor.error}`;
}
