// The vote log of a router that has a hard day, with the real daemons: a lying master, a crash. Everything
// that is written is as docs/vote-log.md says, in every segment; at level dissent nothing is written about what all agree on.
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../../cli/lab/wait.js';
import { VoteLogReader } from '../../../votelog/reader.js';
import type { LogRecord } from '../../../votelog/types.js';
import { DocumentedLog } from '../../support/documented-log.js';
import { Neighbor } from '../../support/router-neighbors.js';
import { address, neighborConfig, RouterLab, routerProblem, type RunningRouter } from '../../support/router-lab.js';
import { prefixAt, tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const PREFIXES = 300;
const LIE = prefixAt(7);

describe.skipIf(problem !== undefined)('the vote log', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  const [a, customer] = [new Neighbor(1), new Neighbor(2)];

  beforeAll(async () => {
    lab = RouterLab.create('vote-log', 2);
    router = await lab.run({
      neighbors: [1, 2].map((n) => neighborConfig(n)),
      voting: { strategy: 'master-slave', 'fault-threshold': '1s' },
      more: { fib: { backend: 'dry-run' }, 'vote-log': { level: 'all', 'segment-size': 65_536 } },
    });
    await router.untilVoting(3);
    await Promise.all([a.connect(), customer.connect()]);
    await a.announce(tableOf(a.as, 1, 0, PREFIXES));
    await customer.untilRight([a]);
    await router.untilUnanimous(3);
  });
  afterAll(async () => {
    await Promise.all([a.stop(), customer.stop()]);
    await router?.stop();
    await lab?.destroy();
  });

  async function records(kinds?: string[]): Promise<LogRecord[]> {
    const reader = await VoteLogReader.open(router.directory);
    const found: LogRecord[] = [];
    for await (const record of reader.query(kinds === undefined ? {} : { kinds })) found.push(record);
    expect(reader.skipped).toBe(0);
    await reader.close();
    return found;
  }

  /** Waits for a record; returns the last one. */
  async function logged(kind: string, fields: Record<string, unknown> = {}): Promise<LogRecord> {
    const has = (record: LogRecord): boolean => Object.entries(fields).every(([name, value]) => record[name] === value);
    const found = await waitFor(async () => (await records([kind])).filter(has).at(-1), {
      what: `${kind} ${JSON.stringify(fields)}`,
      deadlineMs: 15_000,
    });
    return found;
  }

  test('a start, the electorate as it grows, and what each session is made of', async () => {
    const [start] = await records(['start']);
    expect(start).toMatchObject({ pid: router.process.pid, strategy: 'master-slave', level: 'all' });
    const electorates = await records(['electorate']);
    expect(electorates.at(-1)).toMatchObject({ members: ['frr', 'bird', 'openbgpd'], quorum: 2 });
    expect(electorates[0]).toMatchObject({ left: [], formerMaster: null });
    const members = new Set<string>();
    for (const record of electorates) {
      const { joined, left, members: now } = record as unknown as Record<'joined' | 'left' | 'members', string[]>;
      for (const replica of joined) members.add(replica);
      for (const replica of left) expect(members.delete(replica), replica).toBe(true);
      expect([...members].sort()).toEqual([...now].sort());
    }
    // On a busy machine a daemon may take a session late, and has no say meanwhile; nobody is accused of anything.
    const gone = (await records(['replica'])).filter(({ state }) => state !== 'voting');
    const accused = gone.filter(({ reason }) => !String(reason).startsWith('does not take the session'));
    expect(accused, router.log).toEqual([]);
    expect((await records(['session'])).map(({ neighbor, state, as }) => [neighbor, state, as]).sort()).toEqual([
      [address(1), 'up', a.as],
      [address(2), 'up', customer.as],
    ]);
  });

  test('what went out, by which rule, how long it took, and who said otherwise; of the kernel’s table too', async () => {
    const announced = async (own: (record: LogRecord) => boolean): Promise<LogRecord[]> => {
      const found = (await records(['decision'])).filter((record) => record.verdict !== null && own(record));
      return found.reduce((sum, { prefixes }) => sum + prefixes!, 0) >= PREFIXES ? found : [];
    };
    for (const [place, own, what] of [
      ['neighbour 2', (record: LogRecord) => record.neighbor === address(2), 'AS_PATH'],
      ['the forwarding table', (record: LogRecord) => record.fib === true, undefined],
    ] as const) {
      const decisions = await waitFor(
        async () => {
          const found = await announced(own);
          return found.length > 0 && found;
        },
        { what: `all decisions for ${place}`, deadlineMs: 15_000 },
      );
      for (const { rule, strategy, latency, verdict } of decisions) {
        expect([rule, strategy]).toEqual(['master', 'master-slave']);
        expect(latency).toBeGreaterThan(0);
        if (what !== undefined) expect(verdict).toHaveProperty(what);
      }
    }
    // One that says nothing yet when it is decided says otherwise.
    const { master } = await router.status();
    const silent = ['frr', 'bird', 'openbgpd'].find((name) => name !== master)!;
    const before = (await records(['decision'])).length;
    await router.signalReplica(silent, 'SIGSTOP');
    await a.announce(tableOf(a.as, 1, PREFIXES, PREFIXES + 1));
    await waitFor(
      async () =>
        (await records(['decision']))
          .slice(before)
          .some(({ others }) => ((others ?? []) as { replica: string }[]).some(({ replica }) => replica === silent)),
      { what: `a decision without ${silent}`, deadlineMs: 15_000 },
    );
    await router.signalReplica(silent, 'SIGCONT');
    await customer.untilRight([a]);
    await router.untilUnanimous(3);
  });

  test('a master that lies is in dissent, overthrown, found faulty', async () => {
    const { master } = await router.status();
    await router.request('inject', { replica: master, kind: 'wrong-attribute', prefixes: [LIE], where: 'update' });
    const overthrow = await logged('overthrow', { from: master });
    expect(overthrow).toMatchObject({ neighbor: address(2), prefix: LIE, strategy: 'master-slave' });
    expect(await logged('electorate', { formerMaster: master })).toMatchObject({ master: overthrow.to });
    const begins = await logged('dissent-begins', { replica: master, prefix: LIE });
    expect(begins).toMatchObject({ what: 'different', diff: [{ attribute: 'MED' }], neighbor: address(2) });
    expect(await logged('fault-begins', { replica: master, what: 'different' })).toMatchObject({ samples: [LIE] });
    await router.request('inject-clear');
    await router.untilUnanimous(3);
    await logged('dissent-ends', { replica: master, prefix: LIE });
  });

  test('a crash: who left, what is withheld, who came back', async () => {
    await router.signalReplica('bird', 'SIGSEGV');
    await logged('replica', { replica: 'bird', state: 'left' });
    await logged('fault-begins', { replica: 'bird', what: 'system' });
    await router.untilVoting(3);
    await logged('replica', { replica: 'bird', state: 'voting' });
  });

  test('at level dissent nothing is written about what all agree on', async () => {
    await router.request('log-level', { voteLog: 'dissent' });
    expect(await logged('level')).toMatchObject({ level: 'dissent', was: 'all' });
    await a.announce(tableOf(a.as, 1, PREFIXES, 2 * PREFIXES));
    await customer.untilRight([a]);
    await router.untilUnanimous(3);
    const all = await records();
    const after = all.slice(all.findIndex(({ kind }) => kind === 'level') + 1);
    // What was withheld after the crash is given back at some time.
    expect(after.map(({ kind }) => kind).filter((kind) => kind !== 'quarantine')).toEqual([]);
  });

  test('every line of every segment is as the documentation says', () => {
    expect(readdirSync(router.directory).filter((name) => /^votes\..*jsonl$/.test(name)).length).toBeGreaterThan(2);
    expect(DocumentedLog.load().problemsIn(router.directory)).toEqual([]);
  });
});
