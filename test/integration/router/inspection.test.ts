// One of three real daemons is made to lie, and a stranger finds out which, about what, how and since when: with `btr votes` and `btr
// faults` alone, while the router runs and from its vote log after it has ended.
import { cpSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../../cli/lab/wait.js';
import type { Explanation, FaultPattern } from '../../../hypervisor/explain/types.js';
import type { BallotReport, FaultsAnswer } from '../../../hypervisor/status.js';
import type { LogRecord, SummaryRow } from '../../../votelog/types.js';
import { HOSTILE } from '../../support/hostile.js';
import { Neighbor } from '../../support/router-neighbors.js';
import {
  address,
  localAddress,
  neighborConfig,
  RouterLab,
  routerProblem,
  type RunningRouter,
} from '../../support/router-lab.js';
import { prefixAt, tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const PREFIXES = 200;
/** What bird lies about. */
const LIES = [prefixAt(7), prefixAt(8), prefixAt(9)];
/** What nobody lies about. */
const TRUE = prefixAt(20);
const WRONG = address(2);
const RIGHT = localAddress(2);

describe.skipIf(problem !== undefined)('finding the liar', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let began: number;
  const [a, customer] = [new Neighbor(1), new Neighbor(2)];

  beforeAll(async () => {
    lab = RouterLab.create('inspection', 2);
    router = await lab.run({
      neighbors: [1, 2].map((n) => neighborConfig(n)),
      // Told of, not acted on: it is to go on lying.
      voting: { 'fault-threshold': '10m' },
      more: { fib: { backend: 'dry-run' } },
    });
    await router.untilVoting(3);
    await Promise.all([a.connect(), customer.connect()]);
    await a.announce(tableOf(a.as, 1, 0, PREFIXES));
    await customer.untilRight([a]);
    await router.untilUnanimous(3);
    began = Date.now();
    await router.request('inject', { replica: 'bird', kind: 'wrong-nexthop', prefixes: LIES, nextHop: WRONG });
    await waitFor(
      async () => {
        const { findings } = (await router.request('faults')) as FaultsAnswer;
        const open = findings.filter(
          ({ replica, open: is, prefixes }) => replica === 'bird' && is && prefixes === LIES.length,
        );
        return open.some(({ place }) => place === address(2)) && open.some(({ place }) => place === 'fib');
      },
      { what: 'the lies are found, towards the customer and in the forwarding table', deadlineMs: 20_000 },
    );
  });
  afterAll(async () => {
    await Promise.all([a.stop(), customer.stop()]);
    await router?.stop();
    await lab?.destroy();
  });

  const cli = (...args: string[]) => lab.btrOutput([...args, '--socket', router.socket]);
  const text = async (...args: string[]): Promise<string> => {
    const { code, text: out } = await cli(...args);
    expect(code, out).toBe(0);
    return out;
  };
  const json = async <T>(...args: string[]): Promise<T> => JSON.parse(await text(...args, '--json')) as T;
  const jsonLines = async <T>(...args: string[]): Promise<T[]> =>
    (await text(...args, '--json'))
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as T);
  /** The time is that of the lie, as far as votes have to be stable before it is one. */
  function isTheTime(iso: string | null): void {
    expect(Date.parse(iso ?? '')).toBeGreaterThanOrEqual(began - 1000);
    expect(Date.parse(iso ?? '')).toBeLessThanOrEqual(Date.now());
  }

  test('the story of a prefix says it first', async () => {
    const out = await text('votes', '--explain', LIES[0]);
    const [head, , first] = out.split('\n');
    expect(head).toContain(LIES[0]);
    expect(first).toMatch(
      /^ {2}bird says NEXT_HOP 10\.0\.2\.2 instead of 10\.0\.2\.1 towards 10\.0\.2\.2 and in the forwarding table since \d{4}-/,
    );
    expect(first).toContain('frr and openbgpd agree');
    expect(out).toMatch(/10\.0\.1\.2 \(AS 65001\) announces AS_PATH|10\.0\.1\.2 \(AS 65001\) announces ORIGIN/);
    expect(out).toContain('frr, bird and openbgpd have worked it off');
    expect(out).toMatch(/≠ bird +says NEXT_HOP/);
    expect(out).toMatch(/to 10\.0\.1\.2: no route[^]*the best route comes from itself|its own AS 65001 is in the path/);
    expect(out).toMatch(/dry run\) has the verdict: via 10\.0\.1\.2/);
    expect(out).toMatch(/what the vote log tells:[^]*bird dissents/);

    const story = await json<Explanation>('votes', '--explain', LIES[0]);
    expect(story).toMatchObject({ prefix: LIES[0], source: 'live' });
    expect(story.accused).toMatchObject([
      {
        ...{ replica: 'bird', kind: 'different', stable: true, against: ['frr', 'openbgpd'] },
        places: [address(2), 'fib'],
        diff: [{ attribute: 'NEXT_HOP', majority: RIGHT, vote: WRONG }],
      },
    ]);
    isTheTime(story.accused[0].since);
    expect(story.ballots.find(({ neighbor }) => neighbor === address(2))).toMatchObject({
      rule: 'majority',
      emission: { state: 'advertised', holds: { NEXT_HOP: RIGHT } },
      votes: [
        { replica: 'frr', agrees: true, stable: true },
        { replica: 'bird', agrees: false, dissents: true, stable: true },
        { replica: 'openbgpd', agrees: true, stable: true },
      ],
    });
    expect(await router.request('explain', { prefix: LIES[0], history: false })).toMatchObject({
      accused: story.accused,
    });
  });

  test('the story of a prefix that all agree on accuses nobody', async () => {
    const story = await json<Explanation>('votes', '--explain', TRUE);
    expect(story.accused).toEqual([]);
    expect(story.summary[0]).toBe(
      'All with a say (frr, bird and openbgpd) agree, towards every neighbour and in the forwarding table.',
    );
    const unknown = await cli('votes', '--explain', '203.0.113.0/24');
    expect(unknown.code).toBe(1);
    expect(unknown.text).toContain('No neighbour announces it now');
  });

  test('counts by replica, attribute, prefix; filters', async () => {
    expect(await json<SummaryRow[]>('votes', '--by', 'replica')).toMatchObject([
      { key: 'bird', records: 3, prefixes: 3 },
    ]);
    expect(await json<SummaryRow[]>('votes', '--by', 'attribute')).toMatchObject([{ key: 'NEXT_HOP', records: 3 }]);
    const prefixes = await json<SummaryRow[]>('votes', '--by', 'prefix', '--limit', '2');
    expect(prefixes.map(({ key }) => LIES.includes(key))).toEqual([true, true]);
    const ballots = async (...args: string[]): Promise<string[]> =>
      (await json<BallotReport[]>('votes', ...args)).map(({ prefix }) => prefix).sort();
    expect(await ballots()).toEqual(LIES);
    expect(await ballots('--replica', 'bird')).toEqual(LIES);
    expect(await ballots('--replica', 'frr')).toEqual([]);
    expect(await ballots('20.0.0.0/16', '--covered', '--kind', 'dissent')).toEqual(LIES);
    expect(await ballots('20.0.0.0/16', '--covered', '--neighbor', address(2))).toHaveLength(PREFIXES);
    expect(await ballots('20.0.7.128/25', '--covering', '--neighbor', address(2))).toEqual([LIES[0]]);
    expect(await ballots('--as', '65001')).toEqual(LIES);
    expect(await ballots('--as', '64999')).toEqual([]);
    expect(await ballots('--since', '1h')).toEqual(LIES);
    expect(await ballots('--until', '1h')).toEqual([]);
    const diff = await text('votes', '--diff');
    expect(diff).toContain('NEXT_HOP: verdict 10.0.2.1 — bird 10.0.2.2');
    expect(diff).not.toContain('openbgpd');
    expect((await cli('votes', '--kind', 'session')).text).toMatch(/--kind of live ballots is one of/);
  });

  test('btr faults gives the verdict in a sentence, and what to do', async () => {
    const out = await text('faults');
    expect(out).toMatch(
      /^OPEN {2}bird differs from frr and openbgpd on 3 prefixes since \d{4}-\S+ \S+, always NEXT_HOP 10\.0\.2\.2 instead of 10\.0\.2\.1$/m,
    );
    expect(out).toContain(`btr votes --explain ${LIES[0]}`);
    expect(out).toContain('btr replica restart bird');
    const { patterns } = await json<FaultsAnswer>('faults', '--open', '--neighbor', address(2));
    expect(patterns).toMatchObject([
      {
        ...{ replica: 'bird', kind: 'different', prefixes: 3, open: true, against: ['frr', 'openbgpd'] },
        changes: [{ attribute: 'NEXT_HOP', how: 'other', vote: { values: [WRONG] }, majority: { values: [RIGHT] } }],
      },
    ]);
    isTheTime(patterns[0].first);
  });

  test('faults by prefix, AS and neighbour; counts; examples', async () => {
    const about = async (query: object): Promise<(string | number)[][]> =>
      ((await router.request('faults', { ...query })) as FaultsAnswer).patterns.map(({ replica, prefixes, places }) => [
        ...[replica, prefixes, places.join()],
      ]);
    const [update, table] = [
      ['bird', 1, address(2)],
      ['bird', LIES.length, 'fib'],
    ];
    expect(await about({ prefix: LIES[1] })).toEqual([table, update]);
    expect(await about({ prefix: LIES[1], neighbor: address(2) })).toEqual([update]);
    expect(await about({ prefix: '20.0.0.0/16', match: 'covered', neighbor: 'fib' })).toEqual([table]);
    expect(await about({ prefix: TRUE })).toEqual([]);
    expect(await about({ as: 64_999 })).toEqual([]);
    expect(await about({ as: 65_001 })).toEqual([['bird', LIES.length, address(2)]]);
    expect(await json<SummaryRow[]>('faults', '--by', 'prefix')).toHaveLength(LIES.length);
    expect(await text('faults', LIES[1], '--diff')).toContain(`NEXT_HOP: majority ${RIGHT} — bird ${WRONG}`);
  });

  test('an address stands for the most specific prefix', async () => {
    const out = await text('votes', '--explain', '20.0.7.77');
    expect(out).toContain(`20.0.7.77 lies in ${LIES[0]}`);
    expect(out).toMatch(/bird says NEXT_HOP/);
  });

  test('whatever is asked, there is an answer or a clear error, soon, and the router goes on', async () => {
    const methods = ['status', 'votes', 'faults', 'explain', 'fib', 'quarantine', 'quarantine-show', 'vote-log'];
    const asking = ['log-level', 'replica', 'config-diff', 'inject', 'bmp', 'record'];
    const names = [
      'prefix',
      'match',
      'neighbor',
      'replica',
      'as',
      'state',
      'from',
      'limit',
      'after',
      'by',
      'id',
      'file',
    ];
    const params = fc.dictionary(
      fc.constantFrom(...names, 'action', 'level', 'kind', '__proto__'),
      fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(...HOSTILE, LIES[0], '0.0.0.0/0', 'covered', 'all')),
    );
    const before = await router.status();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...methods, ...asking, 'constructor', '\u001b[2J'),
        params,
        async (method, query) => {
          const asked = performance.now();
          const message = await router.request(method, query as never).then(
            () => undefined,
            (error: Error) => error.message,
          );
          // Internal mistakes would show like this.
          if (message !== undefined) expect(message).not.toMatch(/of undefined|is not a function|Cannot read/);
          expect([method, query, performance.now() - asked > 10_000]).toEqual([method, query, false]);
        },
      ),
      { numRuns: 60 },
    );
    const after = await router.status();
    expect([after.pid, after.electorate, after.ballots]).toEqual([before.pid, before.electorate, before.ballots]);
  });

  test('without a hypervisor and without a log the error names both ways', async () => {
    const nobody = await lab.btrOutput(['votes', '--socket', '/nowhere/control.sock']);
    expect(nobody.code).toBe(69);
    expect(nobody.text).toMatch(/is "btr run" running\?.*--log DIRECTORY\|FILE/);
    expect((await lab.btrOutput(['votes', '--log', '/nowhere'])).code).toBe(66);
    expect((await cli('votes', '--since', 'yesterday')).code).toBe(2);
  });

  test('the log tells the same, copied elsewhere, after the router has ended', async () => {
    const followed = await lab.btr(['votes', '--follow', '--json', '--kind', 'injection', '--socket', router.socket]);
    await waitFor(
      async () => {
        // About a prefix that nobody has: it changes nothing, and it is logged.
        const lie = { replica: 'frr', kind: 'wrong-nexthop', prefixes: ['203.0.113.0/24'] };
        const { injections } = (await router.request('inject', lie)) as { injections: { id: number }[] };
        await router.request('inject-clear', { id: injections.at(-1)!.id });
        return followed.logTail(50).includes('"kind":"injection"');
      },
      { what: 'it follows', deadlineMs: 15_000, intervalMs: 300 },
    );
    await router.stop();
    await followed.stop(5000, 'SIGINT');
    const copy = path.join(lab.lab.directory, 'copy');
    cpSync(router.directory, copy, { recursive: true, filter: (file) => !file.endsWith('.sock') });
    const offline = async (verb: string, ...args: string[]): Promise<string> => {
      const { code, text: out } = await lab.btrOutput([verb, '--log', copy, ...args]);
      expect(code, out).toBe(0);
      return out;
    };

    const story = await offline('votes', '--explain', LIES[0]);
    expect(story.split('\n')[2]).toMatch(
      /^ {2}bird says NEXT_HOP 10\.0\.2\.2 instead of 10\.0\.2\.1 .* (since|from) \d{4}-/,
    );
    expect(story).toContain('level all');
    const told = JSON.parse(await offline('votes', '--explain', LIES[0], '--json')) as Explanation;
    expect(told.accused).toMatchObject([{ replica: 'bird', kind: 'different', against: ['frr', 'openbgpd'] }]);
    expect([...told.accused[0].places].sort()).toEqual([address(2), 'fib']);
    isTheTime(told.accused[0].since);

    const rows = await jsonLines<SummaryRow>('votes', '--log', copy, '--by', 'replica', '--kind', 'dissent-begins');
    expect(rows).toMatchObject([{ key: 'bird', records: 6 }]);
    const records = await jsonLines<LogRecord>('votes', '--log', copy, LIES[1], '--kind', 'dissent-begins');
    expect(records.map(({ replica, prefix }) => [replica, prefix])).toEqual([
      ['bird', LIES[1]],
      ['bird', LIES[1]],
    ]);
    const differences = await offline('votes', '--diff', '--since', '1h');
    expect(differences).toMatch(/NEXT_HOP: majority 10\.0\.2\.1 — bird 10\.0\.2\.2/);

    const faults = await offline('faults');
    expect(faults).toMatch(
      /bird differ(s|ed) from frr and openbgpd on 3 prefixes .*, always NEXT_HOP 10\.0\.2\.2 instead of 10\.0\.2\.1/,
    );
    expect(faults).toContain(`btr votes --explain ${LIES[0]} --log ${copy}`);
    const { patterns } = JSON.parse(await offline('faults', '--json')) as { patterns: FaultPattern[] };
    expect(patterns.map(({ replica }) => replica)).toEqual(['bird', 'bird']);
    isTheTime(patterns[0].first);
  });
});
