// The cheapest reading of IPv4 UPDATEs that a benchmark's sink can do, and the filter that makes its input one that all
// daemons accept. Not for anything that may meet malformed messages: wire/bgp/update.ts is for that.
import { NlriCursor } from '../wire/bgp/nlri.js';
import { HEADER_LENGTH, MARKER_LENGTH, MessageType } from '../wire/bgp/message.js';
import { IPV4_UNICAST } from '../wire/family.js';
import type { PrefixTable } from '../wire/prefix-table.js';

/** Counts what a session has announced, each prefix once. */
export class PrefixSink {
  /** Prefixes announced at least once. */
  distinct = 0;
  /** Announcements, changes of the same prefix included. */
  announcements = 0;
  withdrawals = 0;
  messages = 0;
  readonly #prefixes: PrefixTable;
  readonly #cursor = new NlriCursor();
  #seen = new Uint8Array(1 << 20);

  constructor(prefixes: PrefixTable) {
    this.#prefixes = prefixes;
  }

  /** Takes one UPDATE, header included. */
  update(buf: Uint8Array, start: number, end: number): void {
    this.messages++;
    const withdrawnAt = start + HEADER_LENGTH + 2;
    const attributesAt = withdrawnAt + u16(buf, withdrawnAt - 2) + 2;
    const nlriAt = attributesAt + u16(buf, attributesAt - 2);
    const cursor = this.#cursor;
    cursor.reset(buf, withdrawnAt, attributesAt - 2, IPV4_UNICAST);
    while (cursor.next()) this.withdrawals++;
    cursor.reset(buf, nlriAt, end, IPV4_UNICAST);
    while (cursor.next()) {
      this.announcements++;
      const id = this.#prefixes.intern(IPV4_UNICAST, buf, cursor.at, cursor.bits);
      if (id >= this.#seen.length) this.#grow(id);
      this.distinct += 1 - this.#seen[id]!;
      this.#seen[id] = 1;
    }
  }

  #grow(id: number): void {
    const larger = new Uint8Array(Math.max(2 * this.#seen.length, id + 1));
    larger.set(this.#seen);
    this.#seen = larger;
  }
}

/**
 * Rewrites a stream of UPDATEs, leaving out the IPv4 prefixes that some daemon refuses by itself, those that occur twice,
 * and what lies beyond `limit` prefixes. Returns the new stream and how many prefixes are in it.
 */
export function keepAcceptable(
  bytes: Uint8Array,
  prefixes: PrefixTable,
  limit = Infinity,
): { bytes: Uint8Array; prefixes: number } {
  const out = new Uint8Array(bytes.length);
  const cursor = new NlriCursor();
  let length = 0;
  let kept = 0;
  for (let start = 0; start < bytes.length && kept < limit;) {
    const end = start + u16(bytes, start + MARKER_LENGTH);
    const attributesAt = start + HEADER_LENGTH + 2 + u16(bytes, start + HEADER_LENGTH) + 2;
    const nlriAt = attributesAt + u16(bytes, attributesAt - 2);
    if (bytes[start + HEADER_LENGTH - 1] === MessageType.UPDATE && nlriAt < end) {
      const head = length;
      const before = kept;
      out.set(bytes.subarray(start, nlriAt), head);
      let at = head + (nlriAt - start);
      cursor.reset(bytes, nlriAt, end, IPV4_UNICAST);
      while (kept < limit && cursor.next()) {
        if (isRefused(bytes, cursor.at, cursor.bits)) continue;
        const size = prefixes.size;
        prefixes.intern(IPV4_UNICAST, bytes, cursor.at, cursor.bits);
        if (prefixes.size === size) continue;
        const nlriLength = 1 + ((cursor.bits + 7) >> 3);
        out.set(bytes.subarray(cursor.at - 1, cursor.at - 1 + nlriLength), at);
        at += nlriLength;
        kept++;
      }
      out[head + MARKER_LENGTH] = (at - head) >> 8;
      out[head + MARKER_LENGTH + 1] = (at - head) & 255;
      if (kept > before) length = at;
    }
    start = end;
  }
  return { bytes: out.slice(0, length), prefixes: kept };
}

/** Default route, this network, private space, loopback, link-local, multicast and above. */
function isRefused(buf: Uint8Array, at: number, bits: number): boolean {
  if (bits < 8) return true;
  const [a, b] = [buf[at]!, bits > 8 ? buf[at + 1]! : 0];
  if (a === 0 || a === 10 || a === 127 || a >= 224) return true;
  return (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 169 && b === 254);
}

function u16(buf: Uint8Array, at: number): number {
  return (buf[at]! << 8) | buf[at + 1]!;
}
