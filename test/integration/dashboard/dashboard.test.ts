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
  openPage,
  overflow,
  PHONE,
  textOf,
  untilText,
  type WatchedPage,
} from '../../support/browser.js';
import { fakeAnswers, fakeNeighbor, fakeReplica, fakeStatus, FakeRouter } from '../../support/fake-router.js';
import {
  localAddress,
  neighborConfig,
  RouterLab,
  routerProblem,
  type RunningRouter,
} from '../../support/router-lab.js';
import { Neighbor } from '../../support/router-neighbors.js';
import { prefixAt, tableOf } from '../../support/router-routes.js';

const problem = routerProblem() ?? browserProblem();
if (problem) console.warn(`skipped: ${problem}`);

const PORT = 9179;
const TOKEN = 'a-token-for-the-test';
const ROUTES = 40;
const LIES = [3, 4, 5].map(prefixAt);

describe.skipIf(problem !== undefined)('the dashboard', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let browser: Browser;
  let live: WatchedPage;
  const [feeder, customer] = [new Neighbor(1), new Neighbor(2)];
  const url = `http://${localAddress(1)}:${PORT}/`;

  beforeAll(async () => {
    lab = RouterLab.create('dashboard', 2);
    const http = { address: localAddress(1), port: PORT, token: TOKEN, 'allow-remote': true };
    [router, browser] = await Promise.all([
      lab.run({
        neighbors: [1, 2].map((n) => neighborConfig(n)),
        // Whoever lies stays, to be looked at.
        voting: { 'fault-threshold': '1h' },
        more: { http, fib: { backend: 'dry-run' } },
      }),
      launchBrowser(),
    ]);
    await router.untilVoting(3);
    await Promise.all([feeder.connect(), customer.connect()]);
    await feeder.announce(tableOf(feeder.as, 1, 0, ROUTES));
    await customer.untilRight([feeder]);
    await router.untilUnanimous(3);
  });
  afterAll(async () => {
    await browser?.close();
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
      await page.type('#token', TOKEN);
      await Promise.all([page.waitForNavigation(), page.click('button')]);
      expect(await untilText(page, '#verdict', /All replicas agree/)).toContain(
        '3 of 3 replicas vote; 1 of them may be wrong',
      );
      await untilText(page, '#live', /^Live$/);
      await untilText(page, '#findings', /Nothing was found against any replica/);
      await untilText(page, '#contested', /the replicas say the same/);
      expect(await textOf(page, '#topology')).not.toMatch(/dissent[^s]/);
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
      expect(rows.map((row) => row[4])).toEqual([String(ROUTES), '0']);
      const daemons = await page.$$eval('#replicas tbody tr', (all) => all.map((row) => row.children[1].textContent));
      expect(daemons).toEqual(replicas.map(({ kind, version }) => `${kind} ${version}`));
    });

    test('charts what has happened since the start', async () => {
      const { page } = live;
      await untilText(page, '.chart:nth-child(3)', /median (?!–)/);
      const drawn = await page.$$eval('.chart-plot .line.solid', (lines) =>
        lines.map((line) => line.getAttribute('d')!.length),
      );
      expect(drawn).toHaveLength(4);
      for (const length of drawn) expect(length).toBeGreaterThan(20);
      const voting = await page.$$eval('.lane-plot .state-good', (spans) =>
        spans.map((span) => Number(span.getAttribute('width'))),
      );
      expect(voting).toHaveLength(3);
      expect(Math.min(...voting)).toBeGreaterThan(30);
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
      const since = new Date(before).setHours(shown[0], shown[1], shown[2]);
      expect(since).toBeGreaterThanOrEqual(before - 1000);
      expect(since).toBeLessThanOrEqual(Date.now());
      const contested = await untilText(page, '#contested', /3 prefixes towards 10\.0\.2\.2/);
      expect(contested).toMatch(/bird differs\s+≠ 4711/);
      expect(contested).toMatch(/frr and openbgpd says? what was decided\s+absent/);
      expect(await number(page, 'Contested')).toBe(String((await status(page)).ballots.contested));
      await waitFor(() => page.$('.node.warn[data-key="r bird"]'), {
        what: 'bird is marked in the picture',
        deadlineMs: 5000,
      });
      await waitFor(() => page.$('.lane-plot .span.dissent'), { what: 'its lane shows it', deadlineMs: 5000 });
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
      await page.keyboard.press('Escape');
      await waitFor(() => page.url() === url, { what: 'the panel is closed', deadlineMs: 5000 });
      await page.goto(`${url}#prefix=${prefixAt(9)}`);
      expect(await untilText(page, '#story', /They vote/)).toContain('unanimous');
      await page.click('#story [data-action=close]');
      await page.type('#prefix', 'no prefix\n');
      await untilText(page, '#story [role=alert]', /./);
      await page.keyboard.press('Escape');
      // The browser itself tells the console of the refusal.
      expect(live.trouble.splice(0)).toEqual([expect.stringContaining('status of 400')]);
    });

    test('fits a phone, in dark and in light', async () => {
      const { page } = live;
      await page.setViewport(PHONE);
      await untilText(page, '#verdict h1', /bird disagrees/);
      expect(await overflow(page)).toEqual([]);
      await page.goto(`${url}#prefix=${LIES[0]}`);
      await untilText(page, '#story', /They vote/);
      expect(await overflow(page)).toEqual([]);
      await page.keyboard.press('Escape');
      const paper = async (): Promise<number> =>
        Number(/\d+/.exec((await page.evaluate('getComputedStyle(document.body).backgroundColor')) as string)![0]);
      expect(await paper()).toBeGreaterThan(200);
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
      expect(await paper()).toBeLessThan(40);
      await page.click('#theme');
      expect(await textOf(page, '#theme')).toBe('Light');
      expect(await paper()).toBeGreaterThan(200);
      await page.reload();
      expect(await paper()).toBeGreaterThan(200);
      await page.setViewport(DESKTOP);
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
  });

  describe('of whatever is said', () => {
    let fake: FakeRouter | undefined;
    let watched: WatchedPage | undefined;
    afterEach(async () => {
      await watched?.close();
      await fake?.close();
      [fake, watched] = [undefined, undefined];
    });

    test('says when it has lost the router, how old the data is, and comes back by itself', async () => {
      fake = await new FakeRouter(fakeAnswers()).listen();
      const port = Number(new URL(fake.url).port);
      watched = await openPage(browser, fake.url);
      const { page } = watched;
      await untilText(page, '#verdict h1', /All replicas agree/);
      await fake.close();
      await untilText(page, '#live', /Connection lost, data is \d+ s old/);
      expect(await page.$eval('#main', (main) => main.getAttribute('data-stale'))).toBe('true');
      const down = fakeReplica('bird', { state: 'backoff', lastError: 'it crashed' });
      const status = fakeStatus({ electorate: ['frr', 'openbgpd'], tolerates: 0 });
      status.replicas[1] = down;
      fake = await new FakeRouter(fakeAnswers({ status })).listen(port);
      await untilText(page, '#live', /^Live$/);
      expect(await untilText(page, '#verdict h1', /bird is down/)).toBeTruthy();
      expect(await textOf(page, '#verdict')).toContain('it crashed');
    });

    test('lets no text become anything but text', async () => {
      fake = await new FakeRouter(hostileAnswers()).listen();
      watched = await openPage(browser, `${fake.url}#prefix=${encodeURIComponent(HOSTILE)}`, { viewport: PHONE });
      const { page, trouble } = watched;
      await untilText(page, '#story', /They vote/);
      await page.keyboard.press('Escape');
      await untilText(page, '#contested', /<img/);
      for (const part of ['#verdict', '#findings', '#contested', '#replicas', '#neighbors', '#records', '#identity']) {
        expect(await textOf(page, part), part).toContain('<img src=x onerror=');
      }
      const alien =
        'img, iframe, object, embed, base, link:not([rel=icon], [rel=stylesheet]), script:not([src^="/dashboard/"]), [onerror], [onload]';
      expect(await page.$$(alien)).toEqual([]);
      const links = await page.$$eval('a[href]', (all) => all.map((link) => link.getAttribute('href')!));
      expect(links.filter((href) => !href.startsWith('#'))).toEqual([]);
      expect(await page.evaluate(`'pwned' in window`)).toBe(false);
      expect(await overflow(page)).toEqual([]);
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
  const status = fakeStatus({
    routerId: HOSTILE,
    strategy: HOSTILE,
    version: HOSTILE,
    alarms: [{ kind: 'quorum', text: HOSTILE, since: HOSTILE }],
  });
  status.ballots.contested = 1;
  status.electorate = [HOSTILE];
  status.replicas = [fakeReplica(HOSTILE, { version: HOSTILE, lastError: HOSTILE, state: HOSTILE as never })];
  status.neighbors = [fakeNeighbor(1, { address: HOSTILE, state: HOSTILE, lastError: HOSTILE })];
  return fakeAnswers({
    status,
    votes: { ballots: [ballot], total: 1 },
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
      forwarding: {
        prefix: HOSTILE,
        state: HOSTILE,
        text: HOSTILE,
        verdict: null,
        kernel: null,
        error: HOSTILE,
        votes: [
          {
            replica: HOSTILE,
            counts: true,
            agrees: false,
            nextHops: {
              type: 'unicast',
              nextHops: [{ gateway: HOSTILE, interface: HOSTILE, weight: 1, onlink: false }],
            },
          },
        ],
      },
      history: [{ t: HOSTILE, kind: HOSTILE, place: HOSTILE, replica: HOSTILE, text: HOSTILE }],
    },
  });
}
