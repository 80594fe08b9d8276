// An incident as the vote log tells it: three replicas, two neighbours; bird lies about the next hop of two prefixes, then misses one, and
// crashes; frr adds a community meanwhile. Owns the records; what verbs make of them is the tests' business.
import type { LogRecord } from '../../votelog/types.js';

export const UPSTREAM = '10.0.1.2';
export const CUSTOMER = '10.0.2.2';
export const LIED = '192.0.2.0/24';
export const OTHER_LIE = '198.51.100.0/24';

const RIGHT = { ORIGIN: 'IGP', AS_PATH: '65000 65001 64500', NEXT_HOP: '10.0.2.1' };
const WRONG = { ...RIGHT, NEXT_HOP: '10.0.2.9' };
const COLOURED = { ...RIGHT, COMMUNITIES: '65000:666' };
type Route = Record<string, string> | null;

/** Seconds and ms after 14:03 UTC. */
function at(seconds: number, kind: string, fields: Record<string, unknown>): LogRecord {
  const t = new Date(Date.parse('2026-11-21T14:03:00Z') + 1000 * seconds).toISOString();
  return { v: 1, t, m: 10_000 + 1000 * seconds, kind, ...fields };
}

function votes(said: Record<string, Route>, verdict: Route): object[] {
  return Object.entries(said).map(([replica, attributes]) => ({
    ...{ replica, counts: true, agrees: attributes === verdict, attributes },
    ...(attributes !== verdict && attributes !== null && verdict !== null ? { diff: diff(verdict, attributes) } : {}),
  }));
}

function diff(left: Record<string, string>, right: Record<string, string>): object[] {
  return [...new Set([...Object.keys(left), ...Object.keys(right)])]
    .filter((name) => left[name] !== right[name])
    .map((attribute) => ({ attribute, left: left[attribute], right: right[attribute] }));
}

function dissent(type: 'begins' | 'ends', replica: string, vote: Route, prefix: string): Record<string, unknown> {
  const said = { frr: RIGHT, bird: RIGHT, openbgpd: RIGHT, [replica]: vote };
  return {
    ...{ neighbor: CUSTOMER, family: 'ipv4-unicast', replica, what: vote === null ? 'missing' : 'different' },
    ...{ strategy: 'continuous-majority', rule: 'majority', prefix, verdict: RIGHT, vote },
    ...(vote === null ? {} : { diff: diff(RIGHT, vote) }),
    votes: votes(type === 'begins' ? said : { ...said, [replica]: RIGHT }, RIGHT),
  };
}

const hops = (gateway: string): string => `via ${gateway} dev eth0`;

export const INCIDENT: readonly LogRecord[] = [
  at(0, 'session', { neighbor: UPSTREAM, state: 'up' }),
  at(0.1, 'session', { neighbor: CUSTOMER, state: 'up' }),
  at(1, 'input', { neighbor: UPSTREAM, what: 'announce', prefix: LIED, attributes: { AS_PATH: '65001 64500' } }),
  at(1.004, 'decision', {
    ...{ neighbor: CUSTOMER, prefix: LIED, verdict: RIGHT, rule: 'majority', strategy: 'continuous-majority' },
    ...{ agree: ['frr', 'bird', 'openbgpd'], latency: 3.9 },
  }),
  at(12, 'dissent-begins', dissent('begins', 'bird', WRONG, LIED)),
  at(12, 'dissent-begins', dissent('begins', 'bird', WRONG, OTHER_LIE)),
  at(12.1, 'dissent-begins', {
    ...{ fib: true, family: 'ipv4-unicast', replica: 'bird', what: 'different', strategy: 'continuous-majority' },
    ...{ prefixes: 2, nlri: { 'ipv4-unicast': '18c0000218c63364' } },
    example: {
      ...{ prefix: LIED, rule: 'majority', verdict: hops('10.0.1.2'), vote: hops('10.0.1.9') },
      diff: [{ attribute: 'next hops', left: hops('10.0.1.2'), right: hops('10.0.1.9') }],
      agree: ['frr', 'openbgpd'],
    },
  }),
  at(12.2, 'fault-begins', {
    ...{ id: 1, replica: 'bird', what: 'different', place: CUSTOMER, first: '2026-11-21T14:03:12.000Z', prefixes: 2 },
    samples: [LIED, OTHER_LIE],
  }),
  at(20, 'dissent-begins', dissent('begins', 'frr', COLOURED, OTHER_LIE)),
  at(21, 'no-majority', {
    ...{ neighbor: CUSTOMER, prefix: OTHER_LIE, verdict: RIGHT, voters: ['frr', 'bird', 'openbgpd'] },
    votes: votes({ frr: COLOURED, bird: WRONG, openbgpd: RIGHT }, RIGHT),
  }),
  at(25, 'dissent-ends', dissent('ends', 'frr', RIGHT, OTHER_LIE)),
  at(30, 'replica', { replica: 'bird', state: 'left', reason: 'exited with signal SIGSEGV' }),
  at(30, 'fault-begins', {
    ...{ id: 2, replica: 'bird', what: 'system', cause: 'crash', place: null, first: '2026-11-21T14:03:30.000Z' },
    ...{ prefixes: 0, text: 'exited with signal SIGSEGV', total: 1 },
  }),
  at(30.1, 'fault-ends', {
    ...{ id: 1, replica: 'bird', what: 'different', place: CUSTOMER, first: '2026-11-21T14:03:12.000Z' },
    ...{ last: '2026-11-21T14:03:30.100Z', total: 2 },
  }),
];
