// The time axis that lanes and charts share.
import { expect, test } from 'vitest';
import { pageModule } from '../../support/page-module.js';

const { timeTicks } = await pageModule<{
  timeTicks(range: [number, number], width: number): { t: number; text: string }[];
}>('chart.js');
const at = (text: string): number => Date.parse(`2026-03-01T${text}Z`);

test.each([
  ['11:59:30', '12:00:31', 1000, ['11:59:40', '11:59:50', '12:00:00', '12:00:10', '12:00:20']],
  ['11:50:00', '12:00:00', 600, ['11:52', '11:54', '11:56', '11:58']],
  ['00:00:00', '12:00:00', 330, ['06:00']],
])('from %s to %s in %d pixels', (from, until, width, texts) => {
  const ticks = timeTicks([at(from), at(until)], width);
  expect(ticks.map(({ text }) => text)).toEqual(texts);
  for (const { t, text } of ticks) expect(new Date(t).toISOString()).toContain(`T${text}`);
});
