// Everything that shows numbers shows the same: the CLI, the API, the metrics, the dashboard's events and history, the vote log, the kernel,
// and the neighbours' own tables. Three real daemons, two of which are made to lie, so that there is something to count; upstreams are
// played by `btr replay`, the customer is a BIRD. Nothing comes in while it is compared.
import { execFile, execFileSync } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { plainConfig } from '../../../cli/lab/plain-configs.js';
import { startPlainDaemon, type PlainDaemon } from '../../../cli/lab/plain-daemons.js';
import type { LabProcess } from '../../../cli/lab/process.js';
import { waitFor } from '../../../cli/lab/wait.js';
import type { FaultPattern } from '../../../hypervisor/explain/types.js';
import type { FibRouteReport } from '../../../hypervisor/fib/status.js';
import type { HistoryAnswer, Sample } from '../../../hypervisor/http/dashboard/sampler.js';
import type { BallotReport, FaultsAnswer, FindingReport, RouterStatus } from '../../../hypervisor/status.js';
import type { SummaryRow } from '../../../votelog/types.js';
import { Neighbor } from '../../support/router-neighbors.js';
import {
  address,
  asOf,
  localAddress,
  neighborConfig,
  ROUTER_AS,
  RouterLab,
  routerProblem,
  type RunningRouter,
} from '../../support/router-lab.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const execute = promisify(execFile);
const TOKEN = 'a-token-for-this-test';
const MAIN = path.resolve(import.meta.dirname, '../../../dist/cli/main.js');
const PREFIXES = 300;
const REPLICAS = ['frr', 'bird', 'openbgpd'];
/** This process collects as neighbour 1; who else there is. */
const [UPSTREAM, OTHER_UPSTREAM, CUSTOMER] = [2, 3, 4];
/** How many prefixes each lies about; nobody else about the same ones. */
const LIES = { frr: 7, bird: 5 };

interface Played {
  process: LabProcess;
  output: string;
}

/** All that was asked, with no input in between. */
interface Seen {
  cli: {
    status: RouterStatus;
    faults: FaultsAnswer;
    dissents: SummaryRow[];
    contested: BallotReport[];
    fib: FibRouteReport[];
  };
  api: { status: RouterStatus; faults: FaultsAnswer; contested: { total: number }; fib: { total: number } };
  metrics: ReadonlyMap<string, number>;
  events: { status: RouterStatus; sample: Sample };
  history: HistoryAnswer;
  log: FaultPattern[];
}

describe.skipIf(problem !== undefined)('numbers agree', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let customer: PlainDaemon;
  const upstreams: Played[] = [];
  const collector = new Neighbor(1);
  let seen: Seen;
  /** Between the lies of the one and of the other. */
  let between: string;

  /** A neighbour with a namespace and a link of its own. */
  function join(n: number, name: string): void {
    lab.lab.addNamespace(name);
    lab.lab.link(
      { namespace: 'router', interface: `to-${name}`, addresses: [`${localAddress(n)}/24`] },
      { namespace: name, addresses: [`${address(n)}/24`] },
    );
  }

  async function play(n: number, name: string, trace: string, more: string): Promise<void> {
    const map = `local=${address(n)},as=${asOf(n)},to=${localAddress(n)}${more}`;
    const argv = [process.execPath, MAIN, 'replay', trace, '--map', map, '--peer-as', String(ROUTER_AS), '--json'];
    const upstream: Played = { process: await lab.lab.spawn(name, argv, { name, stdout: 'pipe' }), output: '' };
    upstream.process.child.stdout?.setEncoding('utf8').on('data', (text: string) => (upstream.output += text));
    upstreams.push(upstream);
  }

  beforeAll(async () => {
    lab = RouterLab.create('agreement', 1);
    for (const [n, name] of [
      [UPSTREAM, 'up'] as const,
      [OTHER_UPSTREAM, 'other'] as const,
      [CUSTOMER, 'customer'] as const,
    ])
      join(n, name);
    router = await lab.run({
      neighbors: [1, UPSTREAM, OTHER_UPSTREAM, CUSTOMER].map((n) => neighborConfig(n)),
      // Told of, not acted on: they are to go on lying.
      voting: { 'fault-threshold': '10m' },
      more: {
        fib: { backend: 'kernel' },
        http: { address: localAddress(1), 'allow-remote': true, token: TOKEN },
      },
    });
    const trace = path.join(lab.lab.directory, 'table.mrt');
    execFileSync(process.execPath, [MAIN, 'trace', 'make', trace, '--prefixes', String(PREFIXES)]);
    await router.untilVoting(REPLICAS.length);
    await Promise.all([play(UPSTREAM, 'up', trace, ''), play(OTHER_UPSTREAM, 'other', trace, ',derive=1')]);
    const [own, far] = [address(CUSTOMER), localAddress(CUSTOMER)];
    const peer = { address: far, as: ROUTER_AS, localAddress: own, passive: false };
    const native = plainConfig('bird', { as: asOf(CUSTOMER), routerId: own, neighbors: [peer] }, '');
    customer = await startPlainDaemon(lab.lab, 'customer', 'bird', native, 'customer');
    await collector.connect();
    await waitFor(() => upstreams.every(({ output }) => output.endsWith('\n')), {
      what: 'the upstreams have played everything',
      deadlineMs: 30_000,
    });
    await router.untilUnanimous(REPLICAS.length);
    const all = await router.votes({ state: 'all', neighbor: address(CUSTOMER), limit: LIES.frr + LIES.bird });
    const prefixes = all.map(({ prefix }) => prefix);
    const lie = (replica: string, kind: string, about: string[], more: object = {}) =>
      router.request('inject', { replica, kind, prefixes: about, ...more });
    await lie('frr', 'wrong-attribute', prefixes.slice(0, LIES.frr), { med: 77 });
    await waitFor(async () => (await router.votes({ neighbor: address(CUSTOMER) })).length === LIES.frr, {
      what: 'the first lies are heard',
      deadlineMs: 15_000,
    });
    // The clocks of two processes differ by some ms: neither lie may be as near to it as that.
    await sleep(100);
    between = new Date().toISOString();
    await sleep(100);
    await lie('bird', 'drop', prefixes.slice(LIES.frr));
    await untilStill();
    seen = await lookEverywhere();
  });
  afterAll(async () => {
    await Promise.all([
      collector.stop(),
      customer?.stop(),
      ...upstreams.map((upstream) => upstream.process.stop(5000)),
    ]);
    await router?.stop();
    await lab?.destroy();
  });

  /** All lies are found, everything is written, and the customer has it. */
  async function untilStill(): Promise<void> {
    let before = '';
    await waitFor(
      async () => {
        const [{ findings }, status] = [(await router.request('faults')) as FaultsAnswer, await router.status()];
        const now = JSON.stringify([status.ballots, status.counters, findings, await customerRoutes()]);
        const all = findings.filter(({ open }) => open);
        const still = now === before;
        before = now;
        // A lie about what each neighbour is told, and one about the forwarding table.
        const lied = REPLICAS.slice(0, 2).every((name) =>
          all.some((one) => one.replica === name && one.kind !== 'system'),
        );
        return still && lied && all.some(({ place }) => place === 'fib') && status.fib?.pending === 0;
      },
      { what: 'everything is still, and the lies are found', deadlineMs: 30_000, intervalMs: 700 },
    );
  }

  async function customerRoutes(): Promise<number> {
    const text = await customer.query('show', 'route', 'count');
    return Number(/^(\d+) of \d+ routes/m.exec(text)?.[1] ?? NaN);
  }

  const get = async (url: string): Promise<Response> => {
    const answer = await fetch(`http://${localAddress(1)}:9179${url}`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(answer.status, url).toBe(200);
    return answer;
  };
  const api = async <T>(url: string): Promise<T> => (await (await get(`/api/v1/${url}`)).json()) as T;
  const cli = async <T>(...args: string[]): Promise<T> => {
    const { stdout } = await execute(process.execPath, [MAIN, ...args, '--json', '--socket', router.socket]);
    return JSON.parse(stdout) as T;
  };

  async function lookEverywhere(): Promise<Seen> {
    const [status, faults, dissents, contested, fib, log] = await Promise.all([
      cli<RouterStatus>('status'),
      cli<FaultsAnswer>('faults'),
      cli<SummaryRow[]>('faults', '--by', 'replica'),
      cli<BallotReport[]>('votes'),
      cli<FibRouteReport[]>('fib', '--state', 'contested', '--limit', '1000'),
      cli<{ patterns: FaultPattern[] }>('faults', '--log', router.directory),
    ]);
    return {
      cli: { status, faults, dissents, contested, fib },
      api: {
        status: await api('status'),
        faults: await api('faults'),
        contested: await api('votes?limit=1'),
        fib: await api('fib?limit=1'),
      },
      metrics: readMetrics(await (await get('/metrics')).text()),
      events: await listen(),
      history: await api('history'),
      log: log.patterns,
    };
  }

  /** Reads the event stream until it has told both. */
  async function listen(): Promise<Seen['events']> {
    const reader = (await get('/api/v1/events')).body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`the stream ended: ${text.slice(0, 200)}`);
        text += value;
        const events = new Map(
          text
            .split('\n\n')
            .slice(0, -1)
            .map((frame) => {
              const [, name, data] = /^event: (\S+)\ndata: (.*)$/s.exec(frame) ?? [];
              return [name, data] as const;
            }),
        );
        const [status, sample] = [events.get('status'), events.get('sample')];
        if (status !== undefined && sample !== undefined) {
          return { status: JSON.parse(status) as RouterStatus, sample: JSON.parse(sample) as Sample };
        }
      }
    } finally {
      await reader.cancel();
    }
  }

  const statuses = (): Record<string, RouterStatus> => ({
    cli: seen.cli.status,
    api: seen.api.status,
    events: seen.events.status,
  });
  const metric = (name: string, labels: Record<string, string> = {}): number =>
    seen.metrics.get(keyOf(name, labels)) ?? NaN;
  const openOf = (findings: readonly FindingReport[], replica: string): FindingReport[] =>
    findings.filter((finding) => finding.open && finding.replica === replica);

  test('nothing came in meanwhile', async () => {
    const { counters } = await router.status();
    for (const status of Object.values(statuses())) expect(status.counters).toEqual(counters);
  });

  test('prefixes in and out are those of the neighbours themselves', async () => {
    const played = upstreams.map(
      ({ output }) => (JSON.parse(output) as { players: { announced: number }[] }).players[0],
    );
    const held = await customerRoutes();
    expect(held).toBe(PREFIXES);
    expect(collector.table.size).toBe(PREFIXES);
    const expected = new Map([
      [address(1), { in: 0, out: collector.table.size }],
      [address(UPSTREAM), { in: played[0].announced, out: undefined }],
      [address(OTHER_UPSTREAM), { in: played[1].announced, out: undefined }],
      [address(CUSTOMER), { in: 0, out: held }],
    ]);
    for (const [where, { neighbors }] of Object.entries(statuses())) {
      expect(neighbors).toHaveLength(expected.size);
      for (const { address: neighbor, as, prefixesIn, prefixesOut } of neighbors) {
        const own = expected.get(neighbor)!;
        expect([where, neighbor, prefixesIn]).toEqual([where, neighbor, own.in]);
        if (own.out !== undefined) expect([where, neighbor, prefixesOut]).toEqual([where, neighbor, own.out]);
        const labels = { peer: neighbor, peer_as: String(as), afi_safi: 'ipv4-unicast' };
        expect(metric('bgp_rib_prefixes', labels)).toBe(prefixesIn);
        expect(metric('bgp_rib_adj_out_prefixes', labels)).toBe(prefixesOut);
      }
    }
    const updates = [...expected.keys()].map((peer) =>
      metric('bgp_messages_received_total', {
        peer,
        peer_as: String(ROUTER_AS + Number(peer.split('.')[2])),
        type: 'update',
      }),
    );
    expect(seen.cli.status.counters.updatesIn).toBe(updates.reduce((sum, one) => sum + one, 0));
  });

  test('contested ballots, dissents and findings are counted alike', () => {
    const { contested, dissents, faults } = seen.cli;
    expect(contested.length).toBeGreaterThan(0);
    expect(seen.api.contested.total).toBe(contested.length);
    for (const { ballots } of Object.values(statuses())) {
      expect(ballots).toEqual(seen.cli.status.ballots);
      expect(ballots.contested).toBe(contested.length);
      expect(ballots.unanimous).toBe(ballots.total - contested.length);
    }
    expect(metric('btr_ballots', { state: 'contested' })).toBe(contested.length);
    expect(metric('btr_ballots', { state: 'unanimous' })).toBe(seen.cli.status.ballots.unanimous);
    expect(metric('btr_ballots_without_majority')).toBe(0);
    const { sample } = seen.events;
    const last = <T>(column: readonly T[]): T => column[column.length - 1];
    expect(sample.contested).toBe(contested.length);
    expect(sample.ballots).toBe(seen.cli.status.ballots.total);
    expect(last(seen.history.columns.contested)).toBe(contested.length);
    expect(last(seen.history.columns.ballots)).toBe(seen.cli.status.ballots.total);

    for (const replica of REPLICAS) {
      const byBallots = contested.filter(({ dissent }) => dissent.includes(replica)).length;
      const all = {
        ballots: byBallots,
        summary: dissents.find(({ key }) => key === replica)?.records ?? 0,
        findings: openOf(faults.findings, replica)
          .filter(({ place }) => place !== 'fib')
          .reduce((sum, { prefixes }) => sum + prefixes, 0),
        metric: metric('btr_replica_dissents', { replica }),
        sample: sample.replicas[replica].dissents,
        history: last(seen.history.replicas[replica].dissents),
        ...Object.fromEntries(
          Object.entries(statuses()).map(([where, { replicas }]) => [
            where,
            replicas.find(({ name }) => name === replica)!.dissents,
          ]),
        ),
      };
      expect(all).toEqual(Object.fromEntries(Object.keys(all).map((where) => [where, byBallots])));
      expect(byBallots > 0).toBe(replica !== 'openbgpd');
    }
  });

  test('faults: how many are open, and what they are', () => {
    const { findings } = seen.cli.faults;
    expect(seen.api.faults.findings).toEqual(findings);
    expect(seen.api.faults.patterns).toEqual(seen.cli.faults.patterns);
    for (const replica of REPLICAS) {
      const open = openOf(findings, replica).length;
      expect(metric('btr_replica_faults_open', { replica })).toBe(open);
      for (const { replicas } of Object.values(statuses())) {
        expect(replicas.find(({ name }) => name === replica)!.faults.open).toBe(open);
      }
    }
    const open = findings.filter((finding) => finding.open).length;
    expect(seen.events.sample.faults).toBe(open);
    expect(seen.history.columns.faults.at(-1)).toBe(open);
    // What the vote log has of it, in another process, in the same words.
    const words = (patterns: readonly FaultPattern[]): string[] =>
      patterns
        .filter((pattern) => pattern.open && !pattern.places.includes('fib'))
        .map(({ replica, kind, prefixes, changes }) => JSON.stringify([replica, kind, prefixes, changes]))
        .sort();
    expect(words(seen.log)).toEqual(words(seen.cli.faults.patterns));
    expect(words(seen.log)).toHaveLength(2);
    const { patterns } = seen.cli.faults;
    expect(patterns.find(({ kind, places }) => kind === 'different' && !places.includes('fib'))).toMatchObject({
      ...{ replica: 'frr', prefixes: LIES.frr, against: ['bird', 'openbgpd'] },
    });
    expect(patterns.find(({ kind, places }) => kind === 'missing' && !places.includes('fib'))).toMatchObject({
      ...{ replica: 'bird', prefixes: LIES.bird, against: ['frr', 'openbgpd'] },
    });
  });

  test('what is asked of a time is what began then', async () => {
    const { contested, dissents } = seen.cli;
    const prefixesOf = (ballots: readonly BallotReport[]): string[] =>
      ballots.map(({ neighbor, prefix }) => `${neighbor} ${prefix}`).sort();
    // Times are rounded to ms each time that they are asked for.
    const countsOf = (rows: readonly SummaryRow[]): object[] =>
      rows.map(({ key, records, prefixes }) => ({ key, records, prefixes }));
    for (const [option, liar] of [
      ['--until', 'frr'],
      ['--since', 'bird'],
    ]) {
      const ballots = await cli<BallotReport[]>('votes', option, between);
      expect(prefixesOf(ballots)).toEqual(prefixesOf(contested.filter(({ dissent }) => dissent.includes(liar))));
      expect(ballots).not.toEqual([]);
      const rows = await cli<SummaryRow[]>('votes', '--by', 'replica', option, between);
      expect(countsOf(rows)).toEqual(countsOf(dissents.filter(({ key }) => key === liar)));
    }
    const both = ['--since', between, '--until', between];
    expect(await cli<SummaryRow[]>('votes', '--by', 'replica', ...both)).toEqual([]);
  });

  test('the forwarding table is that of the kernel', () => {
    const namespace = lab.lab.namespace('router');
    const routes = execFileSync('ip', ['-n', namespace, 'route', 'show', 'table', '254', 'proto', '179'], {
      encoding: 'utf8',
    });
    const inKernel = routes.split('\n').filter(Boolean).length;
    expect(inKernel).toBe(PREFIXES);
    expect(seen.api.fib.total).toBe(inKernel);
    expect(metric('btr_fib_routes', { table: '254' })).toBe(inKernel);
    expect(metric('btr_fib_kernel_routes', { table: '254', state: 'installed' })).toBe(inKernel);
    for (const { fib } of Object.values(statuses())) {
      expect(fib).toMatchObject({ routes: inKernel, installed: inKernel, pending: 0, contested: seen.cli.fib.length });
    }
    expect(metric('btr_fib_ballots_contested')).toBe(seen.cli.fib.length);
    expect(seen.cli.fib).toHaveLength(LIES.bird);
    for (const replica of REPLICAS) {
      const found = openOf(seen.cli.faults.findings, replica).filter(({ place }) => place === 'fib');
      const prefixes = found.reduce((sum, finding) => sum + finding.prefixes, 0);
      expect(prefixes).toBe(replica === 'bird' ? LIES.bird : 0);
      expect(metric('btr_fib_replica_dissents', { replica })).toBe(prefixes);
      expect(seen.cli.status.fib!.replicas.find((one) => one.replica === replica)!.dissents).toBe(prefixes);
    }
  });

  test('the customer holds what the router says it does, also where somebody lies', async () => {
    for (const { prefix, neighbor, advertised, verdict } of seen.cli.contested) {
      if (neighbor !== address(CUSTOMER)) continue;
      expect(advertised).toEqual(verdict);
      const text = await customer.query('show', 'route', 'all', 'for', prefix);
      const held = (attribute: string): string | undefined =>
        new RegExp(`BGP\\.${attribute}: (.*)`).exec(text)?.[1].trim();
      expect(held('as_path'), prefix).toBe(advertised?.AS_PATH);
      expect(held('next_hop')).toBe(advertised?.NEXT_HOP);
      expect(held('med')).toBe(advertised?.MED);
    }
  });
});

function keyOf(name: string, labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.sort().join(',')}}`;
}

/** Samples of the text format by name and labels, these in alphabetical order. */
function readMetrics(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const pairs = labels.match(/[a-z_]+="[^"]*"/g) ?? [];
    samples.set(pairs.length === 0 ? name : `${name}{${pairs.sort().join(',')}}`, Number(value));
  }
  return samples;
}
