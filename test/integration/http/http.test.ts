// What a running router serves over HTTP, with three real daemons behind it: every answer of the API as docs/openapi.yaml has it, metrics that
// agree with the status and with what neighbours hold, the looking glass as its readers want it, and nobody without the token.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../../cli/lab/wait.js';
import type { FaultsAnswer, RouterStatus } from '../../../hypervisor/status.js';
import { lint, readExposition, valueOf, type ReadFamily } from '../../support/exposition.js';
import { ask, login, type HttpAnswer } from '../../support/http-client.js';
import { documentedMetrics } from '../../support/metrics-page.js';
import { OpenApi } from '../../support/openapi.js';
import { Neighbor } from '../../support/router-neighbors.js';
import {
  address,
  asOf,
  localAddress,
  localAddress6,
  neighborConfig,
  RouterLab,
  routerProblem,
  type RunningRouter,
} from '../../support/router-lab.js';
import { prefix6At, prefixAt, tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const TOKEN = 'a-token-for-tests-only';
const PORT = 9179;
const URL_OF = `http://${localAddress(1)}:${PORT}/`;
const KNOWN = { authorization: `Bearer ${TOKEN}` };
const both = (n: number) => ({ 'afi-safis': ['ipv4-unicast', 'ipv6-unicast'], 'local-address-ipv6': localAddress6(n) });
const [ROUTES, ROUTES6] = [120, 10];
/** One with everything, besides. */
const RICH = '193.0.0.0/21';
const ALL = ROUTES + ROUTES6 + 1;
const LIE = prefixAt(7);
const GOLDEN = path.resolve(import.meta.dirname, '../../golden/looking-glass');

const get = (url: string, headers: Record<string, string> = KNOWN): Promise<HttpAnswer> =>
  ask(URL_OF, url, { headers });
const json = async <T>(url: string): Promise<T> => JSON.parse((await get(url)).text) as T;

describe.skipIf(problem !== undefined)('HTTP of a running router', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  const api = new OpenApi();
  const [feeder, customer] = [new Neighbor(1, { families: 3 }), new Neighbor(2, { families: 3 })];

  /** Asks, and finds the answer documented. */
  const documented = async (url: string, status = 200): Promise<unknown> => {
    const answer = await get(url);
    expect(api.problems('GET', url, answer)).toEqual([]);
    expect(answer.status, `${url}: ${answer.text.slice(0, 200)}`).toBe(status);
    return answer.headers['content-type']?.startsWith('application/json') ? JSON.parse(answer.text) : answer.text;
  };
  const scrape = async (): Promise<Map<string, ReadFamily>> => readExposition((await get('/metrics')).text);

  beforeAll(async () => {
    lab = RouterLab.create('http', 2);
    const http = {
      address: localAddress(1),
      port: PORT,
      token: TOKEN,
      'allow-remote': true,
      hosts: ['router.example'],
    };
    router = await lab.run({
      neighbors: [neighborConfig(1, { ...both(1), description: 'A "feeder" </script>' }), neighborConfig(2, both(2))],
      voting: { 'fault-threshold': '1h' },
      more: {
        http,
        fib: { backend: 'dry-run' },
        // What is withheld stays so, to be looked at.
        quarantine: { narrow: false },
        record: {},
        // Nobody listens there.
        bmp: { collectors: [{ address: localAddress(2), port: 1 }] },
      },
    });
    await router.untilVoting(3);
    await Promise.all([feeder.connect(), customer.connect()]);
    await feeder.announce(tableOf(feeder.as, 1, 0, ROUTES));
    await feeder.announce(tableOf(feeder.as, 1, 0, ROUTES6, prefix6At));
    await feeder.change(RICH, {
      path: [feeder.as, 3333, 400_000],
      origin: 0,
      med: 7,
      communities: [0xfde8_0001, 0x0d05_ffff],
    });
    await customer.untilRight([feeder]);
    await router.untilUnanimous(3);
  });
  afterAll(async () => {
    await Promise.all([feeder, customer].map((neighbor) => neighbor.stop()));
    await router?.stop();
    await lab?.destroy();
  });

  describe('while all is well', () => {
    test('status, metrics, the looking glass and the neighbours themselves say the same', async () => {
      const status = (await documented('/api/v1/status')) as RouterStatus;
      const cli = JSON.parse(
        (await lab.btrOutput(['status', '--json', '--socket', router.socket])).text,
      ) as RouterStatus;
      const families = await scrape();
      const value = (name: string, labels: Record<string, string> = {}) => valueOf(families, name, labels);
      const held = { [address(1)]: feeder.table.size, [address(2)]: customer.table.size };
      expect(held).toEqual({ [address(1)]: 0, [address(2)]: ALL });
      const protocols = await json<{ protocols: Record<string, { routes: { imported: number; exported: number } }> }>(
        '/looking-glass/voted/protocols/bgp',
      );
      for (const [i, { address: peer, prefixesIn, prefixesOut, flaps }] of status.neighbors.entries()) {
        const announced = i === 0 ? ALL : 0;
        expect([prefixesIn, prefixesOut]).toEqual([announced, held[peer]]);
        expect([cli.neighbors[i].prefixesIn, cli.neighbors[i].prefixesOut]).toEqual([announced, held[peer]]);
        const sum = (name: string) =>
          value(name, { peer, afi_safi: 'ipv4-unicast' })! + value(name, { peer, afi_safi: 'ipv6-unicast' })!;
        expect(sum('bgp_rib_prefixes')).toBe(announced);
        expect(sum('bgp_rib_adj_out_prefixes')).toBe(held[peer]);
        expect(value('bgp_session_up', { peer, peer_as: String(asOf(i + 1)) })).toBe(1);
        expect(value('bgp_session_flaps_total', { peer })).toBe(flaps);
        expect(protocols.protocols[`received_${peer}`].routes.imported).toBe(announced);
        expect(protocols.protocols[`sent_${peer}`].routes.exported).toBe(held[peer]);
      }
      expect(value('bgp_rib_prefixes', { peer: address(1), afi_safi: 'ipv6-unicast' })).toBe(ROUTES6);
      expect(value('btr_ballots', { state: 'unanimous' })).toBe(status.ballots.unanimous);
      expect(value('btr_ballots', { state: 'contested' })).toBe(0);
      expect(value('btr_electorate_size')).toBe(3);
      expect(value('btr_fib_routes', { table: '254' })).toBe(status.fib!.routes);
      expect(value('btr_fib_kernel_routes', { state: 'installed' })).toBe(ALL);
      const went = families.get('btr_votes_total')!.samples.filter(({ labels }) => labels.outcome !== 'tie');
      expect(went.reduce((sum, one) => sum + one.value, 0)).toBe(status.counters.decisions);
      const timed = value('btr_vote_duration_seconds_count')!;
      expect(timed).toBeGreaterThan(0);
      expect(timed).toBeLessThanOrEqual(status.counters.decisions);
      for (const { name, kind, version, restarts, votes } of status.replicas) {
        expect(value('btr_replica_up', { replica: name, daemon: kind, version })).toBe(1);
        expect(value('btr_replica_restarts_total', { replica: name })).toBe(restarts);
        expect(value('btr_replica_votes_total', { replica: name })).toBe(votes);
      }
    });

    test('metrics pass the linter, and each of them is in docs/metrics.md', async () => {
      const answer = await get('/metrics');
      expect(api.problems('GET', '/metrics', answer)).toEqual([]);
      expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
      const families = readExposition(answer.text);
      expect(lint(families)).toEqual([]);
      const documentation = new Map(documentedMetrics().map((one) => [one.name, one]));
      for (const { name, type } of families.values()) expect(documentation.get(name)?.type, name).toBe(type);
      expect(families.size).toBeGreaterThan(60);
    });

    test.each([
      ['protocols', 'protocols'],
      ['protocols-short', 'short-protocols'],
      ['status', 'status'],
      ['status-of-a-replica', 'status'],
      ['route', 'routes'],
      ['route-ipv6', 'routes'],
      ['nothing', 'routes'],
    ])('the looking glass answers as it always has: %s', async (name, kind) => {
      const { url, answer } = JSON.parse(readFileSync(path.join(GOLDEN, `${name}.json`), 'utf8')) as {
        url: string;
        answer: unknown;
      };
      const given = await documented(url);
      expect(lasting(given)).toEqual(answer);
      expect(birdwatcherProblems(kind, given)).toEqual([]);
    });

    test('every path of the looking glass is served as documented, for every source', async () => {
      const { sources } = (await documented('/looking-glass')) as { sources: string[] };
      expect(sources).toEqual(['voted', 'frr', 'bird', 'openbgpd']);
      const values: Record<string, string> = {
        protocol: `sent_${address(2)}`,
        peer: address(2),
        table: 'master',
        net: prefixAt(3).split('/')[0],
        mask: '24',
      };
      const routes = Object.keys(api.document.paths).filter((route) => route.includes('{source}'));
      expect(routes.length).toBeGreaterThan(20);
      for (const route of routes) {
        for (const source of sources) {
          values.source = source;
          const url = route.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name]));
          await documented(route.endsWith('/routes/prefix') ? `${url}?prefix=${prefixAt(3)}` : url);
        }
      }
      for (const source of sources) {
        const at = `/looking-glass/${source}`;
        const { routes: all } = (await documented(`${at}/routes/protocol/sent_${address(2)}`)) as { routes: object[] };
        expect(all, source).toHaveLength(ALL);
        const { routes: count } = (await documented(`${at}/routes/count/table/master`)) as { routes: number };
        // The daemons themselves may say more to the feeder than it is told (its own routes).
        expect(count).toBeGreaterThanOrEqual(ALL);
      }
    });
  });

  describe('while a replica lies, another one dies of what it was sent', () => {
    beforeAll(async () => {
      await router.request('inject', {
        replica: 'bird',
        kind: 'wrong-attribute',
        med: 4711,
        where: 'both',
        prefixes: [LIE],
      });
      await waitFor(
        async () =>
          ((await router.request('faults')) as FaultsAnswer).findings.some(({ replica }) => replica === 'bird'),
        { what: 'the lie is found', deadlineMs: 20_000 },
      );
      const pid = await router.signalReplica('openbgpd', 'SIGSTOP');
      await feeder.change(prefixAt(500), { path: [feeder.as, 1234] });
      await customer.untilRight([feeder]);
      process.kill(-pid, 'SIGSEGV');
      process.kill(-pid, 'SIGCONT');
      await waitFor(async () => ((await router.request('quarantine')) as { entries: unknown[] }).entries.length > 0, {
        what: 'what it died of is withheld from it',
        deadlineMs: 20_000,
      });
      // Two are no majority against each other: nobody is accused before the third is back.
      await router.untilVoting(3);
      await waitFor(
        async () => ((await router.request('explain', { prefix: LIE })) as { accused: unknown[] }).accused.length > 0,
        { what: 'the liar is accused again', deadlineMs: 20_000 },
      );
    });

    test('every answer of the API is documented, field by field', async () => {
      const since = new Date(Date.now() - 3_600_000).toISOString();
      const answers = new Map<string, Record<string, unknown>>();
      for (const url of [
        '/api/v1/status',
        '/api/v1/votes',
        '/api/v1/votes?state=all&limit=3',
        `/api/v1/votes?prefix=${LIE}&match=covered&from=${since}&neighbor=${address(2)}&replica=bird`,
        ...['replica', 'prefix', 'neighbor', 'attribute', 'hour', 'kind'].map((by) => `/api/v1/votes?by=${by}`),
        `/api/v1/explain?prefix=${LIE}`,
        `/api/v1/explain?prefix=${prefixAt(500)}&history=true`,
        '/api/v1/explain?prefix=203.0.113.0/24&history=false',
        '/api/v1/faults?all=true',
        '/api/v1/faults?replica=bird',
        `/api/v1/faults?prefix=0.0.0.0/0&match=covered&neighbor=${address(2)}&as=65001`,
        '/api/v1/fib?limit=5',
        `/api/v1/fib?prefix=${LIE}`,
        '/api/v1/quarantine',
        '/api/v1/quarantine?replica=openbgpd',
        '/api/v1/history',
        '/api/v1/history?range=coarse',
      ]) {
        answers.set(url, (await documented(url)) as Record<string, unknown>);
      }
      // Not because there was nothing to be found wrong.
      const list = (url: string, key: string) => answers.get(url)![key] as unknown[];
      expect(list('/api/v1/votes', 'ballots').length).toBeGreaterThan(0);
      expect(list('/api/v1/votes?by=attribute', 'rows').length).toBeGreaterThan(0);
      expect(list('/api/v1/faults?all=true', 'patterns').length).toBeGreaterThan(1);
      expect(list('/api/v1/faults?all=true', 'findings').length).toBeGreaterThan(1);
      expect(list('/api/v1/quarantine', 'entries').length).toBeGreaterThan(0);
      expect(list(`/api/v1/explain?prefix=${LIE}`, 'accused').length).toBeGreaterThan(0);
      expect(list(`/api/v1/explain?prefix=${LIE}`, 'history').length).toBeGreaterThan(0);
      expect(list('/api/v1/fib?limit=5', 'routes')).toHaveLength(5);
    });

    test('every documented parameter is taken, and no other one', async () => {
      const routes = api.operations.filter((one) => one.startsWith('GET /api/v1/')).map((one) => one.slice(4));
      expect(routes).toHaveLength(8);
      const known: Record<string, string> = {
        prefix: LIE,
        neighbor: address(2),
        replica: 'bird',
        as: String(feeder.as),
      };
      for (const route of routes.filter((one) => !one.endsWith('/events'))) {
        for (const { name, schema } of api.parameters('GET', route)) {
          const fallback =
            schema.type === 'integer' ? '1' : schema.type === 'boolean' ? 'true' : new Date().toISOString();
          for (const value of name === 'after' ? [] : (schema.enum ?? [known[name] ?? fallback])) {
            const needed = route.endsWith('/explain') && name !== 'prefix' ? `&prefix=${LIE}` : '';
            await documented(`${route}?${name}=${encodeURIComponent(value)}${needed}`);
          }
        }
        if (!route.endsWith('/history')) await documented(`${route}?nonsense=1`, 400);
      }
      const first = (await documented('/api/v1/votes?state=all&limit=2')) as {
        next: string;
        ballots: { prefix: string }[];
      };
      const second = (await documented(
        `/api/v1/votes?state=all&limit=2&after=${encodeURIComponent(first.next)}`,
      )) as typeof first;
      expect(second.ballots.map(({ prefix }) => prefix)).not.toContain(first.ballots[1].prefix);
      for (const bad of [
        'votes?limit=many',
        'votes?limit=1&limit=2',
        'votes?prefix=nonsense',
        'votes?from=yesterday',
        'explain',
      ]) {
        await documented(`/api/v1/${bad}`, 400);
      }
    });

    test('events are the documented objects', async () => {
      const events = await firstEvents(['status', 'sample']);
      expect(api.problemsOf('RouterStatus', events.status)).toEqual([]);
      expect(api.problemsOf('Sample', events.sample)).toEqual([]);
    });

    test('metrics count what has happened, and still pass the linter', async () => {
      const families = await scrape();
      expect(lint(families)).toEqual([]);
      const value = (name: string, labels: Record<string, string> = {}) => valueOf(families, name, labels);
      expect(value('btr_dissent_total', { replica: 'bird', kind: 'different' })).toBeGreaterThanOrEqual(1);
      expect(value('btr_faults_total', { replica: 'bird', kind: 'different' })).toBeGreaterThanOrEqual(1);
      expect(value('btr_faults_total', { replica: 'openbgpd', kind: 'system', cause: 'crash' })).toBe(1);
      expect(
        value('btr_quarantined_messages_total', { replica: 'openbgpd', peer: address(1), reason: 'crash' }),
      ).toBeGreaterThanOrEqual(1);
      expect(value('btr_votes_total', { afi_safi: 'ipv4-unicast', outcome: 'majority' })).toBeGreaterThanOrEqual(1);
      expect(value('btr_bmp_connected', { collector: `${localAddress(2)}:1` })).toBe(0);
      expect(value('btr_recorder_records_total')).toBeGreaterThan(0);
      expect(value('btr_http_answers_total', { code: '400' })).toBeGreaterThan(0);
    });

    test('the looking glass shows who says what', async () => {
      const med = async (source: string): Promise<string> => {
        const at = `/looking-glass/${source}/routes/prefix?prefix=${LIE}`;
        const { routes } = (await documented(at)) as { routes: { from_protocol: string; bgp: { med: string } }[] };
        return routes.find(({ from_protocol }) => from_protocol === `sent_${address(2)}`)!.bgp.med;
      };
      expect(await med('bird')).toBe('4711');
      expect(await med('voted')).not.toBe('4711');
      const noexport = `/looking-glass/bird/routes/noexport/sent_${address(2)}`;
      const { routes } = (await documented(noexport)) as { routes: { network: string }[] };
      expect(routes.map(({ network }) => network)).toEqual([LIE]);
    });
  });

  describe('nobody without the token', () => {
    const places = [
      '/',
      '/metrics',
      '/api/v1/status',
      '/api/v1/events',
      '/dashboard/main.js',
      '/nowhere',
      '/looking-glass',
    ];

    /** Wrong tokens are expensive: who has tried too often waits. */
    const patiently = (asking: () => Promise<HttpAnswer>): Promise<HttpAnswer> =>
      waitFor(async () => only(await asking(), ({ status }) => status !== 429), {
        what: 'an answer',
        deadlineMs: 10_000,
      });

    test.each(places)('%s is kept from those who have none, or a wrong one', async (place) => {
      const wrong = { authorization: 'Bearer wrong-token-of-16' };
      for (const headers of [{}, wrong, { cookie: `btr-${PORT}=9999999999.${'0'.repeat(64)}` }]) {
        const answer = await patiently(() => get(place, headers as Record<string, string>));
        expect(answer.status).toBe(401);
        expect(JSON.parse(answer.text)).toEqual({ error: expect.any(String) as string });
        expect(answer.headers['www-authenticate']).toBe('Bearer');
      }
    });

    test('a browser is sent to the login page, and its cookie opens everything', async () => {
      const page = await patiently(() => get('/', { accept: 'text/html' }));
      expect([page.status, page.headers.location]).toEqual([303, '/login']);
      const answer = await patiently(() => login(URL_OF, TOKEN));
      expect([answer.status, answer.headers.location]).toEqual([303, '/']);
      const cookie = answer.headers['set-cookie']![0];
      expect(cookie).toMatch(/^btr-9179=\d+\.[0-9a-f]{64}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
      expect(cookie).not.toContain(TOKEN);
      const headers = { cookie: cookie.split(';')[0] };
      for (const place of ['/', '/metrics', '/api/v1/status', '/dashboard/main.js']) {
        expect((await patiently(() => get(place, headers))).status).toBe(200);
      }
    });

    test('a name that is not one of its own gets nothing, with or without the token', async () => {
      const status = async (host: string): Promise<number> =>
        (await patiently(() => get('/metrics', { ...KNOWN, host }))).status;
      expect(await status('rebound.example')).toBe(403);
      expect(await status(`router.example:${PORT}`)).toBe(200);
      expect(await status(`localhost:${PORT}`)).toBe(200);
    });

    test('nothing listens anywhere else', () => {
      const sockets = execFileSync('ip', ['netns', 'exec', lab.lab.namespace('router'), 'ss', '-Hltn'], {
        encoding: 'utf8',
      });
      const http = sockets.split('\n').filter((line) => line.includes(`:${PORT} `));
      expect(http).toHaveLength(1);
      expect(http[0]).toContain(`${localAddress(1)}:${PORT}`);
    });
  });

  /** The first event of each kind. */
  async function firstEvents(kinds: string[]): Promise<Record<string, unknown>> {
    const stop = new AbortController();
    const response = await fetch(new URL('/api/v1/events', URL_OF), { headers: KNOWN, signal: stop.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const found: Record<string, unknown> = {};
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (const match of text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)) found[match[1]] ??= JSON.parse(match[2]);
      if (kinds.every((kind) => kind in found)) break;
    }
    stop.abort();
    return found;
  }
});

const only = <T>(value: T, wanted: (value: T) => boolean): T | undefined => (wanted(value) ? value : undefined);

const TIMES = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+Z)?$/;

/** With times and versions replaced: what is left is the same in each run. */
function lasting(value: unknown, key = ''): unknown {
  if (typeof value === 'string' && key.toLowerCase() === 'version') return value.replace(/\d[\d.]*$/, '(number)');
  if (typeof value === 'string') return TIMES.test(value) ? '(time)' : value;
  if (Array.isArray(value)) return value.map((item) => lasting(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, lasting(member, name)]));
}

/** What readers of birdwatcher need of an answer. */
function birdwatcherProblems(kind: string, answer: unknown): unknown[] {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  const schema = JSON.parse(readFileSync(path.join(GOLDEN, 'birdwatcher.schema.json'), 'utf8')) as object;
  const validate = ajv.addSchema(schema, 'birdwatcher').getSchema(`birdwatcher#/$defs/${kind}`)!;
  return validate(answer) ? [] : validate.errors!;
}
