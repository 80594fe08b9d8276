// Asks a vote log questions and says how long each took; a process of its own (bench/vote-log.ts forks it), so that its memory is the
// reader's. Owns the asking and the clock.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { processUsage } from '../cli/lab/process-stats.js';
import { VoteLogReader } from '../votelog/reader.js';
import type { LogQuery, SummaryKey } from '../votelog/types.js';

export interface Question {
  name: string;
  query: LogQuery;
  /** Counted by this, rather than read. */
  by?: SummaryKey;
}

export interface Answer {
  name: string;
  /** Records, or rows of a summary. */
  found: number;
  /** The first time, with none of the log in the page cache, ms. */
  coldMs: number;
  /** Each time after that, ms. */
  warmMs: number[];
  /** CPU of the process each time after the first, ms: what is left of the figures on a busy machine. */
  cpuMs: number[];
  /** Peak memory of the process so far (VmHWM), bytes. */
  peakBytes: number;
}

export interface ToQueries {
  directory: string;
  questions: Question[];
  rounds: number;
}

/** Before the first question: what the process takes by itself. */
export type FromQueries = { kind: 'ready'; peakBytes: number } | { kind: 'answer'; answer: Answer } | { kind: 'done' };

interface Asked {
  ms: number;
  cpuMs: number;
  found: number;
}

/** Drops the log's files from the page cache (posix_fadvise, by way of dd); other files stay. */
function forget(directory: string): void {
  for (const name of readdirSync(directory)) {
    const file = path.join(directory, name);
    execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
  }
}

async function ask(directory: string, { query, by }: Question): Promise<Asked> {
  const start = process.hrtime.bigint();
  const before = process.cpuUsage();
  const reader = await VoteLogReader.open(directory);
  let found = 0;
  if (by === undefined) for await (const record of reader.query(query)) found += record.kind === '' ? 0 : 1;
  else found = (await reader.summary(query, by)).length;
  await reader.close();
  const { user, system } = process.cpuUsage(before);
  return { ms: Number(process.hrtime.bigint() - start) / 1e6, cpuMs: (user + system) / 1000, found };
}

const peak = (): number => processUsage(process.pid)?.peakBytes ?? 0;
const tell = (message: FromQueries): void => void process.send!(message);

async function run({ directory, questions, rounds }: ToQueries): Promise<void> {
  tell({ kind: 'ready', peakBytes: peak() });
  for (const question of questions) {
    forget(directory);
    const { ms: coldMs, found } = await ask(directory, question);
    const again: Asked[] = [];
    for (let round = 0; round < rounds; round++) again.push(await ask(directory, question));
    const [warmMs, cpuMs] = [again.map(({ ms }) => ms), again.map((asked) => asked.cpuMs)];
    tell({ kind: 'answer', answer: { name: question.name, found, coldMs, warmMs, cpuMs, peakBytes: peak() } });
  }
  tell({ kind: 'done' });
  process.disconnect();
}

process.once('message', (message: ToQueries) => void run(message));
