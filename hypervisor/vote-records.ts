// What a line of the vote log says. Owns the frame that every line has, its bound and its characters, and the texts that several kinds share;
// the file belongs to vote-log.ts, and all kinds with their fields are listed in docs/vote-log.md (version 1 of the schema).
import type { AttributeTable } from '../wire/attribute-table.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { MAX_LINE } from '../votelog/record-text.js';
import { describeAttributes, type AttributeDifference } from '../wire/bgp/describe.js';
import { FAMILIES, familyName } from '../wire/family.js';
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
  return id === 0 ? null : textsOf(attributes.get(id));
}

/** Route attributes with four-octet AS numbers as an object of texts. */
export function textsOf(attributes: Uint8Array): Record<string, string> {
  return Object.fromEntries(describeAttributes(attributes).map(({ name, text }) => [name, cut(text)]));
}

/** `text`, or its beginning and how much more there is, characters. */
export function cut(text: string, most = MAX_TEXT): string {
  return text.length <= most ? text : `${text.slice(0, most)}… (${text.length - most} more)`;
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

const scratch = new ByteWriter(1 << 14);

/** NLRI (RFC 4271 4.3) of ids[from..to), which are of one family, in hexadecimal. */
export function nlriHex(prefixes: PrefixTable, ids: Uint32Array, from: number, to: number): string {
  scratch.reset();
  for (let k = from; k < to; k++) {
    const size = prefixes.nlriSize(ids[k]);
    scratch.reserve(size);
    prefixes.writeNlri(ids[k], scratch.buffer, scratch.length);
    scratch.length += size;
  }
  return hex(scratch.buffer.subarray(0, scratch.length));
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

/** Differences with their texts cut. */
export function cutDifferences(differences: readonly AttributeDifference[]): AttributeDifference[] {
  return differences.map(({ attribute, left, right }) => ({
    attribute,
    left: left === undefined ? undefined : cut(left),
    right: right === undefined ? undefined : cut(right),
  }));
}

/**
 * A record of any kind as one line of JSON: the frame and `fields`. `at`: ms of the process's clock. Whatever is in the fields, the line has
 * no newline, nothing that a terminal acts upon, and at most MAX_LINE bytes; one that would be longer is shortened, and says so.
 */
export function plainRecord(at: number, kind: string, fields: Record<string, unknown>): string {
  const frame = { v: SCHEMA_VERSION, t: wallClock(at), m: Math.round(at * 1000) / 1000, kind };
  const line = harmless(JSON.stringify({ ...frame, ...fields }));
  if (fits(line)) return line;
  const short = harmless(JSON.stringify({ ...frame, shortened: true, ...fields }, shorten));
  return fits(short) ? short : JSON.stringify({ ...frame, shortened: true });
}

/** JSON has C0 escaped; these are DEL, C1, and what turns lines or their direction around. */
const UNSAFE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function harmless(json: string): string {
  return json.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** In UTF-8, with its newline. A character takes three bytes at most. */
function fits(line: string): boolean {
  return line.length < MAX_LINE / 3 || Buffer.byteLength(line) < MAX_LINE;
}

/** What is left of a record that is too long: texts, lists and numbers of fields up to these. */
const SHORT = { text: 256, list: 64, fields: 64 };

function shorten(key: string, value: unknown): unknown {
  // Half of it would be another list of prefixes.
  if (key === 'nlri') return undefined;
  if (typeof value === 'string') return value.length <= SHORT.text ? value : cut(value, SHORT.text);
  if (Array.isArray(value)) return value.slice(0, SHORT.list) as unknown[];
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).slice(0, SHORT.fields));
}
