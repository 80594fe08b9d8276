// What an operator is told: `btr status`, `btr votes` and the vote log, held against what really happened. One replica has a native
// configuration that makes it dissent on purpose; the neighbours get what the other two say.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generate } from '../../../configs/generate/index.js';
import { loadConfig } from '../../../configs/load.js';
import type { BallotReport, RouterStatus } from '../../../hypervisor/status.js';
import { describeAttributes } from '../../../wire/bgp/describe.js';
import { VoteLogReader } from '../../../votelog/reader.js';
import type { LogRecord } from '../../../votelog/types.js';
import { waitFor } from '../../../cli/lab/wait.js';
import { Neighbor } from '../../support/router-neighbors.js';
import {
  address,
  asOf,
  neighborConfig,
  REPLICAS,
  RouterLab,
  routerProblem,
  type RunningRouter,
  type VoteLine,
} from '../../support/router-lab.js';
import { prefixAt, tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const PREFIXES = 200;
const [DROPPED, CHANGED, EXTRA] = [prefixAt(5), prefixAt(6), '20.99.0.0/24'];

/** BIRD's generated configuration with three faults put in. */
function faulty(file: string): string {
  const { config } = loadConfig(file);
  const replica = config!.replicas.find(({ kind }) => kind === 'bird')!;
  const [{ contents }] = generate(config!, replica, { dir: '/nowhere', controlSocket: '/nowhere/control' });
  const wrong = `if net = ${DROPPED} then reject; if net = ${CHANGED} then bgp_community.add((65000, 666));`;
  const broken = contents.replace(/import filter \{\n/, (found) => `${found} ${wrong}\n`);
  expect(broken).not.toBe(contents);
  return `${broken}\nprotocol static invented { ipv4; route ${EXTRA} blackhole; }\n`;
}

describe.skipIf(problem !== undefined)('what the router says of itself', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let a: Neighbor, b: Neighbor, customer: Neighbor;

  beforeAll(async () => {
    lab = RouterLab.create('votes', 3);
    const neighbors = [1, 2, 3].map((n) => neighborConfig(n));
    const native = path.join(lab.lab.directory, 'faulty.conf');
    writeFileSync(native, faulty(lab.write({ neighbors }).file));
    const replicas = REPLICAS.map((entry) => (entry.kind === 'bird' ? { ...entry, 'config-file': native } : entry));
    // Told of, not acted on: the replica is to stay as wrong as it is.
    const voting = { 'fault-threshold': '1h' };
    router = await lab.run({ neighbors, replicas, voting, more: { 'vote-log': { level: 'all' } } });
    await router.untilVoting(3);
    [a, b, customer] = [1, 2, 3].map((n) => new Neighbor(n));
    await Promise.all([a, b, customer].map((neighbor) => neighbor.connect()));
    // Every prefix but those that BIRD is wrong about has two feeders.
    await a.announce(tableOf(a.as, 1, 0, PREFIXES));
    await b.announce(tableOf(b.as, 2, 10, PREFIXES));
    await customer.untilRight([a, b]);
    await router.until('three dissents on the customer', ({ replicas: all }) => all[1].dissents >= 7);
  });
  afterAll(async () => {
    await Promise.all([a, b, customer].map((neighbor) => neighbor?.stop()));
    await router?.stop();
    await lab?.destroy();
  });

  const cli = async (...args: string[]) => lab.btrOutput([...args, '--socket', router.socket]);
  const json = async <T>(...args: string[]): Promise<T> => JSON.parse((await cli(...args, '--json')).text) as T;

  /** Vote log lines that satisfy `condition`; waits for the first, for lines are written behind. */
  async function logged(what: string, condition: (line: VoteLine) => boolean): Promise<VoteLine[]> {
    return waitFor(
      () => {
        const found = router.voteLog().filter(condition);
        return found.length > 0 && found;
      },
      { what, deadlineMs: 10_000 },
    );
  }

  test('btr status --json agrees with what is there', async () => {
    const status = await json<RouterStatus>('status');
    expect(status).toMatchObject({
      as: 65000,
      routerId: '10.0.0.1',
      pid: router.process.pid,
      strategy: 'continuous-majority',
      electorate: ['frr', 'bird', 'openbgpd'],
      master: null,
      quorum: 2,
      open: true,
      voteLogDropped: 0,
    });
    expect(status.neighbors).toMatchObject(
      [a, b, customer].map(({ n, routes, table }) => ({
        address: address(n),
        as: asOf(n),
        state: 'Established',
        flaps: 0,
        prefixesIn: routes.size,
        prefixesOut: table.size,
        lastError: null,
      })),
    );
    for (const { pid, version, state, sessions, sessionsUp } of status.replicas) {
      expect(() => process.kill(pid!, 0)).not.toThrow();
      expect(version).toMatch(/^\d+\.\d+/);
      expect(state).toBe('voting');
      expect(sessionsUp).toBe(sessions);
    }
    // Towards each of three neighbours: the invented prefix. Towards those that did not announce them: the two others.
    expect(status.ballots).toMatchObject({ contested: 7, withoutMajority: 0 });
    expect(status.replicas.map(({ dissents }) => dissents)).toEqual([0, 7, 0]);
    expect((await cli('status')).text).toMatch(/bird +│? *bird 2/);
  });

  test('the neighbours get what the other two say', () => {
    expect(customer.differences([a, b])).toEqual([]);
    expect(customer.table.get(DROPPED)).toBeDefined();
    expect(customer.table.get(EXTRA)).toBeUndefined();
  });

  test('btr votes lists the contested ballots', async () => {
    const ballots = await json<BallotReport[]>('votes', '--neighbor', address(3));
    expect(ballots.map(({ prefix }) => prefix).sort()).toEqual([DROPPED, CHANGED, EXTRA].sort());
    for (const ballot of ballots) {
      expect(ballot.votes.map(({ replica, agrees, counts }) => [replica, agrees, counts])).toEqual([
        ['frr', true, true],
        ['bird', false, true],
        ['openbgpd', true, true],
      ]);
      expect(ballot.advertised).toEqual(ballot.verdict);
    }
    const { text } = await cli('votes');
    for (const prefix of [DROPPED, CHANGED, EXTRA]) expect(text).toContain(prefix);
  });

  test('btr votes PREFIX says who differs, and in what', async () => {
    const [ballot] = await json<BallotReport[]>('votes', CHANGED, '--neighbor', address(3));
    const held = Object.fromEntries(
      describeAttributes(customer.table.get(CHANGED)!).map(({ name, text }) => [name, text]),
    );
    expect(ballot.verdict).toEqual(held);
    const bird = ballot.votes[1];
    expect(bird.diff).toMatchObject([{ attribute: 'COMMUNITIES', right: expect.stringContaining('65000:666') }]);
    const [extra] = await json<BallotReport[]>('votes', EXTRA, '--neighbor', address(3));
    expect(extra).toMatchObject({ verdict: null, advertised: null });
    expect(extra.votes[1].attributes).toMatchObject({ AS_PATH: '65000' });
    const [dropped] = await json<BallotReport[]>('votes', DROPPED, '--neighbor', address(3));
    expect(dropped.votes.map(({ attributes }) => attributes === null)).toEqual([false, true, false]);
    expect((await cli('votes', CHANGED)).text).toMatch(/≠ bird[^]*COMMUNITIES: verdict .* — bird .*65000:666/);
  });

  test('questions that have no answer', async () => {
    expect(await cli('votes', '203.0.113.0/24')).toMatchObject({
      code: 1,
      text: expect.stringContaining('203.0.113.0/24'),
    });
    expect(await cli('votes', '--neighbor', '10.9.9.9')).toMatchObject({ text: expect.stringContaining('10.9.9.9') });
    const nobody = path.join(lab.lab.directory, 'nothing.sock');
    expect(await lab.btrOutput(['status', '--socket', nobody])).toMatchObject({
      code: 69,
      text: expect.stringContaining('is "btr run" running?'),
    });
  });

  test('the vote log tells of each dissent', async () => {
    const dissent = await logged(
      'dissents',
      ({ kind, neighbor }) => kind === 'dissent-begins' && neighbor === address(3),
    );
    const of = (prefix: string) => dissent.filter((line) => line.prefix === prefix);
    expect(of(DROPPED)).toMatchObject([{ replica: 'bird', what: 'missing', vote: null }]);
    expect(of(EXTRA)).toMatchObject([{ replica: 'bird', what: 'extra', verdict: null }]);
    expect(of(CHANGED)).toMatchObject([{ replica: 'bird', what: 'different', diff: [{ attribute: 'COMMUNITIES' }] }]);
    expect(dissent).toHaveLength(3);
    // Nobody announced the invented one.
    expect(dissent.filter(({ latency }) => latency === null)).toEqual(of(EXTRA));
    for (const { verdict, votes, latency, strategy, family } of dissent) {
      expect({ strategy, family }).toEqual({ strategy: 'continuous-majority', family: 'ipv4-unicast' });
      if (latency !== null) expect(latency).toBeGreaterThan(0);
      expect(votes).toMatchObject([
        { replica: 'frr', counts: true, agrees: true, attributes: verdict },
        { replica: 'bird', counts: true, agrees: false },
        { replica: 'openbgpd', counts: true, agrees: true, attributes: verdict },
      ]);
    }
    const [{ votes }] = of(CHANGED) as { votes: { raw: string; diff?: unknown }[] }[] & VoteLine[];
    const raw = Buffer.from(customer.table.get(CHANGED)!).toString('hex');
    expect(votes.map((vote) => vote.raw === raw)).toEqual([true, false, true]);
    expect(votes[1].diff).toMatchObject([{ attribute: 'COMMUNITIES' }]);
  });

  test('at level all the log tells what came in, offline and by prefix', async () => {
    const reader = await VoteLogReader.open(router.directory);
    const story = async (kinds: string[]): Promise<LogRecord[]> => {
      const records: LogRecord[] = [];
      for await (const record of reader.query({ prefix: CHANGED, kinds })) records.push(record);
      return records;
    };
    await waitFor(async () => (await story(['decision'])).some(({ neighbor }) => neighbor === address(3)), {
      what: 'the decision about the customer',
      deadlineMs: 10_000,
    });
    expect(await story(['input'])).toMatchObject([
      {
        neighbor: address(1),
        what: 'announce',
        family: 'ipv4-unicast',
        attributes: { AS_PATH: expect.any(String) },
        raw: expect.stringMatching(/^[0-9a-f]+$/),
      },
    ]);
    await reader.close();
  });

  test('the decisions in the vote log add up to what the customer holds', async () => {
    const held = new Map<string, string | null>();
    await logged('decisions', () => {
      held.clear();
      for (const line of router.voteLog()) {
        if (line.kind !== 'decision' || line.neighbor !== address(3)) continue;
        const nlri = line.nlri as Record<string, string>;
        for (const prefix of prefixesOf(nlri['ipv4-unicast'])) held.set(prefix, line.raw as string | null);
      }
      return held.size === PREFIXES;
    });
    for (const [prefix, attributes] of held) {
      expect(Buffer.from(customer.table.get(prefix) ?? []).toString('hex')).toBe(attributes ?? '');
    }
  });

  test('a dissent ends with what it was about', async () => {
    await a.withdraw([DROPPED, CHANGED]);
    await customer.untilRight([a, b]);
    await router.until('only the invented prefix is left', ({ ballots }) => ballots.contested === 3);
    const ended = await logged('the end', ({ kind, neighbor }) => kind === 'dissent-ends' && neighbor === address(3));
    expect(ended.map(({ prefix, replica }) => [prefix, replica]).sort()).toEqual([
      [DROPPED, 'bird'],
      [CHANGED, 'bird'],
    ]);
    expect((await router.replica('bird')).dissents).toBe(3);
  });

  test('who joined and who left, and why', async () => {
    const pid = await router.signalReplica('openbgpd', 'SIGKILL');
    await router.until('another openbgpd votes', ({ replicas: [, , replica], electorate }) => {
      return replica.pid !== pid && electorate.includes('openbgpd');
    });
    await logged(
      'its return',
      ({ kind, replica, state }) => kind === 'replica' && replica === 'openbgpd' && state === 'voting',
    );
    const life = () => router.voteLog().filter(({ kind, replica }) => kind === 'replica' && replica === 'openbgpd');
    await waitFor(() => life().length === 4, { what: 'four lines about openbgpd', deadlineMs: 10_000 });
    expect(life().map(({ state }) => state)).toEqual(['voting', 'left', 'restarting', 'voting']);
    expect(life()[1].reason).toMatch(/SIGKILL|lost the session/);
    const sessions = router.voteLog().filter(({ kind }) => kind === 'session');
    expect(sessions.map(({ neighbor, state }) => [neighbor, state]).sort()).toEqual(
      [1, 2, 3].map((n) => [address(n), 'up']),
    );
    for (const { v, t, m } of router.voteLog()) {
      expect(v).toBe(1);
      expect(new Date(t).toISOString()).toBe(t);
      expect(m).toBeGreaterThan(0);
    }
  });
});

/** IPv4 NLRI in hex as prefixes. */
function prefixesOf(hex: string): string[] {
  const bytes = Buffer.from(hex, 'hex');
  const found: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const bits = bytes[at];
    const size = (bits + 7) >> 3;
    const octets = [...bytes.subarray(at + 1, at + 1 + size), 0, 0, 0, 0].slice(0, 4);
    found.push(`${octets.join('.')}/${bits}`);
    at += 1 + size;
  }
  return found;
}
