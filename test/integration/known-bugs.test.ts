// A few of the known-bug inputs, one after the other on one router: what kills each of the daemons that something kills, what makes one lie,
// what makes two of three reset their sessions, and what breaks a session for good reason. `npm run test:bugs` plays all of them, in every way.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCorpus } from '../bugs/corpus.js';
import { BugLab, type BugDevice } from '../bugs/device.js';
import { playTrigger } from '../bugs/scenario.js';
import { routerProblem } from '../support/router-lab.js';
import { missing } from '../support/shared.js';

const SOME = [
  'malformed-community-then-fake-prefix',
  'mp-reach-empty-nlri-without-attributes',
  'ipv4-withdraw-in-mp-unreach',
  'second-open-when-established',
  'open-orf-capability-empty',
];

const triggers = readCorpus().filter(({ id }) => SOME.includes(id));
const problem = triggers.length === 0 ? missing('bugs') : routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

let lab: BugLab;
beforeAll(() => {
  if (problem === undefined) lab = BugLab.create('known-bugs');
});
afterAll(async () => await lab?.destroy());

describe.skipIf(problem !== undefined)('known bugs, byte for byte to FRR and OpenBGPD', () => {
  let device: BugDevice;
  beforeAll(async () => {
    // In this form FRR dies of two of them and OpenBGPD of one, and BIRD is told what they amount to.
    const deliver = { frr: 'raw', bird: 'repaired', openbgpd: 'raw' } as const;
    device = await lab.start({ strategy: 'continuous-majority', profile: 'plain', deliver });
  });
  afterAll(async () => await device?.stop());

  test.each(triggers)('$id', async (trigger) => {
    const { findings } = await playTrigger(device, trigger, { twice: false });
    expect(findings).toEqual([]);
  });
});
