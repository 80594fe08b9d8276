// The pictures of docs/dashboard.md: a real router with the three daemons, some churn, a replica that is killed and two that lie, looked at
// with a real browser. Owns the scene and what is photographed; `npm run screenshots` writes docs/images/.
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { browserProblem, launchBrowser, logIn, openPage, PHONE, untilText } from '../support/browser.js';
import { localAddress, neighborConfig, RouterLab, routerProblem, type RunningRouter } from '../support/router-lab.js';
import { Neighbor } from '../support/router-neighbors.js';
import { prefixAt, tableOf } from '../support/router-routes.js';
import { Tunnel } from '../support/tunnel.js';

const IMAGES = path.resolve(import.meta.dirname, '../../docs/images');
const PORT = 9179;
const TOKEN = 'a-token-for-pictures';
const ROUTES = 2000;
const WIDE = { width: 1280, height: 800, deviceScaleFactor: 1.5 };

const problem = routerProblem() ?? browserProblem();
if (problem) throw new Error(problem);

let lab: RouterLab;
let router: RunningRouter;
let browser: Browser;
let tunnel: Tunnel;
const [upstream, other, customer] = [1, 2, 3].map((n) => new Neighbor(n));

beforeAll(async () => {
  mkdirSync(IMAGES, { recursive: true });
  lab = RouterLab.create('pictures', 3);
  const http = { address: localAddress(1), port: PORT, token: TOKEN, 'allow-remote': true };
  [router, browser, tunnel] = await Promise.all([
    lab.run({
      neighbors: [1, 2, 3].map((n) => neighborConfig(n)),
      voting: { 'fault-threshold': '1h' },
      more: { http, fib: { backend: 'dry-run' } },
    }),
    launchBrowser(),
    Tunnel.open(localAddress(1), PORT),
  ]);
  await router.untilVoting(3);
  await Promise.all([upstream, other, customer].map((neighbor) => neighbor.connect()));
  await upstream.announce(tableOf(upstream.as, 1, 0, ROUTES));
  await other.announce(tableOf(other.as, 2, 0, ROUTES));
  await customer.untilRight([upstream, other]);
  await router.untilUnanimous(3);
});

afterAll(async () => {
  await browser?.close();
  await Promise.all([upstream, other, customer].map((neighbor) => neighbor.stop()));
  await router?.stop();
  await tunnel?.close();
  await lab?.destroy();
});

/** A number for each change, so that no two are the same. */
let changes = 0;

/** For so many seconds the upstreams change their minds about some routes: charts of a router without news are empty. */
async function churn(seconds: number): Promise<void> {
  const until = Date.now() + 1000 * seconds;
  while (Date.now() < until) {
    const neighbor = [upstream, other][++changes % 2];
    const from = (changes * 37) % (ROUTES - 40);
    await neighbor.announce(tableOf(neighbor.as, 3 + changes, from, from + 5 + ((changes * 7) % 35)));
    await delay(200);
  }
}

/** What the window shows, or one element of the page. */
async function picture(page: Page, name: string, selector?: string): Promise<void> {
  const file = path.join(IMAGES, `${name}.png`) as `${string}.png`;
  if (selector === undefined) {
    await page.screenshot({ path: file });
    return;
  }
  // The bar sticks to the top of the window: no element may be longer than that. The panel with a story is as high as the window.
  await page.setViewport({ ...WIDE, height: selector === '#story' ? 1100 : 3000 });
  await (await page.$(selector))!.screenshot({ path: file });
  await page.setViewport(WIDE);
}

/** With BTR_WHOLE_PAGES=DIRECTORY: the whole page in pieces, for looking at it. */
async function wholePage(page: Page, name: string): Promise<void> {
  const directory = process.env.BTR_WHOLE_PAGES;
  if (directory === undefined) return;
  const { width, height } = page.viewport()!;
  const length = (await page.evaluate('document.documentElement.scrollHeight')) as number;
  const step = width < 600 ? 1200 : height;
  for (let y = 0; y < length; y += step) {
    await page.screenshot({
      path: path.join(directory, `${name}-${String(y / step).padStart(2, '0')}.png`) as `${string}.png`,
      clip: { x: 0, y, width, height: Math.min(step, length - y) },
      captureBeyondViewport: true,
    });
  }
}

test('the pictures of the documentation', { timeout: 900_000 }, async () => {
  const { page } = await openPage(browser, tunnel.url, { viewport: WIDE });
  const scheme = (value: string): Promise<void> => page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
  await logIn(page, TOKEN);
  await churn(30);
  await untilText(page, '#verdict h1', /All replicas agree/);
  await picture(page, 'dashboard');

  await router.signalReplica('frr', 'SIGKILL');
  await churn(8);
  await router.untilVoting(3);
  const early = [12, 13].map(prefixAt);
  await router.request('inject', { replica: 'openbgpd', kind: 'drop', where: 'update', prefixes: early });
  await churn(10);
  await router.request('inject-clear');
  await churn(10);
  const lies = Array.from({ length: 20 }, (_, i) => prefixAt(100 + i));
  const hop = { replica: 'bird', kind: 'wrong-nexthop', 'next-hop': '10.0.3.77', prefixes: lies };
  await router.request('inject', { ...hop, where: 'both' });
  await untilText(page, '#findings', /forwarding table/);
  await churn(15);
  await untilText(page, '#contested', /in the forwarding table/);
  await scheme('dark');
  await picture(page, 'dashboard-dark');
  await scheme('light');
  await picture(page, 'findings', '#findings-card');
  await picture(page, 'contested', '#contested-card');
  await picture(page, 'timeline', '#time-card');
  await wholePage(page, 'wide');
  await page.goto(`${tunnel.url}#prefix=${lies[0]}`);
  await untilText(page, '#story', /They vote/);
  await picture(page, 'story', '#story');
  await page.click('#story [data-action=close]');
  await page.setViewport({ ...PHONE, deviceScaleFactor: 1.5 });
  await untilText(page, '#findings', /NEXT_HOP/);
  await picture(page, 'phone');
  await wholePage(page, 'phone');
  await page.goto(`${tunnel.url}#prefix=${lies[0]}`);
  await untilText(page, '#story', /They vote/);
  await wholePage(page, 'phone-story');
  await page.click('#story [data-action=close]');
  await scheme('dark');
  await wholePage(page, 'phone-dark');
  for (const image of readdirSync(IMAGES)) expect(statSync(path.join(IMAGES, image)).size).toBeLessThan(300_000);
});
