// What a line of the vote log says. Owns the frame that every line has and the texts that several kinds share; the file belongs to
// vote-log.ts, and all kinds with their fields are listed in docs/vote-log.md (version 1 of the schema).
import type { AttributeTable } from '../wire/attribute-table.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { describeAttributes } from '../wire/bgp/describe.js';
import { FAMILIES, familyName, type Family } from '../wire/family.js';
import type { PrefixTable } from '../wire/prefix-table.js';
import { wallClock } from './clock.js';

/** Of the schema: a field that is renamed, removed or means something else makes a new one; a new field or kind does not. */
export const SCHEMA_VERSION = 1;
/** An attribute's text is cut there, characters: a hostile one has 64 KiB. The bytes are told whole. */
const MAX_TEXT = 4096;

export interface RecordContext {
  prefixes: PrefixTable;
  attributes: AttributeTable;
  /** Replica names by index. */
  replicas: readonly string[];
}

/** The names of the replicas in the bitmask `mask`. */
export function namesOf(mask: number, replicas: readonly string[]): string[] {
  return replicas.filter((_, r) => (mask & (1 << r)) !== 0);
}

/** An attribute set as an object of texts (`{ "AS_PATH": "65001 64500", … }`); null for the absent route. */
export function attributesAsObject(attributes: AttributeTable, id: number): Record<string, string> | null {
  if (id === 0) return null;
  return Object.fromEntries(describeAttributes(attributes.get(id)).map(({ name, text }) => [name, cut(text)]));
}

/** `text`, or its beginning and how much more there is. */
export function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}… (${text.length - MAX_TEXT} more)`;
}

const scratch = new ByteWriter(1 << 14);

function nlriHex(prefixes: PrefixTable, ids: Uint32Array, from: number, to: number): string {
  scratch.reset();
  for (let k = from; k < to; k++) {
    const size = prefixes.nlriSize(ids[k]);
    scratch.reserve(size);
    prefixes.writeNlri(ids[k], scratch.buffer, scratch.length);
    scratch.length += size;
  }
  return Buffer.from(scratch.buffer.buffer, scratch.buffer.byteOffset, scratch.length).toString('hex');
}

/** Family to NLRI (RFC 4271 4.3) in hexadecimal: what keeps a line about thousands of prefixes cheap. */
export function nlriByFamily(prefixes: PrefixTable, ids: Uint32Array): Record<string, string> {
  const nlri: Record<string, string> = {};
  for (const family of FAMILIES) {
    const own = ids.filter((id) => prefixes.family(id) === family);
    if (own.length > 0) nlri[familyName(family)] = nlriHex(prefixes, own, 0, own.length);
  }
  return nlri;
}

/** A group of prefixes that went out with one verdict. */
export function decisionRecord(
  context: RecordContext,
  at: number,
  neighbor: string,
  group: { family: Family; attributes: number; agree: number; ids: Uint32Array; from: number; to: number },
): string {
  const family = familyName(group.family);
  const attributes =
    group.attributes === 0 ? null : Buffer.from(context.attributes.get(group.attributes)).toString('hex');
  return plainRecord(at, 'decision', {
    neighbor,
    family,
    agree: namesOf(group.agree, context.replicas),
    prefixes: group.to - group.from,
    nlri: { [family]: nlriHex(context.prefixes, group.ids, group.from, group.to) },
    attributes,
  });
}

/** A record of any kind: the frame and `fields`. `at`: ms of the process's clock. */
export function plainRecord(at: number, kind: string, fields: Record<string, unknown>): string {
  return JSON.stringify({ v: SCHEMA_VERSION, t: wallClock(at), m: Math.round(at * 1000) / 1000, kind, ...fields });
}
