// The peers of a trace: who they are, in the order of their first appearance, and how a user names one.
import { formatAddress } from '../wire/ip.js';

/** One peer of the collector: an address and an AS number. */
export interface TracePeer {
  /** Place in the list of the trace's peers, from 0. For a RIB: the index of its PEER_INDEX_TABLE. */
  readonly index: number;
  readonly address: string;
  readonly as: number;
  /** What the collector sent to this peer (BGP4MP *_LOCAL), with the collector's AS; undefined: what the peer sent. */
  readonly sentBy?: number;
}

/** Finds a peer by the bytes in a record without building its text each time. */
export class PeerDirectory {
  readonly peers: TracePeer[] = [];
  readonly #known = new Map<string, TracePeer>();

  find(buf: Uint8Array, at: number, length: number, as: number, sentBy?: number): TracePeer {
    let key = sentBy === undefined ? `${as} ` : `${as}<${sentBy} `;
    for (let i = at; i < at + length; i += 2) key += String.fromCharCode((buf[i] << 8) | buf[i + 1]);
    let peer = this.#known.get(key);
    if (peer === undefined) {
      const address = formatAddress(buf.subarray(at, at + length));
      peer = { index: this.peers.length, address, as, ...(sentBy !== undefined && { sentBy }) };
      this.#known.set(key, peer);
      this.peers.push(peer);
    }
    return peer;
  }
}

/** "196.223.21.66 AS30844"; "sent to 196.223.21.66 AS30844" */
export function peerName(peer: TracePeer): string {
  return `${peer.sentBy === undefined ? '' : 'sent to '}${peer.address} AS${peer.as}`;
}

/**
 * Whether `wanted` names this peer: `AS30844` or `30844` (its AS), its address, `#3` (its index) or `all`; with `received:` or `sent:` in
 * front only what the peer sent, or what it was sent.
 */
export function matchesPeer(wanted: string, peer: TracePeer): boolean {
  const way = /^(sent|received):(.*)$/.exec(wanted);
  if (way !== null) return (way[1] === 'sent') === (peer.sentBy !== undefined) && matchesPeer(way[2], peer);
  if (wanted === 'all') return true;
  if (wanted.startsWith('#')) return wanted === `#${peer.index}`;
  if (/^(AS)?[0-9]+$/i.test(wanted)) return Number(wanted.replace(/^AS/i, '')) === peer.as;
  return wanted.toLowerCase() === peer.address;
}
