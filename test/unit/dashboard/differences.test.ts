// Who says what: replicas that say the same together, and ballots with the same difference together.
import { expect, test } from 'vitest';
import { pageModule } from '../../support/page-module.js';

type Route = Record<string, string> | null;
interface Vote {
  replica: string;
  attributes: Route;
  agrees: boolean;
  counts: boolean;
}
interface Group {
  attributes: Route;
  names: string[];
  silent: string[];
}
const { groupVotes, differing, signature } = await pageModule<{
  groupVotes(votes: Vote[]): Group[];
  differing(routes: Route[]): string[];
  signature(ballot: { verdict: Route; votes: Vote[] }): string;
}>('attributes.js');
const { hopsBallot } = await pageModule<{ hopsBallot(route: object): { verdict: Route; votes: Vote[] } }>('hops.js');

const vote = (replica: string, attributes: Route, agrees: boolean, counts = true): Vote => ({
  ...{ replica, attributes, agrees, counts },
});

test('replicas that say the same are one group, the verdict first, whatever the order of attributes', () => {
  const votes = [
    vote('bird', { MED: '4711', ORIGIN: 'IGP' }, false),
    vote('frr', { ORIGIN: 'IGP', MED: '0' }, true),
    vote('openbgpd', { MED: '0', ORIGIN: 'IGP' }, true),
    vote('quagga', null, false),
    vote('gobgp', { MED: '0', ORIGIN: 'IGP' }, true, false),
  ];
  expect(groupVotes(votes).map(({ names, silent }) => [names, silent])).toEqual([
    [['frr', 'openbgpd'], ['gobgp']],
    [['bird'], []],
    [['quagga'], []],
  ]);
});

test('an attribute differs where values do, or where one has it not; no route has no attributes', () => {
  expect(differing([{ MED: '1', ORIGIN: 'IGP' }, { ORIGIN: 'IGP' }, null])).toEqual(['MED']);
  expect(differing([null, { MED: '1' }])).toEqual([]);
  expect(
    differing([
      { A: 'x', B: 'y' },
      { A: 'z', B: 'y' },
    ]),
  ).toEqual(['A']);
});

test('ballots belong together when the same replicas differ in the same way, whatever else the routes hold', () => {
  const ballot = (path: string, med: string, liar = 'bird') => ({
    verdict: { AS_PATH: path, MED: '0' },
    votes: ['bird', 'frr', 'openbgpd'].map((name) =>
      vote(name, { AS_PATH: path, MED: name === liar ? med : '0' }, name !== liar),
    ),
  });
  expect(signature(ballot('1 2', '5'))).toBe(signature(ballot('3 4', '5')));
  expect(signature(ballot('1 2', '5'))).not.toBe(signature(ballot('1 2', '6')));
  expect(signature(ballot('1 2', '5'))).not.toBe(signature(ballot('1 2', '5', 'frr')));
  const gone = { verdict: { MED: '0' }, votes: [vote('bird', null, false), vote('frr', { MED: '0' }, true)] };
  const extra = { verdict: null, votes: [vote('bird', { MED: '0' }, false), vote('frr', null, true)] };
  expect(signature(gone)).not.toBe(signature(extra));
});

test('next hops of the forwarding table are compared like an attribute', () => {
  const hop = (gateway: string | undefined, weight = 1) => ({ gateway, interface: 'eth0', weight, onlink: false });
  const { verdict, votes } = hopsBallot({
    prefix: '10.0.0.0/8',
    verdict: { type: 'unicast', nextHops: [hop('10.0.0.1')] },
    votes: [
      { replica: 'frr', counts: true, agrees: true, nextHops: { type: 'unicast', nextHops: [hop('10.0.0.1')] } },
      {
        replica: 'bird',
        counts: true,
        agrees: false,
        nextHops: { type: 'unicast', nextHops: [hop('10.0.0.1', 1), hop(undefined, 2)] },
      },
      { replica: 'openbgpd', counts: true, agrees: false, nextHops: { type: 'blackhole', nextHops: [] } },
      { replica: 'gobgp', counts: true, agrees: false, nextHops: null },
    ],
  });
  expect(verdict).toEqual({ 'next hops': 'via 10.0.0.1 dev eth0' });
  expect(votes.map(({ attributes }) => attributes)).toEqual([
    { 'next hops': 'via 10.0.0.1 dev eth0' },
    { 'next hops': 'via 10.0.0.1 dev eth0 weight 1, dev eth0 weight 2' },
    { 'next hops': 'blackhole' },
    null,
  ]);
});
