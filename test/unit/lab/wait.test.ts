// waitFor: what counts as an answer, and what its error says.
import { describe, expect, it } from 'vitest';
import { DeadlineError, waitFor } from '../../../cli/lab/wait.js';

describe('waitFor', () => {
  it('asks until there is an answer, and takes 0 and "" for answers', async () => {
    const answers = [undefined, false, 0] as const;
    let asked = 0;
    const answer = await waitFor(() => answers[asked++], { what: 'a number', deadlineMs: 5000, intervalMs: 1 });
    expect(answer).toBe(0);
    expect(asked).toBe(3);
    expect(await waitFor(() => '', { what: 'text', deadlineMs: 5000 })).toBe('');
  });

  it('takes an error for "not yet" and quotes the last one at the deadline', async () => {
    const failing = waitFor(() => Promise.reject(new Error('connection refused')), {
      what: 'bird answers',
      deadlineMs: 20,
      intervalMs: 5,
    });
    await expect(failing).rejects.toThrow(DeadlineError);
    await expect(failing).rejects.toThrow(/timed out after 0.02 s: bird answers .*connection refused/);
  });

  it('ends when aborted', async () => {
    const abort = new AbortController();
    const waiting = waitFor(() => false, { what: 'nothing', deadlineMs: 60_000, signal: abort.signal });
    abort.abort(new Error('stopped by the user'));
    await expect(waiting).rejects.toThrow();
  });
});
