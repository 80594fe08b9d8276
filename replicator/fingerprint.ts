// By what a message is known again that announces nothing the history could know it by: its path attributes without the prefixes in them.
// Owns the form of these keys and a set of them; which messages are meant is quarantine.ts.
import { AttributeCursor, AttributeFlag, AttributeType } from '../wire/bgp/attributes.js';
import type { UpdateView } from '../wire/bgp/update.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { finish, mix } from '../wire/hash.js';

const cursor = new AttributeCursor();
const scratch = new ByteWriter();

/** The key of a message that announces prefixes with no attribute of its own: broken, and deadly to some, however little there is of it. */
const BARE_ANNOUNCEMENT = Uint8Array.of(0);

/** The key of a message that only withdraws IPv6 prefixes in the one way there is. IPv4 prefixes leave nothing at all. */
const PLAIN_IPV6_WITHDRAWAL = Uint8Array.of(AttributeFlag.OPTIONAL, AttributeType.MP_UNREACH_NLRI, 0, 2, 1);

/**
 * Writes the key of a parsed message: its attributes as they are, except that the MP attributes end where the prefixes of carried families
 * begin. Returns a view, valid until the next call; empty for a message that has no other form (plain withdrawals, End-of-RIB).
 */
export function attributeKey(buf: Uint8Array, view: UpdateView): Uint8Array {
  scratch.reset();
  cursor.reset(buf, view.attributesStart, view.attributesEnd);
  while (cursor.next()) {
    const { type, start, valueStart, end, flags } = cursor;
    if (type !== AttributeType.MP_REACH_NLRI && type !== AttributeType.MP_UNREACH_NLRI) {
      scratch.bytes(buf, start, end);
      continue;
    }
    // How long the length is depends on how many prefixes there are.
    scratch.u8(flags & ~AttributeFlag.EXTENDED_LENGTH);
    scratch.u8(type);
    scratch.bytes(buf, valueStart, prefixesIn(view, valueStart, end));
  }
  if (cursor.overrun) scratch.bytes(buf, cursor.start, view.attributesEnd);
  const key = scratch.buffer.subarray(0, scratch.length);
  if (key.length > 0 && !equal(key, PLAIN_IPV6_WITHDRAWAL)) return key;
  return announces(view) ? BARE_ANNOUNCEMENT : key.subarray(0, 0);
}

function announces(view: UpdateView): boolean {
  for (let i = 0; i < view.sectionCount; i++) if (view.sections[i].kind === 'announce') return true;
  return false;
}

/** Where in an MP attribute of value start..end the prefixes of a carried family begin; `end` when there are none. */
function prefixesIn(view: UpdateView, start: number, end: number): number {
  for (let i = 0; i < view.sectionCount; i++) {
    const section = view.sections[i];
    if (section.mp && section.start >= start && section.start < end) return section.start;
  }
  return end;
}

interface Counted {
  readonly key: Uint8Array;
  count: number;
}

/** A set in which a key can be more than once. */
export class KeySet {
  size = 0;
  private readonly byHash = new Map<number, Counted[]>();

  add(key: Uint8Array): void {
    const hash = hashOf(key);
    const same = this.byHash.get(hash);
    const found = same?.find((counted) => equal(counted.key, key));
    if (found) found.count++;
    else if (same) same.push({ key: key.slice(), count: 1 });
    else this.byHash.set(hash, [{ key: key.slice(), count: 1 }]);
    this.size++;
  }

  /** Removes one of a key that is in the set. */
  remove(key: Uint8Array): void {
    const hash = hashOf(key);
    const same = this.byHash.get(hash) ?? [];
    const found = same.find((counted) => equal(counted.key, key));
    if (!found) return;
    this.size--;
    if (--found.count > 0) return;
    const rest = same.filter((counted) => counted !== found);
    if (rest.length > 0) this.byHash.set(hash, rest);
    else this.byHash.delete(hash);
  }

  has(key: Uint8Array): boolean {
    return this.size > 0 && (this.byHash.get(hashOf(key))?.some((counted) => equal(counted.key, key)) ?? false);
  }
}

function hashOf(key: Uint8Array): number {
  let hash = key.length;
  for (const byte of key) hash = mix(hash, byte);
  return finish(hash);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
