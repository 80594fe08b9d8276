// The cheapest reading of IPv4 UPDATEs that a benchmark's sink can do, and the filter that makes its input one that all
// daemons accept. Not for anything that may meet malformed messages: wire/bgp/update.ts is for that.
import { ALWAYS_REFUSED, STANDARD_MARTIANS } from '../configs/schema/acceptance.js';
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
  /** The attributes of each announcement of the prefix that is followed, in hexadecimal. */
  readonly heard: string[] = [];
  #followed = -1;
  readonly #prefixes: PrefixTable;
  readonly #cursor = new NlriCursor();
  #seen = new Uint8Array(1 << 20);

  constructor(prefixes: PrefixTable) {
    this.#prefixes = prefixes;
  }

  /** Notes what is announced for this IPv4 prefix from now on. */
  follow(address: Uint8Array, bits: number): void {
    this.#followed = this.#prefixes.intern(IPV4_UNICAST, address, 0, bits);
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
      if (id === this.#followed) this.heard.push(Buffer.from(buf.subarray(attributesAt, nlriAt)).toString('hex'));
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

/** IPv4 ranges as first address and mask. */
const REFUSED = [...ALWAYS_REFUSED, ...STANDARD_MARTIANS]
  .filter((text) => !text.includes(':'))
  .map((text) => {
    const [address = '', bits] = text.split('/');
    const mask = (-1 << (32 - Number(bits))) >>> 0;
    return { first: u32(address.split('.').map(Number), 0, 4), mask };
  });

/** Whether the hypervisor's default configuration has it refused, or it covers more than a daemon may take (below /8). */
function isRefused(buf: Uint8Array, at: number, bits: number): boolean {
  if (bits < 8) return true;
  const address = u32(buf, at, (bits + 7) >> 3);
  return REFUSED.some(({ first, mask }) => (address & mask) >>> 0 === first);
}

/** An address of which `bytes` bytes are given. */
function u32(buf: ArrayLike<number>, at: number, bytes: number): number {
  let value = 0;
  for (let i = 0; i < 4; i++) value = value * 256 + (i < bytes ? buf[at + i]! : 0);
  return value;
}

function u16(buf: Uint8Array, at: number): number {
  return (buf[at]! << 8) | buf[at + 1]!;
}
