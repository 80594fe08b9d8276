// Next-hop sets: what a route does with a packet, as a canonical byte string, so that equal sets are equal bytes and can be numbered.
//
// u8 route type (RTN_UNICAST, RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT), u8 count, then each hop: u32be interface index, u16be weight
// (1..256; always 1 where there is one hop), u8 flags (HOP_ONLINK), u8 gateway length (0, 4 or 16), gateway. Hops are sorted bytewise and
// distinct; only unicast has any. Owns the layout and reading it; fib/next-hops.ts makes sets out of routes.

export const HOP_ONLINK = 1;
/** Type and count, before the first hop. */
export const SET_HEADER = 2;
/** One hop without its gateway. */
export const HOP_HEADER = 8;
/** Hops of one set: what a byte can count. */
export const MAX_HOPS = 255;
/** The longest set in bytes. */
export const MAX_HOPS_LENGTH = SET_HEADER + MAX_HOPS * (HOP_HEADER + 16);

/** Walks over the hops of a set without allocating. Stops where a set is cut short. */
export class HopCursor {
  ifindex = 0;
  weight = 1;
  flags = 0;
  /** The gateway: `gatewayLength` bytes (0: the destination is on the link) from `gateway`. */
  gateway = 0;
  gatewayLength = 0;
  /** What `gateway` points into. */
  buf: Uint8Array = new Uint8Array(0);

  private following = 0;
  private left = 0;
  private limit = 0;

  /** The set is bytes start..end of `buf`. Returns its route type, 0 when it is too short to have one. */
  reset(buf: Uint8Array, start = 0, end: number = buf.length): number {
    this.buf = buf;
    this.limit = end;
    this.following = start + SET_HEADER;
    const whole = this.following <= end;
    this.left = whole ? buf[start + 1] : 0;
    return whole ? buf[start] : 0;
  }

  next(): boolean {
    const { buf } = this;
    const at = this.following;
    if (this.left === 0 || at + HOP_HEADER > this.limit) return false;
    this.ifindex = ((buf[at] << 24) | (buf[at + 1] << 16) | (buf[at + 2] << 8) | buf[at + 3]) >>> 0;
    this.weight = (buf[at + 4] << 8) | buf[at + 5];
    this.flags = buf[at + 6];
    this.gatewayLength = buf[at + 7];
    this.gateway = at + HOP_HEADER;
    this.following = this.gateway + this.gatewayLength;
    this.left--;
    return this.following <= this.limit;
  }
}
