// Which dissents are habits of released daemons, and that nothing else is excused with them.
import { describe, expect, test } from 'vitest';
import {
  KNOWN_DIFFERENCES,
  knownDifference,
  knownRefusal,
  type Daemon,
  type DissentCase,
} from '../../../../voter/faults/known-differences.js';
import { AS_PATH, attribute, concat, NEXT_HOP, NEXT_HOP_6, ORIGIN } from '../../wire/build.js';

const frr: Daemon = { kind: 'frr', netlink: true };
const bird: Daemon = { kind: 'bird', netlink: true };
const openbgpd: Daemon = { kind: 'openbgpd', netlink: false };

const BASE = concat(ORIGIN, AS_PATH, NEXT_HOP);
const OTHER_PATH = concat(ORIGIN, attribute(0x40, 2, [2, 1, 0, 0, 0, 9]), NEXT_HOP);
const with_ = (...more: Uint8Array[]): Uint8Array => concat(BASE, ...more);
const COMMUNITY = [0xfd, 0xe9, 0, 1];
const LARGE = [0, 0, 0xfd, 0xe9, 0, 0, 0, 1, 0, 0, 0, 2];

function explain(
  by: Daemon,
  vote: Uint8Array | undefined,
  majority: Uint8Array | undefined,
  more: Partial<DissentCase> = {},
): string[] | undefined {
  const agreeing = [frr, bird, openbgpd].filter((daemon) => daemon !== by);
  return knownDifference({ by, vote, majority, agreeing, inputs: () => [], ...more });
}

describe('attributes', () => {
  const cases: [string, Daemon, string, Uint8Array[], Uint8Array[]][] = [
    ...[
      [7, [0, 0, 0xfd, 0xe9, 10, 0, 0, 1]],
      [8, COMMUNITY],
      [16, [0, 2, 0xfd, 0xe9, 0, 0, 0, 1]],
      [32, LARGE],
    ].map(([type, value]): [string, Daemon, string, Uint8Array[], Uint8Array[]] => [
      `FRR clears Partial on ${String(type)}`,
      frr,
      'frr-partial',
      [attribute(0xc0, type as number, value as number[])],
      [attribute(0xe0, type as number, value as number[])],
    ]),
    ...[23, 25, 40].map((type): [string, Daemon, string, Uint8Array[], Uint8Array[]] => [
      `FRR drops ${type}`,
      frr,
      'frr-drops-attributes',
      [],
      [attribute(0xc0, type, [1, 2, 3])],
    ]),
    [
      'FRR and PMSI Tunnel',
      frr,
      'frr-pmsi-tunnel',
      [attribute(0xc0, 22, [0, 0, 0, 0, 0, 0])],
      [attribute(0xc0, 22, [0])],
    ],
    ...[0, 255].map((type): [string, Daemon, string, Uint8Array[], Uint8Array[]] => [
      `OpenBGPD drops ${type}`,
      openbgpd,
      'openbgpd-drops-attributes',
      [],
      [attribute(0xe0, type, [1, 2, 3])],
    ]),
    [
      'BIRD keeps an AGGREGATOR with AS 0',
      bird,
      'bird-aggregator-0',
      [attribute(0xc0, 7, [0, 0, 0, 0, 10, 0, 0, 1])],
      [],
    ],
  ];

  test.each(cases)('%s', (_, by, rule, vote, majority) => {
    expect(explain(by, with_(...vote), with_(...majority))).toEqual([rule]);
    for (const other of [frr, bird, openbgpd].filter((daemon) => daemon !== by)) {
      expect(explain(other, with_(...vote), with_(...majority))).toBeUndefined();
    }
    // The other way round is somebody else's habit only if all of the majority have it.
    const rest = by === bird ? frr : bird;
    expect(explain(rest, with_(...majority), with_(...vote), { agreeing: [by, by] })).toEqual([rule]);
    expect(explain(rest, with_(...majority), with_(...vote), { agreeing: [by, openbgpd, frr] })).toBeUndefined();
    // One more difference, and it is a fault.
    expect(explain(by, concat(OTHER_PATH, ...vote), with_(...majority))).toBeUndefined();
  });

  test('several habits at once are all named', () => {
    const majority = with_(attribute(0xe0, 32, LARGE), attribute(0xc0, 40, [1, 2, 3]));
    expect(explain(frr, with_(attribute(0xc0, 32, LARGE)), majority)).toEqual(['frr-drops-attributes', 'frr-partial']);
  });

  test('not excused: a set Partial bit, another value, an attribute added', () => {
    expect(explain(frr, with_(attribute(0xe0, 8, COMMUNITY)), with_(attribute(0xc0, 8, COMMUNITY)))).toBeUndefined();
    expect(explain(frr, with_(attribute(0xc0, 8, [1, 2, 3, 4])), with_(attribute(0xe0, 8, COMMUNITY)))).toBeUndefined();
    expect(explain(frr, with_(attribute(0xc0, 40, [1])), BASE)).toBeUndefined();
    expect(explain(bird, with_(attribute(0xc0, 7, [0, 0, 0, 1, 10, 0, 0, 1])), BASE)).toBeUndefined();
    expect(explain({ kind: 'gobgp', netlink: false }, with_(attribute(0xc0, 8, COMMUNITY)), BASE)).toBeUndefined();
  });
});

describe('routes', () => {
  test('BIRD does not pass on routes with attribute 254; two BIRDs make the majority that has none', () => {
    const route = with_(attribute(0xe0, 254, [1]));
    expect(explain(bird, undefined, route)).toEqual(['bird-attribute-254']);
    expect(explain(bird, undefined, BASE)).toBeUndefined();
    expect(explain(openbgpd, undefined, route)).toBeUndefined();
    expect(explain(frr, route, undefined, { agreeing: [bird, bird] })).toEqual(['bird-attribute-254']);
    expect(explain(frr, route, undefined, { agreeing: [bird, openbgpd] })).toBeUndefined();
    expect(explain(bird, route, undefined)).toBeUndefined();
  });

  test('BIRD does not pass on routes whose attributes leave no room', () => {
    const communities = (n: number): Uint8Array => with_(attribute(0xc0, 8, new Array<number>(4 * n).fill(1)));
    expect(explain(bird, undefined, communities(760))).toEqual(['bird-long-attributes']);
    expect(explain(bird, undefined, communities(700))).toBeUndefined();
  });

  test('FRR without zebra and IPv6 next hops with a link-local one beside them', () => {
    const route = concat(ORIGIN, AS_PATH, attribute(0x80, 14, NEXT_HOP_6));
    const both = concat(
      ORIGIN,
      AS_PATH,
      attribute(0x80, 14, [...NEXT_HOP_6, 0xfe, 0x80, ...new Array<number>(14).fill(1)]),
    );
    const without: Daemon = { kind: 'frr', netlink: false };
    const came = (...inputs: Uint8Array[]): Partial<DissentCase> => ({ inputs: () => inputs });
    expect(explain(without, undefined, route, came(both, both))).toEqual(['frr-link-local-next-hop']);
    expect(explain(without, undefined, route, came(both, route))).toBeUndefined();
    expect(explain(without, undefined, route, came())).toBeUndefined();
    expect(explain(frr, undefined, route, came(both))).toBeUndefined();
  });

  test('what a daemon refuses, it does not forward by; all that came in must be refused', () => {
    const route = with_(attribute(0xe0, 254, [1]));
    expect(knownRefusal(bird, [route, route])).toEqual(['bird-attribute-254']);
    expect(knownRefusal(bird, [route, BASE])).toBeUndefined();
    expect(knownRefusal(bird, [])).toBeUndefined();
    expect(knownRefusal(frr, [route])).toBeUndefined();
    // That one BIRD only does not send on.
    expect(knownRefusal(bird, [with_(attribute(0xc0, 8, new Array<number>(3200).fill(1)))])).toBeUndefined();
  });

  test('nobody says anything: nothing to explain', () => {
    expect(explain(frr, undefined, undefined)).toBeUndefined();
    expect(explain(frr, BASE, BASE)).toBeUndefined();
  });
});

test('every rule has a name of its own, a daemon and a reason', () => {
  expect(new Set(KNOWN_DIFFERENCES.map(({ name }) => name)).size).toBe(KNOWN_DIFFERENCES.length);
  for (const { name, kind, reason } of KNOWN_DIFFERENCES) {
    expect(name.startsWith(`${kind}-`)).toBe(true);
    expect(reason).not.toBe('');
  }
});
