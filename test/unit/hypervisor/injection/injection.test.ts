// The parts of fault injection: what is asked for, routes made wrong, what a slow replica says, and the desk's own order of things.
import { describe, expect, it } from 'vitest';
import { withMed, withNextHop } from '../../../../hypervisor/injection/altered-routes.js';
import { DelayLine } from '../../../../hypervisor/injection/delay-line.js';
import { InjectionDesk, MAX_INJECTIONS } from '../../../../hypervisor/injection/injection-desk.js';
import { parseInjectionRequest, parseRandomRequest } from '../../../../hypervisor/injection/request.js';
import type { FibRequest } from '../../../../hypervisor/fib/protocol.js';
import { Electorate } from '../../../../voter/electorate.js';
import { UpdateVoter } from '../../../../voter/update-voter.js';
import { AttributeTable } from '../../../../wire/attribute-table.js';
import { describeAttributes } from '../../../../wire/bgp/describe.js';
import { PrefixTable } from '../../../../wire/prefix-table.js';
import { waitFor } from '../../../support/wait.js';

// ORIGIN IGP, an empty AS_PATH, NEXT_HOP 10.0.0.1, and with a MED of 5; then LOCAL_PREF 100.
const HEAD = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 10, 0, 0, 1];
const MED = [0x80, 4, 4, 0, 0, 0, 5];
const TAIL = [0x40, 5, 4, 0, 0, 0, 100];
const route = Uint8Array.from([...HEAD, ...TAIL]);
const routeWithMed = Uint8Array.from([...HEAD, ...MED, ...TAIL]);
const words = (bytes: Uint8Array): Record<string, string> =>
  Object.fromEntries(describeAttributes(bytes).map(({ name, text }) => [name, text]));

describe('altered routes', () => {
  it('have another next hop and are the same otherwise', () => {
    expect(words(withNextHop(route, undefined))).toEqual({ ...words(route), NEXT_HOP: '10.0.0.0' });
    expect(words(withNextHop(route, Uint8Array.of(192, 0, 2, 1)))).toEqual({ ...words(route), NEXT_HOP: '192.0.2.1' });
    expect(words(withNextHop(route, new Uint8Array(16)))).toEqual({ ...words(route), NEXT_HOP: '10.0.0.0' });
  });

  it('have another MED, in its place', () => {
    expect([...withMed(routeWithMed, 5)]).toEqual([...routeWithMed]);
    expect([...withMed(route, 5)]).toEqual([...routeWithMed]);
    expect(words(withMed(routeWithMed, undefined)).MED).toBe('1005');
    expect(words(withMed(route, undefined)).MED).toBe('1000');
  });
});

describe('a delay line', () => {
  it('keeps the order, and hurries when too much waits', async () => {
    const line = new DelayLine(3);
    const heard: number[] = [];
    const add = (n: number, delay: number): void => line.add(Uint8Array.of(n), delay, ([first]) => heard.push(first));
    add(1, 30);
    add(2, 0);
    add(3, 0);
    expect([heard, line.hurried]).toEqual([[], 0]);
    add(4, 0);
    expect([heard, line.hurried]).toEqual([[1], 1]);
    await waitFor(() => line.empty, 'everything is delivered');
    expect(heard).toEqual([1, 2, 3, 4]);
    add(5, 0);
    line.clear();
    expect([line.empty, heard.length]).toEqual([true, 4]);
  });
});

const NAMES = { replicas: ['frr', 'bird'], neighbors: ['10.0.0.2'] };

describe('requests', () => {
  const parse = (params: Record<string, unknown>) => parseInjectionRequest({ replica: 'bird', ...params }, NAMES);

  it('have defaults', () => {
    const { prefixes, where, sticky, duration, signal } = parse({ kind: 'drop' });
    expect({ prefixes, where, sticky, duration }).toEqual({
      ...{ prefixes: { how: 'count', count: 1 }, where: 'both', sticky: false, duration: undefined },
    });
    expect(signal).toBe('SIGSEGV');
    expect(parse({ kind: 'crash', signal: 'kill' }).signal).toBe('SIGKILL');
    expect(parse({ kind: 'mute' }).prefixes).toEqual({ how: 'all' });
  });

  it.each([
    [{ kind: 'melt' }, '"melt" is no kind; there are: drop, extra'],
    [{}, '"kind" is missing'],
    [{ kind: 'drop', replica: 'gated' }, 'there is no replica "gated"; there are: frr, bird'],
    [{ kind: 'drop', neighbor: '10.9.9.9' }, 'there is no neighbour'],
    [{ kind: 'drop', prefixes: ['10.0.0.0/33'] }, 'is no prefix'],
    [{ kind: 'drop', prefixes: [] }, 'not empty'],
    [{ kind: 'drop', count: 3, all: true }, 'in one way only'],
    [{ kind: 'drop', share: 1.5 }, '"share" is a number from 0 to 1'],
    [{ kind: 'drop', for: -1 }, '"for" is a number'],
    [{ kind: 'extra' }, 'needs the prefixes'],
    [{ kind: 'wrong-attribute', where: 'fib' }, 'does not concern the forwarding table'],
    [{ kind: 'wrong-nexthop', nextHop: 'there' }, 'is no IP address'],
    [{ kind: 'crash', signal: 'SIGNOTHING' }, 'is no signal'],
    [{ kind: 'refuse', errno: 'EHMM' }, 'is no errno'],
    [{ kind: 'refuse', where: 'update' }, 'forwarding table only'],
  ])('%j are refused with a reason', (params, reason) => expect(() => parse(params)).toThrow(reason));

  it('for random faults', () => {
    const parsed = parseRandomRequest({ meanInterval: 100, meanDuration: 50, replicas: ['bird'] }, NAMES);
    expect(parsed).toMatchObject({ kinds: ['drop', 'extra', 'wrong-nexthop'], replicas: [1], seed: 1 });
    const random = (params: Record<string, unknown>) => () =>
      parseRandomRequest({ meanInterval: 100, meanDuration: 50, ...params }, NAMES);
    expect(random({ meanInterval: undefined })).toThrow('"meanInterval" is missing');
    expect(random({ meanInterval: 0 })).toThrow('is a number from');
    expect(random({ kinds: ['refuse'] })).toThrow('is no kind');
    expect(random({ replicas: [] })).toThrow('not empty');
  });
});

function desk() {
  const [prefixes, attributes] = [new PrefixTable(), new AttributeTable()];
  const voter = new UpdateVoter({
    ...{ replicas: 2, electorate: new Electorate(2), strategy: 'continuous-majority' },
    ...{ inputTime: () => 0, caughtUp: new Float64Array(2) },
  });
  const [p, vote] = [prefixes.parse('10.0.0.0/8'), attributes.intern(route, 0, route.length)];
  for (const r of [0, 1]) voter.vote(r, p, vote, 0);
  const signals: string[] = [];
  const told: FibRequest[] = [];
  const answers = { fib: (_: FibRequest): Promise<unknown> => Promise.resolve(null) };
  const records: Record<string, unknown>[] = [];
  const made = new InjectionDesk(
    {
      replicas: NAMES.replicas.map((name) => ({
        ...{ name, fib: 'netlink' as const, pid: () => 7, loseSession: () => true },
        signal: (signal) => signals.push(signal) > 0,
      })),
      ...{ neighbors: NAMES.neighbors, prefixes, attributes, voter: () => voter },
      fib: (request) => {
        told.push(request);
        return answers.fib(request);
      },
      warn: () => undefined,
      record: (line) => records.push(JSON.parse(line) as Record<string, unknown>),
    },
    1,
  );
  return { desk: made, voter, p, vote, prefixes, attributes, signals, told, answers, records };
}

describe('the desk', () => {
  it('stands in the way of votes only while a fault is in force', async () => {
    const { desk: one, voter, p, vote } = desk();
    expect(one.ballots(0, voter)).toBe(voter);
    await one.inject({ replica: 'bird', kind: 'drop' });
    expect(one.ballots(0, voter)).not.toBe(voter);
    expect(voter.currentVote(1, p)).toBe(0);
    one.clear({});
    expect(one.ballots(0, voter)).toBe(voter);
    expect(voter.currentVote(1, p)).toBe(vote);
  });

  it('takes a fault back that the forwarding table refuses', async () => {
    const { desk: one, voter, p, vote, answers } = desk();
    answers.fib = () => Promise.reject(new Error('no'));
    await expect(one.inject({ replica: 'bird', kind: 'drop' })).rejects.toThrow('no');
    expect([one.count, voter.currentVote(1, p)]).toEqual([0, vote]);
  });

  it('ends what is not sticky when the replica starts anew, in both places', async () => {
    const { desk: one, told, records } = desk();
    await one.inject({ replica: 'bird', kind: 'drop' });
    await one.inject({ replica: 'bird', kind: 'wrong-nexthop', sticky: true, prefixes: ['10.0.0.0/8'] });
    await one.inject({ replica: 'frr', kind: 'drop', where: 'update' });
    one.forgotten(1, 0);
    expect(one.list().map(({ replica, kind }) => [replica, kind])).toEqual([
      ['bird', 'wrong-nexthop'],
      ['frr', 'drop'],
    ]);
    expect(told.map((request) => request.what === 'inject' && [request.id, request.injection?.kind])).toEqual([
      [1, 'drop'],
      [2, 'gateway'],
      [1, undefined],
    ]);
    expect(records.at(-1)).toMatchObject({ kind: 'injection', state: 'ends', reason: 'the replica started anew' });
  });

  it('wakes a stopped process when the last fault that stopped it ends, and when the router does', async () => {
    const { desk: one, signals } = desk();
    for (let i = 0; i < 2; i++) await one.inject({ replica: 'bird', kind: 'hang' });
    one.clear({ id: 1 });
    expect(signals).toEqual(['SIGSTOP', 'SIGSTOP']);
    one.close();
    expect(signals).toEqual(['SIGSTOP', 'SIGSTOP', 'SIGCONT']);
  });

  it('holds a bounded number of faults, and random ones that find no room are missed', async () => {
    const { desk: one } = desk();
    const fault = { replica: 'bird', kind: 'drop', prefixes: ['10.0.0.0/8'] };
    for (let i = 0; i < MAX_INJECTIONS - 1; i++) await one.inject(fault);
    one.injectRandom({ meanInterval: 10, meanDuration: 1000 });
    await expect(one.inject(fault)).rejects.toThrow('are injected by now');
    one.tick(Number.MAX_SAFE_INTEGER);
    expect(one.list()[0]?.detail ?? '').toMatch(/0 so far, [1-9]\d* missed/);
    expect(one.clear({})).toEqual({ cleared: MAX_INJECTIONS });
  });

  it('says what cannot be', async () => {
    const { desk: one, voter, p } = desk();
    for (const r of [0, 1]) voter.vote(r, p, 0, 0);
    await expect(one.inject({ replica: 'bird', kind: 'drop' })).rejects.toThrow('announces nothing to choose from');
    const extra = { replica: 'bird', kind: 'extra', prefixes: ['10.1.0.0/16'] };
    await expect(one.inject(extra)).rejects.toThrow('announces no route whose attributes');
    expect(() => one.clear({ id: 9 })).toThrow('no injected fault 9');
  });

  it('keeps the ids that it holds through a sweep of the tables', async () => {
    const { desk: one, prefixes, attributes, p, vote } = desk();
    await one.inject({ replica: 'bird', kind: 'drop' });
    await one.inject({ replica: 'frr', kind: 'extra', prefixes: ['10.1.0.0/16'] });
    const [ids, sets] = [new Uint8Array(prefixes.limit), new Uint8Array(attributes.limit)];
    one.markPrefixes(ids);
    one.markAttributes(sets);
    expect([ids[p], ids[prefixes.findText('10.1.0.0/16')], sets[vote]]).toEqual([1, 1, 1]);
  });
});
