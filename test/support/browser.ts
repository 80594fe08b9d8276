// A real browser without a screen: Debian's chromium, driven over a pipe. Owns its process, and watching pages for what a sound page never
// does: errors, requests to elsewhere, dialogs.
import { existsSync } from 'node:fs';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { waitFor } from '../../cli/lab/wait.js';

const CHROMIUM = '/usr/bin/chromium';
export const DESKTOP = { width: 1320, height: 900 };
export const PHONE = { width: 390, height: 844, isMobile: true, hasTouch: true };
const DEADLINE_MS = 15_000;

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

/** Elements that stick out of the page to the right, as a reader of a failed test finds them. Empty when the page fits its window. */
export function overflow(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const out = [...document.body.querySelectorAll('*')].filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5);
    return out.filter((one) => !one.closest('svg, .scroll')).map((one) => one.tagName + '.' + one.className + ' in ' + one.parentElement.className);
  })()`) as Promise<string[]>;
}
