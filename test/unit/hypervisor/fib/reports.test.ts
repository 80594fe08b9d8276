// Answers to operators, lines of the log, and news for the main thread, out of an engine in all the states that a route can be in.
import { describe, expect, test } from 'vitest';
import { FibJournal, hopsInWords } from '../../../../hypervisor/fib/fib-journal.js';
import { InstalledNews } from '../../../../hypervisor/fib/installed-news.js';
import { parseInjection } from '../../../../hypervisor/fib/injections.js';
import { Listing } from '../../../../hypervisor/fib/listing.js';
import type { FibQuery } from '../../../../hypervisor/fib/protocol.js';
import { errnoName, FibReports } from '../../../../hypervisor/fib/reports.js';
import type { FibRouteReport } from '../../../../hypervisor/fib/status.js';
import { UNKNOWN_HOPS } from '../../../../fib/installer.js';
import { EngineRig, OWN } from '../../fib/engine-rig.js';
import type { RigOptions } from '../../fib/engine-rig.js';

const NET = '203.0.113.0/24';
const V6 = '2001:db8:1::/48';
const NAMES = ['frr', 'bird', 'obgpd'];

function setUp(options: RigOptions = {}) {
  const rig = new EngineRig(options);
  rig.elect(0, 1, 2);
  const sources = options.sources ?? ['netlink', 'netlink', 'netlink'];
  const reports = new FibReports(rig.engine, { sources, own: OWN } as never, NAMES);
  const list = (query: FibQuery = {}): { routes: FibRouteReport[]; total: number; slices: number } => {
    const listing = new Listing(1, rig.engine, reports, query);
    const routes: FibRouteReport[] = [];
    for (let slices = 1; ; slices++) {
      const slice = listing.step();
      routes.push(...slice.routes);
      if (slice.total !== undefined) return { routes, total: slice.total, slices };
    }
  };
  const all = (prefix: string, gateway: string | undefined): void => {
    for (const r of [0, 1, 2]) rig.write(r, prefix, gateway);
  };
  return { rig, reports, list, all };
}

test.each([{ prefix: [] }, { prefix: 7 }, { limit: 'all' }, { limit: -1 }])(
  'a question that is none is refused: %j',
  (query) => {
    const { list } = setUp();
    expect(() => list(query as never)).toThrow(/must be a/);
  },
);

describe('the listing', () => {
  test('names the state of each route', () => {
    const { rig, list, all } = setUp();
    const { engine } = rig;
    engine.installer.found(engine.prefixes.parse('198.18.7.0/24'), UNKNOWN_HOPS);
    rig.refuse = (prefix) => (prefix === '192.0.2.0/24' ? 101 : 0);
    all(NET, '10.0.0.1');
    all('192.0.2.0/24', '10.0.0.1');
    rig.run(100);
    rig.write(2, '198.51.100.0/24', '10.0.0.1');
    rig.write(0, NET, '10.0.0.2');
    rig.run(25);
    const states = Object.fromEntries(list().routes.map(({ prefix, state }) => [prefix, state]));
    expect(states).toEqual({
      '198.18.7.0/24': 'stale',
      [NET]: 'installed',
      '192.0.2.0/24': 'failing',
      '198.51.100.0/24': 'absent',
    });
    expect(list({ state: 'failing' }).routes.map(({ error }) => error)).toEqual([errnoName(101)]);
    expect(list({ state: 'contested' }).routes.map(({ prefix }) => prefix)).toEqual([NET, '198.51.100.0/24']);
    expect(list({ prefix: NET }).routes[0]!.votes.map(({ agrees, counts }) => [agrees, counts])).toEqual([
      [false, true],
      [true, true],
      [true, true],
    ]);
    expect(list({ prefix: '198.18.7.0/24' }).routes[0]!.kernel).toEqual({ type: 'unknown', nextHops: [] });
    expect(list({ prefix: '198.18.255.1/32' })).toMatchObject({ routes: [], total: 0 });
    expect(list({ prefix: 'nonsense' }).total).toBe(0);
  });

  test('counts what is beyond the limit', () => {
    const { rig, list, all } = setUp();
    for (let i = 0; i < 50; i++) all(`203.0.${i}.0/24`, '10.0.0.1');
    rig.run(25);
    const { routes, total } = list({ limit: 7 });
    expect([routes.length, total]).toEqual([7, 50]);
    expect(list({ limit: 0 })).toMatchObject({ routes: [], total: 50 });
  });

  test('leaves out who has no say', () => {
    const { rig, list } = setUp({ sources: ['netlink', 'none', 'netlink'] });
    for (const r of [0, 2]) rig.write(r, NET, '10.0.0.1');
    rig.run(25);
    expect(list().routes[0]!.votes.map(({ replica }) => replica)).toEqual(['frr', 'obgpd']);
  });
});

test('errnos have names, or are numbers', () => {
  expect([errnoName(105), errnoName(4000)]).toEqual(['ENOBUFS', 'errno 4000']);
});

describe('the journal', () => {
  const open = (rig: EngineRig, words?: string) => {
    const said: string[] = [];
    const journal = new FibJournal(rig.engine, 'dissent', {
      replicas: NAMES,
      refusal: () => words,
      lastInput: () => 1000,
    });
    const lines = (): Record<string, unknown>[] =>
      journal
        .lines(rig.engine.voter.drainEvents(), (level, text) => said.push(`${level}: ${text}`))
        .map((line) => JSON.parse(line) as never);
    return { lines, said };
  };

  test('tells dissent with names and words, and its end', () => {
    const { rig, all } = setUp();
    const { lines } = open(rig);
    rig.input(NET);
    all(NET, '10.0.0.1');
    rig.write(1, NET, '10.0.0.66');
    rig.run(1500);
    rig.caughtUp(0, 1, 2);
    rig.run(3000);
    const begins = lines().find(({ kind }) => kind === 'dissent-begins');
    expect(begins).toMatchObject({ fib: true, prefix: NET, replica: 'bird', what: 'different' });
    expect([begins!.verdict, begins!.vote]).toEqual(['via 10.0.0.1 dev eth2', 'via 10.0.0.66 dev eth2']);
    expect(lines()).toEqual([]);
    rig.write(1, NET, '10.0.0.1');
    rig.run(100);
    expect(lines()).toMatchObject([{ kind: 'dissent-ends', replica: 'bird' }]);
  });

  test('tells a refusal in the kernel’s words once, and that it is over', () => {
    const { rig, all } = setUp();
    const { lines, said } = open(rig, 'Nexthop has invalid gateway');
    rig.refuse = () => 101;
    all(NET, '10.0.0.1');
    rig.run(10_000);
    expect(lines()).toMatchObject([{ kind: 'fib-refused', prefix: NET, error: 'ENETUNREACH' }]);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/^warn: .*203\.0\.113\.0\/24: ENETUNREACH \(Nexthop has invalid gateway\)$/);
    rig.refuse = () => 0;
    rig.run(70_000);
    expect(lines()).toMatchObject([{ kind: 'fib-recovered', prefix: NET }]);
  });

  test('a crowd becomes a number', () => {
    const { rig, all } = setUp();
    const { lines, said } = open(rig);
    rig.refuse = () => 105;
    for (let i = 0; i < 120; i++) all(`203.0.${i}.0/24`, '10.0.0.1');
    rig.run(25);
    expect(lines()).toMatchObject([{ kind: 'fib-refused', prefixes: 120 }]);
    expect(said).toHaveLength(6);
    expect(said[5]).toContain('115 more');
  });

  test('what others did to our routes is told, whatever it was', () => {
    const { rig, all } = setUp();
    const { lines, said } = open(rig);
    all(NET, '10.0.0.1');
    rig.run(100);
    lines();
    rig.engine.installer.external(rig.engine.prefixes.findText(NET), UNKNOWN_HOPS, rig.now);
    expect(lines()).toMatchObject([{ kind: 'fib-interfered', prefix: NET, route: 'unknown', audit: false }]);
    expect(said[0]).toContain('1 of our routes');
  });
});

describe('news of what is installed', () => {
  test('are NLRI by family, each once', () => {
    const { rig, all } = setUp({ reportWithdrawn: true });
    const news = new InstalledNews(rig.engine);
    expect(news.take()).toBeUndefined();
    all(NET, '10.0.0.1');
    rig.engine.installer.found(rig.engine.prefixes.parse(V6), 1);
    rig.engine.installer.want(rig.engine.prefixes.parse(V6), 1, rig.now);
    rig.run(25);
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    const first = news.take()!;
    expect(first.installed.map(hex)).toEqual(['18cb0071', '3020010db80001']);
    expect(first.removed.map(hex)).toEqual(['', '']);
    expect(news.take()).toBeUndefined();
    all(NET, undefined);
    rig.run(25);
    expect(news.take()!.removed.map(hex)).toEqual(['18cb0071', '']);
    expect(news.take()).toBeUndefined();
  });
});

describe('injections', () => {
  const { engine } = new EngineRig();
  const parse = (value: unknown): unknown => parseInjection(value, engine);

  test('are spelled as on the control socket', () => {
    expect(parse({ kind: 'drop' })).toEqual({ fault: { kind: 'drop' } });
    expect(parse({ kind: 'error', errno: 'ENOBUFS', every: 3 })).toEqual({ refusal: { errno: 105, every: 3 } });
    const prefix = engine.prefixes.parse(NET);
    expect(parse({ kind: 'error', errno: 12, prefix: NET })).toEqual({ refusal: { errno: 12, prefix } });
    expect(parse({ kind: 'gateway', address: '10.0.0.9', prefixes: [NET] })).toEqual({
      fault: { kind: 'gateway', address: Uint8Array.of(10, 0, 0, 9), prefixes: new Set([prefix]) },
    });
    expect(parse({ kind: 'delay', ms: 50 })).toEqual({ fault: { kind: 'delay', ms: 50 } });
  });

  test('a made up route goes by an address that is reachable, or nowhere', () => {
    const words = (value: unknown): string | null => {
      const parsed = parseInjection(value, engine);
      return 'fault' in parsed && parsed.fault.kind === 'extra' ? hopsInWords(engine, parsed.fault.hops) : null;
    };
    expect(words({ kind: 'extra', prefixes: [NET] })).toBe('blackhole');
    expect(words({ kind: 'extra', prefixes: [NET], address: '10.0.0.9' })).toBe('via 10.0.0.9 dev eth2');
  });

  test.each([
    [7, 'kind'],
    [null, 'kind'],
    ['drop', 'kind'],
    [{ kind: 'error' }, 'errno'],
    [{ kind: 'error', errno: -1 }, 'errno'],
    [{ kind: 'error', errno: 'EWHAT' }, 'errno'],
    [{ kind: 'error', errno: 5, every: 0 }, 'every'],
    [{ kind: 'error', errno: 5, every: '2' }, 'every'],
    [{ kind: 'gateway', address: '10.0.0' }, 'IP address'],
    [{ kind: 'drop', prefixes: ['10.0.0.0/33'] }, 'is no prefix'],
    [{ kind: 'drop', prefixes: [] }, 'list of prefixes'],
    [{ kind: 'stale', prefixes: NET }, 'list of prefixes'],
    [{ kind: 'drop', prefixes: Array<string>(100_001).fill(NET) }, 'more than'],
    [{ kind: 'extra' }, '"prefixes"'],
    [{ kind: 'extra', prefixes: [NET], address: '192.0.2.1' }, 'not reachable'],
    [{ kind: 'delay', ms: 0 }, '"ms"'],
  ])('%j is told to be wrong', (value, word) => {
    expect(() => parse(value)).toThrow(word);
  });
});
