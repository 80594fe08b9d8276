// Lists of prefixes as they are in UPDATE messages (RFC 4271 section 4.3): checking one, and walking over it.
import { maxPrefixBits } from '../family.js';
import type { Family } from '../family.js';

/** The offset of the first bad prefix (length out of range, or running past the end) in bytes start..end, -1 when the list is sound. */
export function findBadPrefix(buf: Uint8Array, start: number, end: number, family: Family): number {
  const max = maxPrefixBits(family);
  let at = start;
  while (at < end) {
    const bits = buf[at];
    const next = at + 1 + ((bits + 7) >> 3);
    if (bits > max || next > end) return at;
    at = next;
  }
  return -1;
}

/** Walks over a list of prefixes without allocating. Stops at the first bad one; on lists that `findBadPrefix` passed there is none. */
export class NlriCursor {
  /** First address byte of the current prefix; ceil(bits / 8) bytes belong to it. */
  at = 0;
  /** Length of the current prefix in bits. */
  bits = 0;

  private buf: Uint8Array = new Uint8Array(0);
  private following = 0;
  private end = 0;
  private max = 32;

  reset(buf: Uint8Array, start: number, end: number, family: Family): void {
    this.buf = buf;
    this.following = start;
    this.end = end;
    this.max = maxPrefixBits(family);
  }

  next(): boolean {
    if (this.following >= this.end) return false;
    const bits = this.buf[this.following];
    const at = this.following + 1;
    const following = at + ((bits + 7) >> 3);
    if (bits > this.max || following > this.end) return false;
    this.at = at;
    this.bits = bits;
    this.following = following;
    return true;
  }
}
