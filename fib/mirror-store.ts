// The kernel's messages of one kind (links, addresses, rules, neighbours, netconf), each under the key by which the kernel knows the thing.
// Owns keys, what a resync did not see, and the limit; routes, which Linux keys otherwise, are foreign-routes.ts.
import type { Family } from '../wire/family.js';
import { afOfFamily, IFA_ADDRESS, IFA_LOCAL, NDA_DST, NETCONFA_IFINDEX } from '../wire/netlink/constants.js';
import { AttributeCursor, NETLINK_HEADER, NetlinkWriter, readU16 } from '../wire/netlink/message.js';
import { BODY_LENGTH, sameContent } from './mirror-content.js';
import type { MirrorKind } from './mirror-content.js';

type StoreKind = Exclude<MirrorKind, 'route'>;

interface Kept {
  message: Uint8Array;
  seen: number;
}

export class MirrorStore {
  private readonly kind: StoreKind;
  private readonly limit: number;
  private readonly kept = new Map<string, Kept>();

  constructor(kind: StoreKind, limit: number) {
    this.kind = kind;
    this.limit = limit;
  }

  has(message: Uint8Array): boolean {
    return this.kept.has(keyOf(this.kind, message));
  }

  /** What is kept of the thing that `message` is about. */
  find(message: Uint8Array): Uint8Array | undefined {
    return this.kept.get(keyOf(this.kind, message))?.message;
  }

  /** Keeps a message (not copied) in place of an older one of the same thing. `known`: that one said the same. */
  put(message: Uint8Array, seen: number): 'known' | 'new' | 'full' {
    const key = keyOf(this.kind, message);
    const old = this.kept.get(key);
    if (old === undefined) {
      if (this.kept.size >= this.limit) return 'full';
      this.kept.set(key, { message, seen });
      return 'new';
    }
    const known = sameContent(this.kind, old.message, message);
    old.message = message;
    old.seen = seen;
    return known ? 'known' : 'new';
  }

  /** Forgets the thing that a RTM_DEL… message is about; false when it was not kept. */
  remove(message: Uint8Array): boolean {
    return this.kept.delete(keyOf(this.kind, message));
  }

  forEach(family: Family | undefined, visit: (message: Uint8Array) => void): void {
    const af = family === undefined ? undefined : afOfFamily(family);
    for (const { message } of this.kept.values()) {
      if (af === undefined || message[NETLINK_HEADER] === af) visit(message);
    }
  }

  /** Removes and returns what was not seen since `seen`. */
  settle(seen: number): Uint8Array[] {
    const gone: Uint8Array[] = [];
    for (const [key, kept] of this.kept) {
      if (kept.seen === seen) continue;
      this.kept.delete(key);
      gone.push(kept.message);
    }
    return gone;
  }
}

const cursor = new AttributeCursor();

/** The bytes by which the kernel tells things of a kind apart, as characters. */
function keyOf(kind: StoreKind, message: Uint8Array): string {
  const at = NETLINK_HEADER;
  switch (kind) {
    case 'link':
      return text(message, at + 4, 4);
    case 'address':
      // Family and prefix length, interface, addresses.
      return text(message, at, 2) + text(message, at + 4, 4) + attributes(kind, message, [IFA_LOCAL, IFA_ADDRESS]);
    case 'neighbor':
      // Family, interface, flags (a proxy entry is another one), address.
      return (
        text(message, at, 1) +
        text(message, at + 4, 4) +
        text(message, at + 10, 1) +
        attributes(kind, message, [NDA_DST])
      );
    case 'netconf':
      return text(message, at, 1) + attributes(kind, message, [NETCONFA_IFINDEX]);
    case 'rule':
      // A rule is all that it says.
      return text(message, at, message.length - at);
  }
}

function attributes(kind: StoreKind, message: Uint8Array, types: readonly number[]): string {
  let key = '';
  cursor.reset(message, NETLINK_HEADER + BODY_LENGTH[kind], message.length);
  while (cursor.next()) {
    if (types.includes(cursor.type)) key += `${cursor.type}:${text(message, cursor.at, cursor.length)}`;
  }
  return key;
}

function text(buf: Uint8Array, at: number, length: number): string {
  let out = '';
  for (let i = 0; i < length; i++) out += String.fromCharCode(buf[at + i]);
  return out;
}

/** What is known of an interface's settings after an event: the new attributes, and the old ones that the event leaves out. */
export function mergeNetconf(old: Uint8Array, event: Uint8Array): Uint8Array {
  const body = NETLINK_HEADER + BODY_LENGTH.netconf;
  const said = new Set<number>();
  const writer = new NetlinkWriter(old.length + event.length);
  writer.begin(readU16(event, 4), 0, 0, 0);
  writer.bytes(event, NETLINK_HEADER, body);
  // In the old message's order, so that equal settings stay equal bytes.
  const merged = new AttributeCursor();
  merged.reset(old, body, old.length);
  while (merged.next()) {
    said.add(merged.type);
    if (!copyAttribute(writer, event, merged.type))
      writer.attribute(merged.type, old, merged.at, merged.at + merged.length);
  }
  merged.reset(event, body, event.length);
  while (merged.next()) {
    if (!said.has(merged.type)) writer.attribute(merged.type, event, merged.at, merged.at + merged.length);
  }
  writer.end();
  return writer.take();
}

function copyAttribute(writer: NetlinkWriter, message: Uint8Array, type: number): boolean {
  cursor.reset(message, NETLINK_HEADER + BODY_LENGTH.netconf, message.length);
  while (cursor.next()) {
    if (cursor.type !== type) continue;
    writer.attribute(type, message, cursor.at, cursor.at + cursor.length);
    return true;
  }
  return false;
}
