// One trial: the messages of a death are fed to disposable instances, one instance after the other, until it is known which of them kill.
// Owns the loop and its time limit; the search is recovery/narrowing.ts, an instance trial-instance.ts.
import { Narrowing, type TrialVerdict } from '../../recovery/narrowing.js';
import { now } from '../clock.js';
import type { Instance, TrialMessage } from './trial-instance.js';

export interface TrialOptions {
  messages: readonly TrialMessage[];
  /** A fresh instance that has survived a probe; rejects with what is in the way. */
  start: () => Promise<Instance>;
  /** Ends the trial at once. */
  signal: AbortSignal;
  /** The trial ends after this time, ms. */
  limit: number;
}

export interface TrialResult {
  /** By message. */
  verdicts: readonly TrialVerdict[];
  /** By message: what an instance died of, as far as it is convicted of it. */
  deaths: readonly (string | undefined)[];
  /** An instance died of some of them, whichever. */
  died: boolean;
  /** Disposable instances that were started. */
  starts: number;
  /** Why the trial ended early, or could not begin; undefined when it came to its end. */
  incomplete: string | undefined;
}

/** Never rejects; no instance is left behind. */
export async function runTrial({ messages, start, signal, limit }: TrialOptions): Promise<TrialResult> {
  const narrowing = new Narrowing(messages.length);
  const deaths: (string | undefined)[] = messages.map(() => undefined);
  const deadline = now() + limit;
  let instance: Instance | undefined;
  let incomplete: string | undefined;
  const stop = (): void => void instance?.stop();
  signal.addEventListener('abort', stop);
  for (;;) {
    if (signal.aborted || now() > deadline) {
      incomplete = signal.aborted ? 'the trial was ended' : `the trial took longer than ${limit / 1000} s`;
      narrowing.giveUp();
    }
    const step = narrowing.next();
    if (step.kind === 'done') break;
    if (step.kind === 'start') {
      await instance?.stop();
      instance = undefined;
      try {
        instance = await start();
        narrowing.started();
      } catch (error) {
        incomplete = (error as Error).message;
        narrowing.killed();
      }
      continue;
    }
    const death = await instance?.feed(step.messages.map((message) => messages[message]));
    if (signal.aborted) continue;
    if (death === undefined) narrowing.survived();
    else narrowing.killed();
    narrowing.verdicts.forEach((verdict, message) => {
      if (verdict === 'convicted') deaths[message] ??= death ?? 'dies of it together with others';
    });
  }
  signal.removeEventListener('abort', stop);
  await instance?.stop();
  const { verdicts, died, starts } = narrowing;
  const unknown = verdicts.includes('untried');
  return {
    verdicts,
    deaths,
    died,
    starts,
    incomplete: unknown ? (incomplete ?? 'deaths follow no pattern') : undefined,
  };
}
