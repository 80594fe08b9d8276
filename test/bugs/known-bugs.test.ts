// Every known-bug input of the shared folder against the router with three default daemons and the kernel as forwarding table: with each
// strategy, and both byte for byte and with errors repaired. A router of its own for each, so that nobody has a past.
// BTR_BUGS=ID,ID plays some of them, BTR_BUGS_WITH=STRATEGY or STRATEGY/DELIVERY in these ways; BTR_BUGS_UPDATE=1 keeps the results for docs/known-bugs.md.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VOTING_STRATEGIES, type Delivery } from '../../configs/model.js';
import { routerProblem } from '../support/router-lab.js';
import { missing } from '../support/shared.js';
import { readCorpus } from './corpus.js';
import { BugLab } from './device.js';
import { EXPECTATIONS } from './expectations.js';
import { readResults, recordOutcome, runKey } from './results.js';
import { playTrigger } from './scenario.js';
import { renderPage } from './table.js';

const { BTR_BUGS: some, BTR_BUGS_WITH: way, BTR_BUGS_UPDATE: update, BTR_BUGS_LOGS: logs } = process.env;
const PAGE = path.resolve(import.meta.dirname, '../../docs/known-bugs.md');
const DELIVERIES: readonly Delivery[] = ['repaired', 'raw'];

const corpus = readCorpus();
const chosen = corpus.filter(({ id }) => some === undefined || some.split(',').includes(id));
const problem = corpus.length === 0 ? missing('bugs') : routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const ways = VOTING_STRATEGIES.flatMap((strategy) => DELIVERIES.map((deliver) => ({ strategy, deliver }))).filter(
  ({ strategy, deliver }) => way === undefined || runKey(strategy, deliver).startsWith(way),
);

let lab: BugLab;
beforeAll(() => {
  if (problem === undefined) lab = BugLab.create('known-bugs');
});
afterAll(async () => {
  if (update) writeFileSync(PAGE, renderPage(readResults()));
  await lab?.destroy();
});

test.skipIf(problem !== undefined)('every input has an expectation, and nothing else has', () => {
  expect(Object.keys(EXPECTATIONS).sort()).toEqual(corpus.map(({ id }) => id).sort());
});

describe.skipIf(problem !== undefined).each(ways)('$strategy, deliver: $deliver', ({ strategy, deliver }) => {
  test.each(chosen)('$id', async (trigger) => {
    const device = await lab.start({ strategy, deliver, profile: trigger.config_profile });
    try {
      const outcome = await playTrigger(device, trigger);
      if (update) recordOutcome(trigger, runKey(strategy, deliver), outcome);
      expect(outcome.findings).toEqual([]);
      // A consensus never lets a wrong route out; the others may, for a moment.
      if (strategy === 'wait-for-consensus') expect(outcome.transient).toEqual([]);
    } finally {
      if (logs) device.saveLog(path.join(logs, `${trigger.id}-${strategy}-${deliver}.log`));
      await device.stop();
    }
  });
});
