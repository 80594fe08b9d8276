// Votes in, UPDATEs out, with a voter that does as it is told: what the intake casts, and what the emitter makes of verdicts.
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { Emitter, type EmitterVoter } from '../../../hypervisor/emitter.js';
import { Intake } from '../../../hypervisor/intake.js';
import { CollectedTable } from '../../../traces/collector.js';
import { AttributeTable } from '../../../wire/attribute-table.js';
import { Canonicaliser } from '../../../wire/bgp/canonical.js';
import { encodeMessage } from '../../../wire/bgp/message.js';
import { PrefixTable } from '../../../wire/prefix-table.js';
import {
  announcements,
  attributesOf,
  prefix6At,
  prefixAt,
  withdrawals,
  type Route,
} from '../../support/router-routes.js';

const tables = { prefixes: new PrefixTable(), attributes: new AttributeTable() };
const NEXT_HOP = (family: 0 | 1): string => (family === 0 ? '10.0.0.1' : 'fd00::1');

/** Verdicts as set by the test; keeps what was marked as advertised. */
class FakeVoter implements EmitterVoter {
  readonly verdicts = new Map<number, number>();
  readonly told = new Map<number, number>();
  readonly agreements = new Map<number, number>();
  private readonly dirty = new Set<number>();

  set(prefix: string, route: Route | undefined, agree = 7): void {
    const id = tables.prefixes.parse(prefix);
    const family = tables.prefixes.family(id);
    const bytes = route && attributesOf(family, route, NEXT_HOP(family));
    this.verdicts.set(id, bytes ? tables.attributes.intern(bytes, 0, bytes.length) : 0);
    this.agreements.set(id, agree);
    this.dirty.add(id);
  }

  takeDirty(out: Uint32Array): number {
    let count = 0;
    for (const id of this.dirty) {
      if (count === out.length) break;
      this.dirty.delete(id);
      if (this.verdict(id) !== this.advertised(id)) out[count++] = id;
    }
    return count;
  }
  verdict = (id: number): number => this.verdicts.get(id) ?? 0;
  advertised = (id: number): number => this.told.get(id) ?? 0;
  agreement = (id: number): number => this.agreements.get(id) ?? 0;
  markAdvertised = (id: number, attributes: number): void => void this.told.set(id, attributes);
}

interface Decision {
  attributes: number;
  agree: number;
  prefixes: string[];
}

describe('the emitter', () => {
  let voter: FakeVoter;
  let decisions: Decision[];
  let held: CollectedTable;

  beforeEach(() => {
    voter = new FakeVoter();
    decisions = [];
    held = new CollectedTable();
  });

  const emitter = (session: Partial<{ as4: boolean; families: number; maxMessage: number }> = {}): Emitter =>
    new Emitter(
      voter,
      tables,
      { as4: true, families: 3, maxMessage: 4096, ...session },
      (_, attributes, agree, ids, from, to) => {
        decisions.push({
          attributes,
          agree,
          prefixes: [...ids.subarray(from, to)].map((id) => tables.prefixes.format(id)),
        });
      },
    );

  /** Lets it send all there is; returns the messages. */
  function drain(from: Emitter, as4 = true): Uint8Array[] {
    const messages: Uint8Array[] = [];
    for (let bytes = from.next(); bytes !== undefined; bytes = from.next()) {
      for (let at = 0; at < bytes.length;) {
        const end = at + ((bytes[at + 16] << 8) | bytes[at + 17]);
        held.update(bytes, at, end, { as4, ebgp: true, families: 3 });
        messages.push(bytes.slice(at, end));
        at = end;
      }
    }
    return messages;
  }

  test('routes that share attributes share messages, whatever order they came in', () => {
    for (let i = 0; i < 600; i++) voter.set(prefixAt(i), { path: [65000, 1 + (i % 3)] });
    expect(drain(emitter())).toHaveLength(3);
    expect(held.size).toBe(600);
    expect(held.faults.size).toBe(0);
  });

  test('what it sent is what the verdicts say, after any changes', () => {
    const step = fc.record({ i: fc.nat(40), v6: fc.boolean(), hops: fc.nat(3), pump: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        voter = new FakeVoter();
        held = new CollectedTable();
        const under = emitter();
        for (const { i, v6, hops, pump } of steps) {
          voter.set(
            (v6 ? prefix6At : prefixAt)(i),
            hops === 0 ? undefined : { path: [65000, ...Array<number>(hops).fill(i + 1)] },
          );
          if (pump) drain(under);
        }
        drain(under);
        let routes = 0;
        for (const [id, verdict] of voter.verdicts) {
          const own = held.get(tables.prefixes.format(id));
          if (verdict === 0) expect(own).toBeUndefined();
          else expect(own).toEqual(tables.attributes.get(verdict));
          if (verdict !== 0) routes++;
        }
        expect(held.size).toBe(routes);
        expect(under.held).toBe(routes);
      }),
      { numRuns: 60 },
    );
  });

  test('withdrawals go first', () => {
    const under = emitter();
    voter.set(prefixAt(1), { path: [65000] });
    drain(under);
    voter.set(prefixAt(2), { path: [65000, 1] });
    voter.set(prefixAt(1), undefined);
    const [first] = drain(under);
    const withdrawn = (first[19] << 8) | first[20];
    expect(withdrawn).toBeGreaterThan(0);
  });

  test('each decision says who agreed', () => {
    voter.set(prefixAt(1), { path: [65000] }, 7);
    voter.set(prefixAt(2), { path: [65000] }, 3);
    voter.set(prefixAt(3), { path: [65000] }, 7);
    drain(emitter());
    expect(decisions.map(({ agree, prefixes }) => [agree, prefixes.sort()]).sort()).toEqual([
      [3, [prefixAt(2)]],
      [7, [prefixAt(1), prefixAt(3)]],
    ]);
  });

  test('a family that was not negotiated is never sent, nor asked about again', () => {
    const under = emitter({ families: 1 });
    voter.set(prefix6At(1), { path: [65000] });
    voter.set(prefixAt(1), { path: [65000] });
    expect(drain(under)).toHaveLength(1);
    expect(under.held).toBe(1);
    expect(under.next()).toBeUndefined();
  });

  test('attributes that fit into no message are withdrawn, not cut', () => {
    const under = emitter();
    voter.set(prefixAt(1), { path: [65000] });
    drain(under);
    const many = Array.from({ length: 63 }, (_, i) => i);
    const huge = { path: [65000], communities: many };
    voter.set(prefixAt(1), huge);
    drain(under);
    expect(under.oversized).toBe(0);
    const narrow = emitter({ maxMessage: 200 });
    voter.told.clear();
    voter.set(prefixAt(1), huge);
    const messages = drain(narrow);
    expect(messages.every((message) => message.length <= 200)).toBe(true);
    expect(narrow.oversized).toBe(1);
    expect(narrow.held).toBe(0);
    expect(held.get(prefixAt(1))).toBeUndefined();
  });

  test('a two-octet neighbour gets AS_TRANS and AS4_PATH', () => {
    voter.set(prefixAt(1), { path: [65000, 400_000] });
    const [message] = drain(emitter({ as4: false }), false);
    const hex = Buffer.from(message).toString('hex');
    expect(hex).toContain('4002060202fde85ba0');
    expect(hex).toContain('11');
    expect(hex).toContain('0202' + '0000fde8' + '00061a80');
  });

  test('End-of-RIB for each negotiated family', () => {
    const marker = 'ff'.repeat(16);
    const hex = (families: number) => Buffer.from(emitter({ families }).endOfRib()).toString('hex');
    expect(hex(1)).toBe(`${marker}00170200000000`);
    expect(hex(2)).toBe(`${marker}001d0200000006800f03000201`);
    expect(hex(3)).toBe(hex(1) + hex(2));
  });
});

describe('the intake', () => {
  let cast: Map<string, string | null>;
  const ballots = {
    vote: (_: number, prefix: number, attributes: number): void => {
      const bytes = attributes === 0 ? null : Buffer.from(tables.attributes.get(attributes)).toString('hex');
      cast.set(tables.prefixes.format(prefix), bytes);
    },
  };
  const make = () => new Intake(tables.prefixes, tables.attributes, new Canonicaliser());
  beforeEach(() => void (cast = new Map()));

  function take(intake: Intake, bytes: Uint8Array, families = 3, neighborAs = 65009) {
    let verdict;
    for (let at = 0; at < bytes.length;) {
      const end = at + ((bytes[at + 16] << 8) | bytes[at + 17]);
      verdict = intake.cast(bytes, at, end, families, neighborAs, 0, ballots, 0);
      at = end;
    }
    return verdict;
  }

  const route: Route = { path: [65000, 7], communities: [1, 2] };
  const canonical = Buffer.from(attributesOf(0, route, NEXT_HOP(0))).toString('hex');

  test('announcements and withdrawals of both families', () => {
    const intake = make();
    take(
      intake,
      announcements(
        new Map([
          [prefixAt(1), route],
          [prefix6At(1), route],
        ]),
        NEXT_HOP,
      ),
    );
    expect(cast.get(prefixAt(1))).toBe(canonical);
    expect(cast.get(prefix6At(1))).toBe(Buffer.from(attributesOf(1, route, NEXT_HOP(1))).toString('hex'));
    take(intake, withdrawals([prefixAt(1), prefix6At(1)]));
    expect([...cast.values()]).toEqual([null, null]);
    expect(intake.votes).toBe(4);
  });

  test('the order of attributes and of communities makes no difference', () => {
    const [nextHop, path] = [
      [0x40, 3, 4, 10, 0, 0, 1],
      [0x40, 2, 10, 2, 2, 0, 0, 0xfd, 0xe8, 0, 0, 0, 7],
    ];
    const shuffled = [...nextHop, 0xd0, 8, 0, 8, 0, 0, 0, 2, 0, 0, 0, 1, ...path, 0x40, 1, 1, 0];
    const body = [0, 0, 0, shuffled.length, ...shuffled, 24, 20, 0, 1];
    take(make(), encodeMessage(2, Uint8Array.from(body)));
    expect(cast.get(prefixAt(1))).toBe(canonical);
  });

  test('a path that holds the AS of the neighbour is no route for it', () => {
    take(make(), announcements(new Map([[prefixAt(1), route]]), NEXT_HOP), 3, 7);
    expect(cast.get(prefixAt(1))).toBeNull();
  });

  test('an UPDATE that is to be treated as a withdrawal is a vote for nothing', () => {
    const attributes = [0x40, 1, 1, 9, 0x40, 2, 0, 0x40, 3, 4, 10, 0, 0, 1];
    const verdict = take(
      make(),
      encodeMessage(2, Uint8Array.from([0, 0, 0, attributes.length, ...attributes, 24, 20, 0, 1])),
    );
    expect(verdict?.kind).toBe('treat-as-withdraw');
    expect(cast.get(prefixAt(1))).toBeNull();
  });

  test('an UPDATE that cannot be split casts nothing', () => {
    const verdict = take(make(), encodeMessage(2, Uint8Array.from([0, 9, 0, 0])));
    expect(verdict?.kind).toBe('reset');
    expect(cast.size).toBe(0);
  });

  test('full tables lose votes, and are counted', () => {
    const small = { prefixes: new PrefixTable({ maxPrefixes: 2 }), attributes: new AttributeTable({ maxEntries: 4 }) };
    const intake = new Intake(small.prefixes, small.attributes, new Canonicaliser());
    let votes = 0;
    const sink = { vote: () => void votes++ };
    const routes = new Map(Array.from({ length: 5 }, (_, i) => [prefixAt(i), { path: [65000, i + 1] }]));
    const bytes = announcements(routes, NEXT_HOP);
    for (let at = 0; at < bytes.length;) {
      const end = at + ((bytes[at + 16] << 8) | bytes[at + 17]);
      intake.cast(bytes, at, end, 3, 65009, 0, sink, 0);
      at = end;
    }
    expect(intake.tableFull).toBeGreaterThan(0);
    expect(votes).toBeLessThanOrEqual(2);
  });
});
