// What a line of the vote log says. Owns the shape of the records and their JSON; the file belongs to vote-log.ts.
//
// Every line has `t` (ISO 8601) and `kind`:
//   decision     a group of prefixes that went out with one verdict: who agreed, the attributes and the NLRI in hex
//   verdict      a contested ballot changed its verdict, and by which rule
//   dissent-begins / dissent-ends   a stable vote differs from the majority, or no longer does
//   fault-begins / fault-ends, known-difference-begins / -ends   findings against a replica (docs/faults.md)
//   no-majority, oscillation-begins / -ends, overthrow   what the voter could not settle, or did to its master
//   warning      the early warning about a replica begins or ends
//   quarantine   messages that are withheld from a replica that died with them on their way, and what became of them
//   replica, session   who joined or left the electorate and why; neighbour sessions up and down
//   injection    a fault that somebody puts into a replica on purpose begins, ends, or was done (docs/injection.md)
import type { AttributeTable } from '../wire/attribute-table.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { describeAttributes, diffAttributes } from '../wire/bgp/describe.js';
import { FAMILIES, familyName, type Family } from '../wire/family.js';
import type { PrefixTable } from '../wire/prefix-table.js';
import { wallClock } from './clock.js';

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
  return Object.fromEntries(describeAttributes(attributes.get(id)).map(({ name, text }) => [name, text]));
}

const scratch = new ByteWriter(1 << 14);

function nlriHex(context: RecordContext, ids: Uint32Array, from: number, to: number): string {
  scratch.reset();
  for (let k = from; k < to; k++) {
    const size = context.prefixes.nlriSize(ids[k]);
    scratch.reserve(size);
    context.prefixes.writeNlri(ids[k], scratch.buffer, scratch.length);
    scratch.length += size;
  }
  return Buffer.from(scratch.buffer.buffer, scratch.buffer.byteOffset, scratch.length).toString('hex');
}

/** A group of prefixes that went out. The hex keeps a line of 10,000 prefixes cheap to write. */
export function decisionRecord(
  context: RecordContext,
  at: number,
  neighbor: string,
  group: { family: Family; attributes: number; agree: number; ids: Uint32Array; from: number; to: number },
): string {
  const nlri = nlriHex(context, group.ids, group.from, group.to);
  const attributes =
    group.attributes === 0 ? null : Buffer.from(context.attributes.get(group.attributes)).toString('hex');
  return JSON.stringify({
    t: wallClock(at),
    kind: 'decision',
    neighbor,
    family: familyName(group.family),
    agree: namesOf(group.agree, context.replicas),
    prefixes: group.to - group.from,
    nlri,
    attributes,
  });
}

/** A record about one prefix: what a replica says against what was decided, with the differing attributes spelled out. */
export function ballotRecord(
  context: RecordContext,
  at: number,
  fields: { kind: string; neighbor: string; prefix: number; replica?: number; verdict: number; vote?: number } & Record<
    string,
    unknown
  >,
): string {
  const { prefix, replica, verdict, vote, ...rest } = fields;
  const { attributes } = context;
  const record: Record<string, unknown> = { t: wallClock(at), ...rest, prefix: context.prefixes.format(prefix) };
  if (replica !== undefined) record.replica = context.replicas[replica];
  record.verdict = attributesAsObject(attributes, verdict);
  if (vote !== undefined) {
    record.vote = attributesAsObject(attributes, vote);
    // A copy: the second look-up may move the table's memory.
    if (vote !== 0 && verdict !== 0)
      record.diff = diffAttributes(attributes.get(verdict).slice(), attributes.get(vote).slice());
  }
  return JSON.stringify(record);
}

/** A record about many ballots at once; their prefixes follow as NLRI in hex, IPv4 and IPv6 apart. */
export function groupRecord(
  context: RecordContext,
  at: number,
  kind: string,
  fields: Record<string, unknown>,
  prefixes: readonly number[],
): string {
  const nlri: Record<string, string> = {};
  for (const family of FAMILIES) {
    const ids = Uint32Array.from(prefixes.filter((prefix) => context.prefixes.family(prefix) === family));
    if (ids.length > 0) nlri[familyName(family)] = nlriHex(context, ids, 0, ids.length);
  }
  return JSON.stringify({ t: wallClock(at), kind, ...fields, prefixes: prefixes.length, nlri });
}

/** A record about anything that is not one ballot. */
export function plainRecord(at: number, kind: string, fields: Record<string, unknown>): string {
  return JSON.stringify({ t: wallClock(at), kind, ...fields });
}
