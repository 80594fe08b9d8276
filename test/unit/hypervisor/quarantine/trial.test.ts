// The loop of a trial, against instances that are played here.
import { expect, test, vi } from 'vitest';
import { runTrial } from '../../../../hypervisor/quarantine/trial.js';
import type { Instance, TrialMessage } from '../../../../hypervisor/quarantine/trial-instance.js';

const messages: TrialMessage[] = Array.from({ length: 40 }, (_, i) => ({ neighbor: 0, bytes: Uint8Array.of(i) }));

/** Instances that die of message `poison`; `alive` counts those that nobody has stopped. */
function rig(poison: number) {
  const state = { alive: 0 };
  const start = vi.fn((): Promise<Instance> => {
    state.alive++;
    let stopped = false;
    return Promise.resolve({
      feed: (fed) => Promise.resolve(fed.some(({ bytes }) => bytes[0] === poison) ? 'killed by SIGSEGV' : undefined),
      stop: () => {
        if (!stopped) state.alive--;
        stopped = true;
        return Promise.resolve();
      },
    });
  });
  return { state, start };
}

const { signal } = new AbortController();

test('finds the message and says what it does; no instance is left', async () => {
  const { state, start } = rig(17);
  const result = await runTrial({ messages, start, signal, limit: 10_000 });
  expect(result.verdicts.filter((verdict) => verdict === 'convicted')).toHaveLength(1);
  expect(result.verdicts[17]).toBe('convicted');
  expect(result.deaths[17]).toBe('killed by SIGSEGV');
  expect(result.deaths.filter((death) => death !== undefined)).toHaveLength(1);
  expect(result.incomplete).toBeUndefined();
  expect(start).toHaveBeenCalledTimes(result.starts);
  expect(state.alive).toBe(0);
});

test('nothing happens: not reproduced', async () => {
  const { state, start } = rig(-1);
  const result = await runTrial({ messages, start, signal, limit: 10_000 });
  expect(new Set(result.verdicts)).toEqual(new Set(['not-reproduced']));
  expect(state.alive).toBe(0);
});

test('instances that cannot be had: nothing is known, and why', async () => {
  const start = () => Promise.reject(new Error('no such user'));
  const result = await runTrial({ messages, start, signal, limit: 10_000 });
  expect(new Set(result.verdicts)).toEqual(new Set(['untried']));
  expect(result.incomplete).toBe('no such user');
});

test('a trial that is ended stops its instance at once', async () => {
  const end = new AbortController();
  const stop = vi.fn(() => {
    release('stopped');
    return Promise.resolve();
  });
  let release!: (death: string) => void;
  const start = (): Promise<Instance> =>
    Promise.resolve({ feed: () => new Promise((resolve) => (release = resolve)), stop });
  const running = runTrial({ messages, start, signal: end.signal, limit: 10_000 });
  await vi.waitFor(() => expect(release).toBeDefined());
  end.abort();
  expect(await running).toMatchObject({ incomplete: 'the trial was ended' });
  expect(new Set((await running).verdicts)).toEqual(new Set(['untried']));
  expect(stop).toHaveBeenCalled();
});

test('the time limit ends it between two steps', async () => {
  const { state, start } = rig(17);
  const result = await runTrial({ messages, start, signal, limit: -1 });
  expect(result).toMatchObject({ starts: 0, incomplete: 'the trial took longer than -0.001 s' });
  expect(state.alive).toBe(0);
});
