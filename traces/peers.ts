// The peers of a trace: who they are, in the order of their first appearance, and how a user names one.
import { formatAddress } from '../wire/ip.js';

/** One peer of the collector: an address and an AS number. */
export interface TracePeer {
  /** Place in the list of the trace's peers, from 0. For a RIB: the index of its PEER_INDEX_TABLE. */
  readonly index: number;
  readonly address: string;
  readonly as: number;
}

/** Finds a peer by the bytes in a record without building its text each time. */
export class PeerDirectory {
  readonly peers: TracePeer[] = [];
  readonly #known = new Map<string, TracePeer>();

  find(buf: Uint8Array, at: number, length: number, as: number): TracePeer {
    let key = `${as}`;
    for (let i = at; i < at + length; i += 2) key += String.fromCharCode((buf[i] << 8) | buf[i + 1]);
    let peer = this.#known.get(key);
    if (peer === undefined) {
      peer = { index: this.peers.length, address: formatAddress(buf.subarray(at, at + length)), as };
      this.#known.set(key, peer);
      this.peers.push(peer);
    }
    return peer;
  }
}

/** "196.223.21.66 AS30844" */
export function peerName(peer: TracePeer): string {
  return `${peer.address} AS${peer.as}`;
}

/** Whether `wanted` names this peer: `AS30844` or `30844` (its AS), its address, `#3` (its index) or `all`. */
export function matchesPeer(wanted: string, peer: TracePeer): boolean {
  if (wanted === 'all') return true;
  if (wanted.startsWith('#')) return wanted === `#${peer.index}`;
  if (/^(AS)?[0-9]+$/i.test(wanted)) return Number(wanted.replace(/^AS/i, '')) === peer.as;
  return wanted.toLowerCase() === peer.address;
}
