// What the vote log tells of a prefix, asked by the running router of its own log: in a thread of its own, for a log may have gigabytes and
// nobody is to wait for that. Owns the thread, its time limit, and that there are not many of them.
import { Worker } from 'node:worker_threads';
import type { LogRecord } from '../../votelog/types.js';
import { programFile } from '../program-file.js';

/** What the thread is given, and what it answers. */
export interface LogQuestion {
  file: string;
  prefix: string;
  /** Records about the prefix, the latest ones. */
  limit: number;
  /** It looks for so long, ms. */
  within: number;
}

export interface LogAnswer {
  records: LogRecord[];
  /** Why there may be more, or none at all. */
  problem?: string;
}

const LIMIT = 200;
const WITHIN_MS = 3000;
/** To start and to end, beside the search itself, ms. */
const GRACE_MS = 3000;
/** Threads at a time; whoever comes beyond that is told so. */
const MAX_THREADS = 2;

export class OwnLog {
  private readonly file: () => string;
  private running = 0;

  /** `file`: of the active segment, at the time. */
  constructor(file: () => string) {
    this.file = file;
  }

  /** Never rejects: a log that cannot be read is a story with a gap. */
  async about(prefix: string): Promise<LogAnswer> {
    if (this.running >= MAX_THREADS)
      return { records: [], problem: 'the vote log is being searched for others already' };
    this.running++;
    try {
      return await ask({ file: this.file(), prefix, limit: LIMIT, within: WITHIN_MS });
    } catch (error) {
      return { records: [], problem: `the vote log cannot be read: ${(error as Error).message}` };
    } finally {
      this.running--;
    }
  }
}

function ask(question: LogQuestion): Promise<LogAnswer> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(programFile(import.meta.url, 'log-worker.js'), { workerData: question, stdin: false });
    const late = setTimeout(() => settle(() => reject(new Error('it takes too long'))), WITHIN_MS + GRACE_MS);
    const settle = (done: () => void): void => {
      clearTimeout(late);
      void worker.terminate();
      done();
    };
    worker.once('message', (answer: LogAnswer) => settle(() => resolve(answer)));
    worker.once('error', (error) => settle(() => reject(error)));
    worker.once('exit', () => settle(() => reject(new Error('the thread ended'))));
  });
}
