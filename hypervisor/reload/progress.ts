// What is told of a reload while it runs and afterwards: to whoever asks, in the log and the vote log, and as an alarm when it has left
// something behind. Owns these words; the steps themselves are take-over.ts.
import type { Change } from '../../configs/diff/types.js';
import { now, wallClock } from '../clock.js';
import type { RouterContext } from '../context.js';
import { counted } from '../counted.js';
import type { Alarm, RouterStatus } from '../status.js';
import { plainRecord } from '../vote-records.js';
import { STEP_WORDS, type ReloadStatus, type ReplicaStep } from './types.js';

const NEVER: ReloadStatus = {
  state: 'none',
  id: 0,
  file: '',
  started: null,
  ended: null,
  text: 'no reload since the start',
  replicas: [],
  changes: [],
  left: 0,
};

export interface ProgressEvents {
  /** A reload that changes something has begun; it has ended, well or not. */
  began(): void;
  ended(): void;
}

export class ReloadProgress {
  private readonly context: Pick<RouterContext, 'log' | 'voteLog'>;
  private readonly events: ProgressEvents;
  private last: ReloadStatus = NEVER;
  private alarm: Alarm | undefined;

  constructor(context: Pick<RouterContext, 'log' | 'voteLog'>, events: ProgressEvents) {
    this.context = context;
    this.events = events;
  }

  /** The reload that runs, or the last one. */
  get status(): ReloadStatus {
    return this.last;
  }

  /** What a reload has left behind that is not as it should be. */
  get raised(): Alarm[] {
    return this.alarm === undefined ? [] : [this.alarm];
  }

  /** `replicas`: names of those that will be restarted; `changes`: those that will be applied; `left`: how many will not. */
  begin(what: { file: string; replicas: readonly string[]; changes: Change[]; left: number }): void {
    const replicas = what.replicas.map((name) => ({ name, step: 'waiting' as const }));
    const id = this.last.id + 1;
    this.last = { ...NEVER, ...what, state: 'running', id, started: wallClock(now()), text: 'begins', replicas };
    this.events.began();
    this.record('begins', counted(what.changes.length, 'change'));
  }

  say(text: string, level: 'info' | 'error' = 'info'): void {
    this.last = { ...this.last, text };
    this.context.log.log(level, `reload: ${text}`);
  }

  /** A replica has come so far. */
  step(name: string, step: ReplicaStep): void {
    const known = this.last.replicas.some((replica) => replica.name === name);
    const replicas = known ? this.last.replicas : [...this.last.replicas, { name, step }];
    this.last = { ...this.last, replicas: replicas.map((one) => (one.name === name ? { name, step } : one)) };
    if (step !== 'waiting') this.say(`replica ${name}: ${STEP_WORDS[step]}`);
  }

  /** Everything is as the configuration says. */
  done(text: string): void {
    this.alarm = undefined;
    this.end('done', text);
  }

  failed(text: string): void {
    this.alarm = { kind: 'reload', text: `reload failed: ${text}`, since: this.alarm?.since ?? wallClock(now()) };
    this.end('failed', text);
  }

  private end(state: 'done' | 'failed', text: string): void {
    this.say(text, state === 'done' ? 'info' : 'error');
    this.last = { ...this.last, state, ended: wallClock(now()) };
    this.record(state, text);
    this.events.ended();
  }

  private record(state: string, text: string): void {
    this.context.voteLog.append(plainRecord(now(), 'reload', { state, file: this.last.file, text }));
  }
}

/** What the router's status says of a reload. */
export function reloadSummary({ state, file, started, ended, text }: ReloadStatus): RouterStatus['reload'] {
  return state === 'none' || started === null ? null : { state, file, started, ended, text };
}
