// The dashboard in a real browser. Over a real router with the three daemons, one of which is made to lie: who lies, about what, how and
// since when is on the page, and the numbers are those of the API. Over a router that is only an HTTP server: what real daemons do not do
// on demand.
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../../cli/lab/wait.js';
import type { RouterStatus } from '../../../hypervisor/status.js';
import {
  browserProblem,
  DESKTOP,
  launchBrowser,
  logIn,
  nameless,
  openPage,
  overflow,
  pale,
  PHONE,
  textOf,
  untilText,
  untilThere,
  type WatchedPage,
} from '../../support/browser.js';
import {
  fakeAnswers,
  fakeFib,
  fakeNeighbor,
  fakeReplica,
  fakeStatus,
  FakeRouter,
  type FakeAnswers,
} from '../../support/fake-router.js';
import {
  localAddress,
  neighborConfig,
  RouterLab,
  routerProblem,
  type RunningRouter,
} from '../../support/router-lab.js';
import { Neighbor } from '../../support/router-neighbors.js';
import { prefixAt, tableOf } from '../../support/router-routes.js';
import { Tunnel } from '../../support/tunnel.js';

const problem = routerProblem() ?? browserProblem();
if (problem) console.warn(`skipped: ${problem}`);

const [PORT, FAKE_PORT] = [9179, 9180];
const TOKEN = 'a-token-for-the-test';
const ROUTES = 40;
const LIES = [3, 4, 5].map(prefixAt);

describe.skipIf(problem !== undefined)('the dashboard', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let browser: Browser;
  let live: WatchedPage;
  let tunnel: Tunnel;
  let url: string;
  const [feeder, customer] = [new Neighbor(1), new Neighbor(2)];
  const setup = {
    neighbors: [1, 2].map((n) => neighborConfig(n)),
    // Whoever lies stays, to be looked at.
    voting: { 'fault-threshold': '1h' },
    more: {
      http: { address: localAddress(1), port: PORT, token: TOKEN, 'allow-remote': true },
      fib: { backend: 'dry-run' },
    },
  };

  beforeAll(async () => {
    lab = RouterLab.create('dashboard', 2);
    [router, browser, tunnel] = await Promise.all([
      lab.run(setup),
      launchBrowser(),
      Tunnel.open(localAddress(1), PORT),
    ]);
    url = tunnel.url;
    await router.untilVoting(3);
    await Promise.all([feeder.connect(), customer.connect()]);
    await feeder.announce(tableOf(feeder.as, 1, 0, ROUTES));
    await customer.untilRight([feeder]);
    await router.untilUnanimous(3);
  });
  afterAll(async () => {
    await browser?.close();
    await tunnel?.close();
    await Promise.all([feeder, customer].map((neighbor) => neighbor.stop()));
    await router?.stop();
    await lab?.destroy();
  });

  describe('of a running router', () => {
    const status = (page: Page): Promise<RouterStatus> =>
      page.evaluate(async () => (await (await fetch('/api/v1/status')).json()) as never);
    const number = async (page: Page, name: string): Promise<string> =>
      page.$$eval(
        '#numbers > div',
        (all, wanted) =>
          all.find((one) => one.querySelector('dt')!.textContent === wanted)!.querySelector('dd')!.textContent!,
        name,
      );

    test('asks for the token, and says at first sight that all is well', async () => {
      live = await openPage(browser, url);
      const { page } = live;
      expect(page.url()).toBe(`${url}login`);
      await logIn(page, TOKEN);
      expect(await untilText(page, '#verdict', /All replicas agree/)).toContain(
        '3 of 3 replicas vote; 1 of them may be wrong',
      );
      await untilText(page, '#live', /^Live$/);
      await untilText(page, '#findings', /Nothing was found against any replica/);
      await untilText(page, '#contested', /the replicas say the same/);
      expect(await page.$$('.node.good')).toHaveLength(6);
      expect(await page.$$('.picture .node:not(.good), .picture .link:not(.up)')).toEqual([]);
    });

    test('shows the numbers of the API', async () => {
      const { page } = live;
      const { ballots, neighbors, replicas, electorate, tolerates, fib } = await status(page);
      expect(ballots.total).toBeGreaterThanOrEqual(ROUTES);
      expect(await number(page, 'Agreement')).toBe('100 %');
      expect(await textOf(page, '#verdict')).toContain(`All ${ballots.total} ballots are unanimous`);
      expect(await number(page, 'Electorate')).toBe(`${electorate.length} of 3`);
      expect(await number(page, 'Faults tolerated')).toBe(String(tolerates));
      expect(await number(page, 'Installed')).toBe(String(fib!.installed));
      const rows = await page.$$eval('#neighbors tbody tr', (all) =>
        all.map((row) => [...row.children].map((cell) => cell.textContent)),
      );
      expect(rows.map((row) => [row[0], row[2], row[4], row[5]])).toEqual(
        neighbors.map((n) => [n.address, 'Established', String(n.prefixesIn), String(n.prefixesOut)]),
      );
      // And those of the neighbours themselves.
      expect(rows.map((row) => [row[4], row[5]])).toEqual([
        [String(ROUTES), String(feeder.table.size)],
        ['0', String(customer.table.size)],
      ]);
      const daemons = await page.$$eval('#replicas tbody tr', (all) => all.map((row) => row.children[1].textContent));
      expect(daemons).toEqual(replicas.map(({ kind, version }) => `${kind} ${version}`));
    });

    test('charts what has happened since the start', async () => {
      const { page } = live;
      await untilText(page, '.chart:nth-child(3)', /median\s+\d/);
      const measured = await waitFor(
        async () => {
          const { columns } = await page.evaluate(
            async () =>
              (await (await fetch('/api/v1/history')).json()) as { columns: Record<string, (number | null)[]> },
          );
          const counts = ['ballots', 'votes', 'latencyP50', 'loopP50'].map(
            (name) => columns[name].filter((value) => value !== null && (name !== 'ballots' || value > 0)).length,
          );
          // A line of one or two points is no chart: the router has just begun.
          return counts[1] > 2 && counts;
        },
        { what: 'three samples of votes', deadlineMs: 20_000 },
      );
      const points = (): Promise<number[]> =>
        page.$$eval('.chart-plot .line.solid', (lines) =>
          lines.map((line) => line.getAttribute('d')!.match(/[ML]/g)!.length),
        );
      // A page that was opened later than what it shows began has all of it.
      await waitFor(async () => (await points()).every((number, i) => number >= measured[i]), {
        what: `lines of ${measured.join(', ')} points`,
        deadlineMs: 10_000,
      });
      expect(await points()).toHaveLength(4);
      const voting = await page.$$eval('.lane-plot .state-good', (spans) =>
        spans.map((span) => Number(span.getAttribute('width'))),
      );
      expect(voting).toHaveLength(3);
      expect(Math.min(...voting)).toBeGreaterThan(10);
    });

    test('names the liar, the prefixes, the difference, and since when', async () => {
      const { page } = live;
      const before = Date.now();
      await router.request('inject', {
        replica: 'bird',
        kind: 'wrong-attribute',
        med: 4711,
        where: 'update',
        prefixes: LIES,
      });
      await untilText(page, '#verdict h1', /bird disagrees with the others/);
      const finding = await untilText(page, '#findings', /MED/);
      expect(finding).toContain('bird');
      expect(finding).toMatch(/≠ 4711/);
      for (const prefix of LIES) expect(finding).toContain(prefix);
      const shown = /Since\s+(\d\d):(\d\d):(\d\d)/.exec(finding)!.slice(1).map(Number);
      const since = new Date(before).setUTCHours(shown[0], shown[1], shown[2], 0);
      expect(since).toBeGreaterThanOrEqual(before - 1000);
      expect(since).toBeLessThanOrEqual(Date.now());
      const contested = await untilText(page, '#contested', /3 prefixes towards 10\.0\.2\.2/);
      expect(contested).toMatch(/bird differs\s+≠ 4711/);
      expect(contested).toMatch(/frr and openbgpd say what was decided\s+absent/);
      expect(await number(page, 'Contested')).toBe(String((await status(page)).ballots.contested));
      await untilThere(page, '.node.warn[data-key="r bird"]');
      await untilThere(page, '.node.good[data-key="r frr"]');
      await untilThere(page, '.lane-plot .span.dissent');
      await untilThere(page, '.lane-plot .span.fault');
      const lane = await page.$eval('.lane-plot:has(.span.fault) svg', (svg) => svg.getAttribute('aria-label'));
      expect(lane).toMatch(/^bird: .*voting .*bird differs from frr and openbgpd/);
      await untilText(page, '#records', /fault begins/);
    });

    test('tells the story of a prefix behind a link, and from an address', async () => {
      const { page } = live;
      const prefix = LIES[0];
      await page.focus('#findings .prefix');
      await page.keyboard.press('Enter');
      const story = await untilText(page, '#story', /They vote/);
      expect(story).toContain(`The story of ${prefix}`);
      expect(story).toMatch(/bird differs\s+≠ 4711/);
      expect(page.url()).toBe(`${url}#prefix=${encodeURIComponent(prefix)}`);
      expect(await nameless(page)).toEqual([]);
      await page.keyboard.press('Escape');
      await waitFor(() => page.url() === url, { what: 'the panel is closed', deadlineMs: 5000 });
      await page.goto(`${url}#prefix=${prefixAt(9)}`);
      expect(await untilText(page, '#story', /They vote/)).toContain('unanimous');
      await page.click('#story [data-action=close]');
      await page.keyboard.press('/');
      await page.keyboard.type('no prefix\n');
      await untilText(page, '#story [role=alert]', /no prefix/);
      await page.keyboard.press('Escape');
      // The browser itself tells the console of the refusal.
      expect(live.trouble.splice(0)).toEqual([expect.stringContaining('status of 400')]);
    });

    test('fits a phone, in dark and in light, for all eyes', async () => {
      const { page } = live;
      await page.setViewport(PHONE);
      await untilText(page, '#contested', /bird differs/);
      expect(await overflow(page)).toEqual([]);
      await page.goto(`${url}#prefix=${LIES[0]}`);
      await untilText(page, '#story', /They vote/);
      expect(await overflow(page)).toEqual([]);
      await page.keyboard.press('Escape');
      const paper = async (): Promise<number> =>
        Number(/\d+/.exec((await page.evaluate('getComputedStyle(document.body).backgroundColor')) as string)![0]);
      expect(await paper()).toBeGreaterThan(200);
      expect(await pale(page)).toEqual([]);
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
      expect(await paper()).toBeLessThan(40);
      expect(await pale(page)).toEqual([]);
      await page.click('#theme');
      expect(await textOf(page, '#theme')).toBe('Colours: light');
      expect(await paper()).toBeGreaterThan(200);
      await page.reload();
      expect(await paper()).toBeGreaterThan(200);
      await page.setViewport(DESKTOP);
      expect(await nameless(page)).toEqual([]);
    });

    test('can be used with the keyboard', async () => {
      const { page } = live;
      await untilText(page, '#live', /^Live$/);
      await page.evaluate('document.activeElement.blur(), scrollTo(0, 0)');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await waitFor(() => page.evaluate(`document.activeElement.id === 'verdict'`) as Promise<boolean>, {
        what: 'the link over everything leads to the verdict',
        deadlineMs: 5000,
      });
      await page.focus('#range-10m');
      await page.keyboard.press('ArrowRight');
      expect(await page.$eval('#range-1h', (input) => (input as never as { checked: boolean }).checked)).toBe(true);
      await page.keyboard.press('ArrowLeft');
      const label = (): Promise<string | null> =>
        page.$eval('.chart:nth-child(2) .chart-plot', (plot) => plot.getAttribute('aria-label'));
      await page.focus('.chart:nth-child(2) .chart-plot');
      await page.keyboard.press('ArrowLeft');
      expect(await textOf(page, '.chart:nth-child(2) figcaption')).toMatch(/at \d\d:\d\d:\d\d/);
      expect(await label()).toMatch(/^Votes per second: cast \d.*Arrow keys/);
    });

    test('says when it is over', async () => {
      const { page } = live;
      await router.request('inject-clear');
      await untilText(page, '#verdict h1', /All replicas agree/);
      await untilText(page, '#findings', /Nothing is found against any replica now/);
      await page.click('#findings summary');
      expect(await textOf(page, '#findings .over')).toContain('bird');
      expect(live.trouble).toEqual([]);
    });

    test('comes back by itself, logged in, when the router has been started anew', async () => {
      const { page, trouble } = live;
      const { pid } = await status(page);
      await router.stop();
      await untilText(page, '#live', /Connection lost, data is \d+ s old/);
      expect(await page.$eval('#main', (main) => main.getAttribute('data-stale'))).toBe('true');
      router = await lab.run(setup);
      await router.untilVoting(3);
      await untilText(page, '#live', /^Live$/);
      expect((await status(page)).pid).not.toBe(pid);
      await untilText(page, '#verdict', /Neighbour 10\.0\.1\.2 has no session/);
      await untilText(page, '#findings', /Nothing was found against any replica/);
      // What the browser itself says of a server that is not there.
      expect(trouble.filter((text) => !/Failed to load resource: net::ERR/.test(text))).toEqual([]);
    });
  });

  describe('of whatever is said', () => {
    let fake: FakeRouter | undefined;
    let watched: WatchedPage | undefined;
    afterEach(async () => {
      await watched?.close();
      await fake?.close();
      [fake, watched] = [undefined, undefined];
    });

    test('lets no text become anything but text', async () => {
      fake = await new FakeRouter(hostileAnswers(), FAKE_PORT).listen();
      watched = await openPage(browser, `${fake.url}#prefix=${encodeURIComponent(HOSTILE)}`, { viewport: PHONE });
      const { page, trouble } = watched;
      await untilText(page, '#story', /They vote/);
      expect(await textOf(page, '#story')).toContain('<img src=x onerror=');
      await page.keyboard.press('Escape');
      await untilText(page, '#contested', /<img/);
      for (const part of ['#verdict', '#findings', '#contested', '#replicas', '#neighbors', '#records', '#identity']) {
        expect(await textOf(page, part), part).toContain('<img src=x onerror=');
      }
      const alien =
        'img, iframe, object, embed, base, style, link:not([rel=icon], [rel=stylesheet]), script:not([src^="/dashboard/"]), [onerror], [onload], [style]';
      expect(await page.$$(alien)).toEqual([]);
      const links = await page.$$eval('a[href]', (all) => all.map((link) => link.getAttribute('href')!));
      expect(links.filter((href) => !href.startsWith('#'))).toEqual([]);
      expect(await page.evaluate(`'pwned' in window`)).toBe(false);
      expect(await overflow(page)).toEqual([]);
      expect(trouble).toEqual([]);
      // What a mistake in the page would come up against, and a text that did become markup.
      for (const attribute of ['"onclick"', '"style"', '"src"', '"href"']) {
        const make = `import('/dashboard/dom.js').then(({ h }) => h('a', { [${attribute}]: 'javascript:alert(1)' }))`;
        await expect(page.evaluate(make)).rejects.toThrow(/no such attribute|links lead into this page/);
      }
      await page.evaluate(`document.body.insertAdjacentHTML('beforeend', '<img src="x:" onerror="window.pwned=1">')`);
      await waitFor(() => trouble.some((text) => text.includes('Content Security Policy')), {
        what: 'the policy refuses it',
        deadlineMs: 5000,
      });
      expect(await page.evaluate(`'pwned' in window`)).toBe(false);
    });

    test('pages through more contested prefixes than it can show', async () => {
      const { answers, asked } = manyContested(10_000);
      fake = await new FakeRouter(answers, FAKE_PORT).listen();
      watched = await openPage(browser, fake.url);
      const { page, trouble } = watched;
      await untilText(page, '#contested', /200 prefixes towards 10\.0\.1\.2/);
      expect(await page.$$('#contested .prefix')).toHaveLength(200);
      expect(await textOf(page, '.pages')).toContain('200 ballots here, 9,800 behind them');
      await page.click('[data-action=next-ballots]');
      await untilText(page, '#contested', /10\.0\.200\.0\/24/);
      expect(asked.at(-1)).toMatchObject({ limit: 200, after: '0-199' });
      await page.click('[data-action=first-ballots]');
      await untilText(page, '#contested', /10\.0\.0\.0\/24/);
      await page.focus('#findings [data-replica=bird]');
      await page.keyboard.press('Enter');
      await untilText(page, '#contested', /Only those on which bird differs/);
      await waitFor(() => asked.at(-1)!.replica === 'bird', { what: 'it asks for those', deadlineMs: 5000 });
      // A page that nobody sees asks for nothing.
      const elsewhere = await browser.newPage();
      await elsewhere.bringToFront();
      await waitFor(() => page.evaluate('document.hidden') as Promise<boolean>, {
        what: 'it is hidden',
        deadlineMs: 5000,
      });
      const before = asked.length;
      const heard = page.evaluate(`new Promise((done) => {
        const source = new EventSource('/api/v1/events');
        let beats = 0;
        source.addEventListener('sample', () => ++beats === 3 && (source.close(), done(true)));
      })`);
      expect(await heard).toBe(true);
      expect(asked).toHaveLength(before);
      await elsewhere.close();
      expect(trouble).toEqual([]);
    });
  });
});

const HOSTILE = `</script><img src=x onerror="window.pwned=1"><svg onload=alert(1)>{{7*7}}"'\`\u202e\u0000\u001b[31m${'x'.repeat(300)}`;

/** Every text that the network, a daemon or a configuration has a say in is hostile. */
function hostileAnswers() {
  const [t, route] = [new Date().toISOString(), { MED: HOSTILE, [HOSTILE]: HOSTILE, __proto__x: '1' }];
  const vote = {
    replica: HOSTILE,
    counts: true,
    agrees: false,
    attributes: route,
    since: t,
    stable: false,
    unstable: HOSTILE,
    dissents: true,
    silenced: HOSTILE,
  };
  const votes = [vote, { ...vote, replica: 'frr', agrees: true, attributes: { MED: '1' } }];
  const ballot = {
    neighbor: HOSTILE,
    prefix: HOSTILE,
    verdict: { MED: '1' },
    advertised: null,
    rule: HOSTILE,
    contested: true,
    trouble: null,
    dissent: [HOSTILE],
    votes,
  };
  const pattern = {
    key: HOSTILE,
    replica: HOSTILE,
    kind: HOSTILE,
    cause: HOSTILE,
    known: [],
    places: [HOSTILE],
    prefixes: 1,
    atLeast: true,
    count: 1,
    open: true,
    changes: [
      {
        attribute: HOSTILE,
        how: 'other',
        vote: { values: [HOSTILE], more: true },
        majority: { values: [], more: false },
      },
    ],
    first: t,
    last: t,
    against: [HOSTILE],
    examples: [{ prefix: HOSTILE, place: HOSTILE, vote: route, majority: null }],
    findings: [1],
    text: HOSTILE,
    advice: HOSTILE,
    commands: [HOSTILE],
  };
  const next = { type: HOSTILE, nextHops: [] };
  const wrong = { type: 'unicast', nextHops: [{ gateway: HOSTILE, interface: HOSTILE, weight: 1, onlink: false }] };
  const hops = {
    prefix: HOSTILE,
    state: HOSTILE,
    verdict: next,
    kernel: null,
    error: HOSTILE,
    votes: [
      { replica: HOSTILE, counts: true, agrees: false, nextHops: wrong },
      { replica: 'frr', counts: true, agrees: true, nextHops: next },
    ],
  };
  const status = fakeStatus({
    routerId: HOSTILE,
    strategy: HOSTILE,
    version: HOSTILE,
    alarms: [{ kind: 'quorum', text: HOSTILE, since: HOSTILE }],
  });
  status.fib = fakeFib({ contested: 1 });
  status.ballots.contested = 1;
  status.electorate = [HOSTILE];
  status.replicas = [fakeReplica(HOSTILE, { version: HOSTILE, lastError: HOSTILE, state: HOSTILE as never })];
  status.neighbors = [fakeNeighbor(1, { address: HOSTILE, state: HOSTILE, lastError: HOSTILE })];
  return fakeAnswers({
    status,
    votes: { ballots: [ballot as never], total: 1, next: HOSTILE },
    fib: { routes: [hops], total: 2 },
    faults: {
      findings: [],
      patterns: [pattern, { ...pattern, key: 'over', open: false }],
      knownDifferences: 0,
      oscillating: 0,
    },
    records: [
      {
        v: 1,
        t: HOSTILE,
        m: 1,
        kind: HOSTILE,
        neighbor: HOSTILE,
        prefix: HOSTILE,
        replica: HOSTILE,
        text: HOSTILE,
        diff: [{ attribute: HOSTILE, left: HOSTILE }],
      },
    ],
    explain: {
      prefix: HOSTILE,
      at: t,
      source: 'live',
      summary: [HOSTILE],
      accused: [{}],
      voting: null,
      unknown: [HOSTILE],
      inputs: [
        {
          neighbor: HOSTILE,
          as: 1,
          state: HOSTILE,
          since: t,
          attributes: route,
          reason: HOSTILE,
          deliveries: [{ replica: HOSTILE, state: HOSTILE, quarantined: [1], backlogBytes: 0 }],
        },
      ],
      replicas: [{ name: HOSTILE, kind: HOSTILE, state: HOSTILE, counts: false, reason: HOSTILE, lagMs: 0 }],
      ballots: [
        {
          ...ballot,
          rule: HOSTILE,
          decided: HOSTILE,
          voters: [HOSTILE],
          agree: [HOSTILE],
          contested: true,
          trouble: HOSTILE,
          emission: { state: HOSTILE, holds: null, text: HOSTILE },
        },
      ],
      forwarding: { ...hops, text: HOSTILE },
      history: [{ t: HOSTILE, kind: HOSTILE, place: HOSTILE, replica: HOSTILE, text: HOSTILE }],
    },
  });
}

/** So many prefixes on which bird differs, and what is asked about them. */
function manyContested(count: number): { answers: FakeAnswers; asked: Record<string, unknown>[] } {
  const votes = ['frr', 'bird', 'openbgpd'].map((replica) => ({
    replica,
    counts: true,
    agrees: replica !== 'bird',
    since: new Date().toISOString(),
    attributes: { MED: replica === 'bird' ? '1' : '0' },
  }));
  const ballot = (i: number) => ({
    ...{
      neighbor: '10.0.1.2',
      prefix: `10.${i >> 8}.${i & 255}.0/24`,
      verdict: { MED: '0' },
      advertised: { MED: '0' },
    },
    ...{ rule: 'majority', contested: true, trouble: null, dissent: ['bird'], votes },
  });
  const t = new Date().toISOString();
  const pattern = {
    ...{ key: 'k', replica: 'bird', kind: 'different', cause: null, known: [], changes: [], places: ['10.0.1.2'] },
    ...{ prefixes: count, atLeast: false, count, open: true, first: t, last: t, against: ['frr'], findings: [1] },
    ...{ examples: [], text: 'bird differs', advice: '', commands: [] },
  };
  const asked: Record<string, unknown>[] = [];
  const answers = fakeAnswers({
    faults: { findings: [], patterns: [pattern], knownDifferences: 0, oscillating: 0 },
    votes: (query) => {
      asked.push(query);
      const from = query.after === undefined ? 0 : Number(String(query.after).split('-')[1]) + 1;
      const to = Math.min(count, from + Number(query.limit));
      const ballots = Array.from({ length: to - from }, (_, i) => ballot(from + i));
      return { ballots, total: count - from, next: to < count ? `0-${to - 1}` : null };
    },
  });
  Object.assign(answers.status.ballots, { contested: count, unanimous: answers.status.ballots.total - count });
  return { answers, asked };
}
