// Whatever neighbours and replicas say, a record is one line of JSON of bounded length that a terminal shows as it is: attribute bytes of any kind,
// reasons with anything in them, thousands of prefixes, and ballots with all of that at once.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BallotJournal, type BallotWords } from '../../../hypervisor/ballot-journal.js';
import { DecisionJournal } from '../../../hypervisor/decision-journal.js';
import { downRecord } from '../../../hypervisor/session-records.js';
import { attributesAsObject, cutDifferences, nlriByFamily, plainRecord } from '../../../hypervisor/vote-records.js';
import { MAX_LINE, parseRecord } from '../../../votelog/record-text.js';
import { AttributeTable } from '../../../wire/attribute-table.js';
import { diffAttributes } from '../../../wire/bgp/describe.js';
import { IPV6_UNICAST } from '../../../wire/family.js';
import { PrefixTable } from '../../../wire/prefix-table.js';
import { DocumentedLog } from '../../support/documented-log.js';

const documented = DocumentedLog.load();

/** C0, DEL, C1, line separators, and what turns the direction of text around. */
const HARMFUL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** What every record must be; returns it. */
function expectSound(line: string): Record<string, unknown> {
  expect(line).not.toMatch(HARMFUL);
  const bytes = Buffer.from(line, 'utf8');
  expect(bytes.length).toBeLessThan(MAX_LINE);
  // Lone surrogates would come back as something else.
  expect(bytes.toString('utf8')).toBe(line);
  const record = parseRecord(line);
  expect(record).toBeDefined();
  return record!;
}

/** Text with everything that somebody could have put into it. */
const nasty = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '\n',
    '\r\n{"v":1}',
    '\u001b[2J\u001b]0;x\u0007',
    '\u009b31m',
    '\u2028',
    '\u202e',
    '\ud800',
    '"\\',
    '\0',
  ),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('utf8')),
  fc.integer({ min: 1, max: 20_000 }).map((length) => '\u202e\ud83d'.repeat(length)),
);

/** Attributes one after the other: any type, any flags, any value, lengths right. */
const attributeBytes = fc
  .array(
    fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1, max: 255 }), fc.uint8Array({ maxLength: 400 })),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((list) =>
    Uint8Array.from(
      list.flatMap(([flags, type, value]) => [flags | 0x10, type, value.length >> 8, value.length & 255, ...value]),
    ),
  );
const anyBytes = fc.oneof(attributeBytes, fc.uint8Array({ minLength: 1, maxLength: 500 }));

/** The words of a voter whose attribute sets are these; id 0 stands for none. */
function wordsOf(prefixes: PrefixTable, attributes: AttributeTable, replicas: number): BallotWords {
  const route = (id: number): Record<string, string> | null => attributesAsObject(attributes, id);
  return {
    place: { neighbor: '192.0.2.1' },
    strategy: 'continuous-majority',
    replicas: Array.from({ length: replicas }, (_, r) => `replica${r}`),
    prefixes,
    route,
    attributes: route,
    raw: (id) => attributes.get(id),
    diff: (left, right) => cutDifferences(diffAttributes(attributes.get(left).slice(), attributes.get(right).slice())),
    lastInput: () => 1,
  };
}

function tables(sets: readonly Uint8Array[]): {
  attributes: AttributeTable;
  ids: number[];
  prefixes: PrefixTable;
  prefix: number;
} {
  const attributes = new AttributeTable();
  const ids = sets.map((bytes) => (bytes.length === 0 ? 0 : attributes.intern(bytes, 0, bytes.length)));
  const prefixes = new PrefixTable();
  const prefix = prefixes.intern(IPV6_UNICAST, Uint8Array.of(0x20, 1, 0xd, 0xb8), 0, 32);
  return { attributes, ids, prefixes, prefix };
}

describe('a line of the vote log', () => {
  test('keeps texts as they are, however nasty', () => {
    fc.assert(
      fc.property(nasty, nasty, (reason, text) => {
        const record = expectSound(plainRecord(5, 'alarm', { alarm: 'quorum', state: reason, text }));
        if (record.shortened !== true) expect([record.state, record.text]).toEqual([reason, text]);
      }),
    );
  });

  test('cuts what a NOTIFICATION says', () => {
    fc.assert(
      fc.property(nasty, fc.constantFrom('down', 'failed'), (text, state) => {
        const reason = { origin: 'received', code: 6, subcode: 2, data: new Uint8Array(0), text } as const;
        const record = expectSound(downRecord(5, '2001:db8::1', state, reason));
        expect(documented.problems(record)).toEqual([]);
        expect((record.reason as string).length).toBeLessThan(4200);
      }),
    );
  });

  test('tells ballots about any attributes, with every vote', () => {
    fc.assert(
      fc.property(fc.array(anyBytes, { minLength: 3, maxLength: 3 }), fc.nat(2), (sets, liar) => {
        const { attributes, ids, prefixes, prefix } = tables(sets);
        const voter = {
          rule: () => 'majority' as const,
          verdict: () => ids[0],
          currentVote: (r: number) => ids[r],
          hasSay: () => true,
          agreement: () => 1,
        };
        const words = wordsOf(prefixes, attributes, 3);
        const shared = { prefix, replica: liar, vote: ids[liar], majority: ids[0], since: 2, at: 5 };
        const events = [
          { type: 'dissent-begins' as const, kind: 'different' as const, ...shared },
          { type: 'verdict' as const, prefix, from: ids[1], to: ids[0], rule: 'majority' as const, agree: 1, at: 5 },
        ];
        const decided = {
          family: IPV6_UNICAST,
          attributes: ids[0],
          agree: 1,
          ids: Uint32Array.of(prefix),
          from: 0,
          to: 1,
        };
        const lines = [
          ...new BallotJournal(words).lines(events, voter),
          ...new DecisionJournal(words).lines(decided, voter, 5, 0),
        ];
        expect(lines).toHaveLength(3);
        for (const line of lines) expect(documented.problems(expectSound(line))).toEqual([]);
        // The bytes are told whole.
        const { votes } = JSON.parse(lines[0]) as { votes: { raw: string | null }[] };
        expect(votes.map(({ raw }) => raw)).toEqual(sets.map((bytes) => Buffer.from(bytes).toString('hex')));
      }),
    );
  });

  test('is short enough for its readers with the largest ballot that there can be', () => {
    // Sixteen replicas, each with 64 KiB of communities of its own.
    const sets = Array.from({ length: 16 }, (_, r) => {
      const value = Uint8Array.from({ length: 65_000 }, (_byte, i) => (i * 7 + r) & 255);
      return Uint8Array.of(0xd0, 8, value.length >> 8, value.length & 255, ...value);
    });
    const { attributes, ids, prefixes, prefix } = tables(sets);
    const voter = {
      rule: () => 'none' as const,
      verdict: () => ids[0],
      currentVote: (r: number) => ids[r],
      hasSay: () => true,
    };
    const [line] = new BallotJournal(wordsOf(prefixes, attributes, 16)).lines(
      [{ type: 'no-majority', prefix, voters: 0xffff, at: 5 }],
      voter,
    );
    expect(documented.problems(expectSound(line))).toEqual([]);
  });

  test('says so when it had to be shortened', () => {
    const huge = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`ATTR ${i}`, '\u00e9'.repeat(100_000)]));
    const record = expectSound(
      plainRecord(5, 'input', { neighbor: '192.0.2.1', what: 'announce', attributes: huge, raw: 'ab' }),
    );
    expect(record).toMatchObject({ kind: 'input', shortened: true, neighbor: '192.0.2.1' });
    const deep = {
      list: Array.from({ length: 100 }, () => ({ a: Array.from({ length: 100 }, () => 'x'.repeat(1000)) })),
    };
    expectSound(plainRecord(5, 'alarm', deep));
  });

  test('has room for as many prefixes as are told at once', () => {
    const prefixes = new PrefixTable();
    const ids = Uint32Array.from({ length: 65_536 }, (_, i) =>
      prefixes.intern(
        IPV6_UNICAST,
        Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, i >> 8, i & 255),
        0,
        128,
      ),
    );
    const record = expectSound(plainRecord(5, 'verdict', { prefixes: ids.length, nlri: nlriByFamily(prefixes, ids) }));
    expect(record.shortened).toBeUndefined();
  });
});
