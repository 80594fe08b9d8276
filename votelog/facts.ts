// What a record is about: time, neighbour, replicas, prefixes, AS numbers. Filters, indexes and summaries all take it from here, so that
// they agree. Owns the reading of fields; which field a kind has is in docs/vote-log.md. Records may come from anywhere: a field of another
// type than expected says nothing.
import { AttributeCursor, AttributeType, readU32 } from '../wire/bgp/attributes.js';
import { NlriCursor } from '../wire/bgp/nlri.js';
import { familyFromName, type Family } from '../wire/family.js';
import { formatPrefix, parsePrefix } from '../wire/prefix-text.js';
import type { LogRecord } from './types.js';

/** How the forwarding table is called where others have an address. */
export const FIB = 'fib';

/** One prefix: ceil(bits / 8) address bytes of `bytes` at `at`. Valid during the call only. */
export type PrefixVisitor = (family: Family, bytes: Uint8Array, at: number, bits: number) => void;

type Fields = Record<string, unknown>;

/** Ms since 1970. */
export function timeOf(record: LogRecord): number {
  return Date.parse(record.t);
}

/** Address of the neighbour, `fib`, or undefined for what belongs to neither. */
export function neighborOf(record: LogRecord): string | undefined {
  if (typeof record.neighbor === 'string') return record.neighbor;
  if (record.fib === true || record.kind.startsWith('fib-')) return FIB;
  return typeof record.place === 'string' ? record.place : undefined;
}

/** Names of the replicas that the record is about: named by it, or outvoted in a ballot that it has. Each once. */
export function replicasOf(record: LogRecord): string[] {
  const names = new Set<string>();
  for (const value of [record.replica, record.from, record.to]) if (typeof value === 'string') names.add(value);
  for (const value of asList(record.replicas)) if (typeof value === 'string') names.add(value);
  for (const ballot of ballotsOf(record)) {
    for (const vote of asList(ballot.votes)) {
      if (!isFields(vote) || vote.agrees !== false || vote.counts !== true) continue;
      if (typeof vote.replica === 'string') names.add(vote.replica);
    }
  }
  return [...names];
}

/** How many prefixes the record is about; of a group all of them. */
export function prefixCountOf(record: LogRecord): number {
  const { prefixes, prefix } = record as Fields;
  if (typeof prefixes === 'number' && Number.isSafeInteger(prefixes) && prefixes >= 0) return prefixes;
  if (Array.isArray(prefixes)) return prefixes.length;
  return typeof prefix === 'string' ? 1 : 0;
}

const nlriCursor = new NlriCursor();

/** Every prefix that the record names; one may come twice. */
export function forEachPrefix(record: LogRecord, visit: PrefixVisitor): void {
  visitText(record.prefix, visit);
  if (isFields(record.nlri)) {
    for (const [family, hex] of Object.entries(record.nlri)) visitNlri(family, hex, visit);
  }
  for (const text of asList(record.samples)) visitText(text, visit);
  for (const text of asList(record.prefixes)) visitText(text, visit);
  if (isFields(record.example)) visitText(record.example.prefix, visit);
}

/** The prefixes that the record names, as text, each once. */
export function prefixesOf(record: LogRecord): string[] {
  const texts = new Set<string>();
  const address = new Uint8Array(16);
  forEachPrefix(record, (family, bytes, at, bits) => {
    const size = (bits + 7) >> 3;
    address.fill(0);
    for (let i = 0; i < size; i++) address[i] = bytes[at + i];
    texts.add(formatPrefix(family, address, 0, bits));
  });
  return [...texts];
}

/** Every AS number in a path that the record has: of the verdict, of any vote, of what came in or went out; one may come twice. */
export function forEachAs(record: LogRecord, visit: (as: number) => void): void {
  for (const ballot of ballotsOf(record)) {
    for (const route of [ballot.verdict, ballot.vote, ballot.majority]) visitRoute(route, visit);
    for (const vote of asList(ballot.votes)) if (isFields(vote)) visitRoute(vote.attributes, visit);
  }
  visitRoute(record.attributes, visit);
  for (const other of asList(record.others)) if (isFields(other)) visitRoute(other.attributes, visit);
  // Texts are cut; the bytes are not.
  if (typeof record.raw === 'string' && record.fib !== true) visitRaw(record.raw, visit);
}

/** The record itself, and the example that a group or a finding has. */
function ballotsOf(record: LogRecord): Fields[] {
  return isFields(record.example) ? [record, record.example] : [record];
}

function visitText(text: unknown, visit: PrefixVisitor): void {
  if (typeof text !== 'string' || !text.includes('/')) return;
  const prefix = parsePrefix(text);
  if (prefix !== undefined) visit(prefix.family, prefix.address, 0, prefix.bits);
}

function visitNlri(name: string, hex: unknown, visit: PrefixVisitor): void {
  const family = familyFromName(name);
  if (family === undefined || typeof hex !== 'string') return;
  const bytes = Buffer.from(hex, 'hex');
  nlriCursor.reset(bytes, 0, bytes.length, family);
  while (nlriCursor.next()) visit(family, bytes, nlriCursor.at, nlriCursor.bits);
}

function visitRoute(route: unknown, visit: (as: number) => void): void {
  if (!isFields(route)) return;
  const path = route.AS_PATH;
  if (typeof path !== 'string') return;
  let number = -1;
  for (let i = 0; i <= path.length; i++) {
    const digit = path.charCodeAt(i) - 48;
    if (digit >= 0 && digit <= 9) number = (number < 0 ? 0 : number) * 10 + digit;
    else if (number >= 0) {
      if (number <= 0xffffffff) visit(number);
      number = -1;
    }
  }
}

const attributeCursor = new AttributeCursor();

/** Canonical attributes in hexadecimal. */
function visitRaw(hex: string, visit: (as: number) => void): void {
  const bytes = Buffer.from(hex, 'hex');
  attributeCursor.reset(bytes, 0, bytes.length);
  while (attributeCursor.next()) {
    if (attributeCursor.type !== AttributeType.AS_PATH) continue;
    const { valueStart, end } = attributeCursor;
    for (let at = valueStart; at + 2 <= end; at += 2 + 4 * bytes[at + 1]) {
      for (let k = at + 2; k < at + 2 + 4 * bytes[at + 1] && k + 4 <= end; k += 4) visit(readU32(bytes, k));
    }
  }
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
