// Writes UPDATE messages (RFC 4271 section 4.3, RFC 4760) for routes whose attributes are given once and whose prefixes follow one by one: as
// many prefixes to a message as fit. Owns the next hops that a replayed neighbour announces.
import type { ByteWriter } from '../wire/byte-writer.js';
import { beginMessage, endMessage, MAX_MESSAGE_LENGTH, MessageType } from '../wire/bgp/message.js';
import { afiOf, IPV4_UNICAST, safiOf, type Family } from '../wire/family.js';

/** Own next hops; a family without one is not announced. `ipv6` has 16 bytes, or 32 with a link-local half. */
export interface NextHops {
  readonly ipv4?: Uint8Array;
  readonly ipv6?: Uint8Array;
}

const ROOM_FOR_ONE = 17;

/** Appends to `out`. Use: begin(), then prefix() for each, then end(); or withdrawals the same way with beginWithdraw(). */
export class UpdateWriter {
  readonly out: ByteWriter;
  messages = 0;
  readonly #nextHops: NextHops;
  readonly #max: number;
  #start = -1;
  #lengthAt = 0;
  #mpAt = 0;
  #room = 0;
  #family: Family = IPV4_UNICAST;
  #attrs: Uint8Array = new Uint8Array(0);
  #attrsLength = 0;
  #withdraw = false;

  constructor(out: ByteWriter, nextHops: NextHops, maxMessageLength = MAX_MESSAGE_LENGTH) {
    this.out = out;
    this.#nextHops = nextHops;
    this.#max = maxMessageLength;
  }

  /** Starts announcing with attrs[0..length), which hold no next hop. False: no next hop of this family, or no room. */
  begin(family: Family, attrs: Uint8Array, length: number): boolean {
    const nextHop = family === IPV4_UNICAST ? this.#nextHops.ipv4 : this.#nextHops.ipv6;
    const overhead = 23 + length + (family === IPV4_UNICAST ? 7 : 9 + (nextHop?.length ?? 0));
    if (nextHop === undefined || overhead + ROOM_FOR_ONE > this.#max) return false;
    this.#withdraw = false;
    this.#family = family;
    this.#attrs = attrs;
    this.#attrsLength = length;
    this.#open();
    return true;
  }

  beginWithdraw(family: Family): void {
    this.#withdraw = true;
    this.#family = family;
    this.#attrsLength = 0;
    this.#open();
  }

  /** One prefix as NLRI: bytes start..end of `buf`. */
  prefix(buf: Uint8Array, start: number, end: number): void {
    if (end - start > this.#room) {
      this.end();
      this.#open();
    }
    this.out.bytes(buf, start, end);
    this.#room -= end - start;
  }

  end(): void {
    const { out } = this;
    const v4 = this.#family === IPV4_UNICAST;
    if (this.#withdraw && v4) {
      out.setU16(this.#lengthAt, out.length - this.#lengthAt - 2);
      out.u16(0);
    } else if (!v4) {
      out.setU16(this.#mpAt, out.length - this.#mpAt - 2);
      out.bytes(this.#attrs, 0, this.#attrsLength);
      out.setU16(this.#lengthAt, out.length - this.#lengthAt - 2);
    }
    endMessage(out, this.#start);
    this.messages++;
  }

  /** The marker of RFC 4724 section 2: a withdrawal of nothing. */
  endOfRib(family: Family): void {
    this.beginWithdraw(family);
    this.end();
  }

  #open(): void {
    const { out } = this;
    this.#start = beginMessage(out, MessageType.UPDATE);
    if (this.#withdraw && this.#family === IPV4_UNICAST) {
      this.#lengthAt = out.length;
      out.u16(0);
      this.#room = this.#max - 23;
      return;
    }
    out.u16(0);
    this.#lengthAt = out.length;
    out.u16(0);
    if (this.#family === IPV4_UNICAST) this.#ipv4Attributes();
    else this.#mpAttribute();
    this.#room = this.#max - (out.length - this.#start) - (this.#family === IPV4_UNICAST ? 0 : this.#attrsLength);
  }

  /** All attributes, with NEXT_HOP in its place by number: behind the types 1 and 2. */
  #ipv4Attributes(): void {
    const { out } = this;
    const attrs = this.#attrs;
    let at = 0;
    while (at < this.#attrsLength && attrs[at + 1] < 3) {
      at += (attrs[at] & 0x10) === 0 ? 3 + attrs[at + 2] : 4 + ((attrs[at + 2] << 8) | attrs[at + 3]);
    }
    out.bytes(attrs, 0, at);
    out.u8(0x40);
    out.u16(0x0304);
    out.bytes(this.#nextHops.ipv4!);
    out.bytes(attrs, at, this.#attrsLength);
    out.setU16(this.#lengthAt, out.length - this.#lengthAt - 2);
  }

  /** MP_REACH_NLRI or MP_UNREACH_NLRI comes first (RFC 7606 section 5.1); its length follows in end(). */
  #mpAttribute(): void {
    const { out } = this;
    out.u16(this.#withdraw ? 0x900f : 0x900e);
    this.#mpAt = out.length;
    out.u16(0);
    out.u16(afiOf(this.#family));
    out.u8(safiOf(this.#family));
    if (this.#withdraw) return;
    const nextHop = this.#nextHops.ipv6!;
    out.u8(nextHop.length);
    out.bytes(nextHop);
    out.u8(0);
  }
}
