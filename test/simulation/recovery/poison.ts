// Messages that kill: sound ones that some replicas die of, whenever they are given them. Owns what they look like and how a replica, a
// disposable one included, recognises what it dies of. Who dies of which kind is the scenario's.
import { AttributeCursor } from '../../../wire/bgp/attributes.js';
import { extractRouteAttributes } from '../../../wire/bgp/route-attributes.js';
import { parseUpdate, UpdateView } from '../../../wire/bgp/update.js';
import { FAMILIES, type Routes } from '../routes.js';

/**
 * route: whatever announces these attributes, in any encoding; mixed: only a message that withdraws and announces at once; bare: a
 * message with attributes and no prefix; pair: two different ones in one life of the replica.
 */
export const POISONS = ['route', 'mixed', 'bare', 'pair'] as const;
export type PoisonKind = (typeof POISONS)[number];

/** An optional transitive attribute that nobody knows; its value says kind and variant. */
const MARK = 200;
const VARIANTS = 2;
const HEADER = 19;
const MARKER_BYTES = Array.from({ length: 16 }, () => 0xff);

/** A piece of poison in a message: `key` is the same for what is known to be the same message. */
export interface Dose {
  kind: PoisonKind;
  variant: number;
  key: string;
}

const context = { as4: true, ebgp: true, families: FAMILIES };
const view = new UpdateView();
const cursor = new AttributeCursor();
const raw = new Uint8Array(4096);

export function poisoned(attributes: Uint8Array, kind: PoisonKind, choice: number): Uint8Array {
  return Uint8Array.from([...attributes, 0xc0, MARK, 2, POISONS.indexOf(kind), choice % VARIANTS]);
}

/** Whether route attributes are poison of some kind, by the mark at their end. */
export function poisonOf(attributes: Uint8Array): PoisonKind | undefined {
  const at = attributes.length - 5;
  return at >= 0 && attributes[at] === 0xc0 && attributes[at + 1] === MARK ? POISONS[attributes[at + 3]] : undefined;
}

/** A message with these attributes and no prefix at all (RFC 4271 allows it). */
export function bareMessage(attributes: Uint8Array): Uint8Array {
  return update([], attributes, []);
}

/** Withdraws one IPv4 prefix and announces another. */
export function mixedMessage(routes: Routes, withdrawn: number, announced: number, attributes: Uint8Array): Uint8Array {
  return update([...nlri(routes, withdrawn)], attributes, [...nlri(routes, announced)]);
}

/** The messages start..end of `bytes`, one by one. */
export function* messagesIn(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const end = at + ((bytes[at + 16] << 8) | bytes[at + 17]);
    yield bytes.subarray(at, end);
    at = end;
  }
}

/** What poison there is in a message; undefined for a harmless one. */
export function doseIn(message: Uint8Array, routes: Routes): Dose | undefined {
  if (message[HEADER - 1] !== 2) return undefined;
  parseUpdate(message, 0, message.length, context, view);
  cursor.reset(message, view.attributesStart, view.attributesEnd);
  while (cursor.next()) {
    if (cursor.type !== MARK) continue;
    const kind = POISONS[message[cursor.valueStart]];
    return acts(kind)
      ? { kind, variant: message[cursor.valueStart + 1], key: keyOf(message, kind, routes) }
      : undefined;
  }
  return undefined;
}

function acts(kind: PoisonKind): boolean {
  let [announces, withdraws] = [false, false];
  for (let i = 0; i < view.sectionCount; i++) {
    if (view.sections[i].kind === 'announce') announces = true;
    else withdraws = true;
  }
  if (kind === 'bare') return !announces && !withdraws;
  return kind === 'mixed' ? announces && withdraws : announces;
}

function keyOf(message: Uint8Array, kind: PoisonKind, routes: Routes): string {
  if (kind === 'bare') return message.subarray(view.attributesStart, view.attributesEnd).join(',');
  let mp = false;
  for (let i = 0; i < view.sectionCount; i++) mp ||= view.sections[i].mp && view.sections[i].kind === 'announce';
  const length = extractRouteAttributes(message, view, mp, raw, 0);
  return `${kind} ${routes.attributes.intern(raw, 0, length)}`;
}

function nlri(routes: Routes, prefix: number): Uint8Array {
  const bytes = new Uint8Array(routes.prefixes.nlriSize(prefix));
  routes.prefixes.writeNlri(prefix, bytes, 0);
  return bytes;
}

function update(withdrawn: readonly number[], attributes: Uint8Array, announced: readonly number[]): Uint8Array {
  const length = HEADER + 4 + withdrawn.length + attributes.length + announced.length;
  const two = (value: number): number[] => [value >> 8, value & 0xff];
  return Uint8Array.from([
    ...MARKER_BYTES,
    ...two(length),
    2,
    ...two(withdrawn.length),
    ...withdrawn,
    ...two(attributes.length),
    ...attributes,
    ...announced,
  ]);
}
