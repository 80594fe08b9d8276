// A real browser without a screen: Debian's chromium, driven over a pipe. Owns its process, and watching pages for what a sound page never
// does: errors, requests to elsewhere, dialogs.
import { existsSync } from 'node:fs';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { waitFor } from '../../cli/lab/wait.js';

const CHROMIUM = '/usr/bin/chromium';
export const DESKTOP = { width: 1320, height: 900 };
export const PHONE = { width: 390, height: 844, isMobile: true, hasTouch: true };
const DEADLINE_MS = 30_000;

/** Why no browser can be had here, or undefined. */
export function browserProblem(): string | undefined {
  return existsSync(CHROMIUM) ? undefined : 'needs the Debian package chromium';
}

/** In the network namespace of the test process. Without a sandbox of its own, which root does not get. */
export function launchBrowser(): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--disable-background-networking'];
  return puppeteer.launch({ executablePath: CHROMIUM, headless: true, pipe: true, args });
}

export interface WatchedPage {
  page: Page;
  /** What a sound page never does, as it happens. */
  trouble: string[];
  close(): Promise<void>;
}

/** A page whose requests may go to the origin of `url` only. */
export async function openPage(
  browser: Browser,
  url: string,
  { viewport = DESKTOP, scheme = 'light' }: { viewport?: typeof DESKTOP; scheme?: 'light' | 'dark' } = {},
): Promise<WatchedPage> {
  const page = await browser.newPage();
  const trouble: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warn'].includes(message.type())) trouble.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => trouble.push(`error: ${String((error as Error).stack ?? error)}`));
  page.on('dialog', (dialog) => {
    trouble.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) trouble.push(`request to ${request.url()}`);
  });
  await page.setViewport(viewport);
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await page.goto(url);
  return { page, trouble, close: () => page.close() };
}

/** From the login page to the dashboard. */
export async function logIn(page: Page, token: string): Promise<void> {
  await page.type('#token', token);
  await Promise.all([page.waitForNavigation(), page.click('button')]);
}

/** What a reader sees of the elements; without any of them: the empty text. */
export function textOf(page: Page, selector: string): Promise<string> {
  return page.$$eval(selector, (elements) =>
    elements.map((element) => (element as unknown as { innerText: string }).innerText).join('\n'),
  );
}

/** Polls until the text of `selector` fits; what it last was is part of the error. */
export async function untilText(page: Page, selector: string, wanted: RegExp): Promise<string> {
  let last = '';
  try {
    await waitFor(async () => wanted.test((last = await textOf(page, selector))), {
      what: `${selector} shows ${String(wanted)}`,
      deadlineMs: DEADLINE_MS,
      intervalMs: 50,
    });
  } catch (error) {
    throw new Error(`${(error as Error).message}; it shows: ${last}`, { cause: error });
  }
  return last;
}

export function untilThere(page: Page, selector: string): Promise<unknown> {
  return waitFor(() => page.$(selector).then((found) => found ?? undefined), {
    what: `there is ${selector}`,
    deadlineMs: DEADLINE_MS,
    intervalMs: 50,
  });
}

/** Controls, graphics and landmarks without a name that a screen reader could say, and ids that are there twice. */
export function nameless(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    const say = (one) => one.outerHTML.slice(0, 120);
    const name = (one) => one.getAttribute('aria-label') || one.labels?.[0]?.textContent || one.textContent.trim() ||
      (one.getAttribute('aria-labelledby') && document.getElementById(one.getAttribute('aria-labelledby'))?.textContent);
    const wanted = 'button, a[href], input, summary, section, dialog[open], [role=img], [role=region], [tabindex="0"]';
    const without = [...document.querySelectorAll(wanted)].filter((one) => one.checkVisibility() && !name(one));
    const drawn = [...document.querySelectorAll('svg')].filter((one) => !one.closest('[aria-hidden=true]') && one.getAttribute('role') !== 'img');
    const ids = [...document.querySelectorAll('[id]')].filter((one) => document.querySelectorAll('#' + CSS.escape(one.id)).length > 1);
    return [...without, ...drawn, ...ids].map(say);
  })()`) as Promise<string[]>;
}

/** Texts with less contrast to what is behind them than WCAG 2.1 AA asks for (4.5 : 1, large ones 3 : 1), as far as backgrounds are plain. */
export function pale(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    const parse = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
    const light = (color) => {
      const [r, g, b] = parse(color).map((v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (one) => {
      for (; one; one = one.parentElement) {
        const color = getComputedStyle(one).backgroundColor;
        if ((parse(color)[3] ?? 1) === 1) return color;
      }
      return 'rgb(255, 255, 255)';
    };
    const out = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const one = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || !one.checkVisibility({ opacityProperty: true }) || one.closest('svg, .visually-hidden, .skip')) continue;
      const style = getComputedStyle(one);
      const [a, b] = [light(style.color), light(behind(one))].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) out.push(ratio.toFixed(2) + ' ' + one.className + ': ' + walker.currentNode.data.slice(0, 40));
    }
    return out;
  })()`) as Promise<string[]>;
}

/** Elements that stick out of the page to the right, as a reader of a failed test finds them. Empty when the page fits its window. */
export function overflow(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const out = [...document.body.querySelectorAll('*')].filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5);
    return out.filter((one) => !one.closest('svg, .scroll')).map((one) => one.tagName + '.' + one.className + ' in ' + one.parentElement.className);
  })()`) as Promise<string[]>;
}
