// How often the page asks: what is hard for the router, seldom.
import { expect, test } from 'vitest';
import { pageModule } from '../../support/page-module.js';

const { pauseAfter } = await pageModule<{ pauseAfter(took: number, least: number, rest?: number): number }>('feed.js');

test.each([
  ['an answer at once', 5, undefined, 2000],
  ['one that took a while', 700, undefined, 7000],
  ['one that took very long', 20_000, undefined, 60_000],
  ['one that somebody waits for', 700, 1, 2000],
  ['one that somebody waits for, and took long', 9000, 1, 9000],
])('after %s', (_, took, rest, pause) => {
  expect(pauseAfter(took, 2000, rest)).toBe(pause);
});
