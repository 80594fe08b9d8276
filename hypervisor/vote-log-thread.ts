// The thread that writes the vote log: gets lines, writes them, says so. Owns the conversation; the files are votelog/segment-writer.ts.
import os from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { SegmentWriter } from '../votelog/segment-writer.js';

export interface VoteLogThreadData {
  file: string;
  segmentSize: number;
  sizeBudget: number;
}

export type ToVoteLogThread =
  /** Whole lines, each with its newline. */
  | { kind: 'lines'; text: string; lines: number }
  /** What comes after this goes there. */
  | { kind: 'reopen'; data: VoteLogThreadData }
  | { kind: 'close' };

export type FromVoteLogThread =
  /** Lines are on the disk, or are not (`error`). In the order in which they came. */
  | { kind: 'done'; characters: number; lines: number; error?: string }
  | { kind: 'warning'; text: string }
  | { kind: 'closed' };

/** Sorting and indexing must not take the processor from those who vote. */
const NICE = 10;

const port = parentPort!;
const tell = (message: FromVoteLogThread): void => port.postMessage(message);
const waiting: ToVoteLogThread[] = [];
let wake: (() => void) | undefined;

function write(writer: SegmentWriter | undefined, { text, lines }: ToVoteLogThread & { kind: 'lines' }): void {
  const done: FromVoteLogThread = { kind: 'done', characters: text.length, lines };
  try {
    if (writer === undefined) done.error = 'it could not be opened';
    else writer.append(Buffer.from(text, 'utf8'));
  } catch (error) {
    done.error = (error as Error).message;
  }
  tell(done);
}

async function open(data: VoteLogThreadData): Promise<SegmentWriter | undefined> {
  try {
    return await SegmentWriter.open({
      ...data,
      warn: (text) => tell({ kind: 'warning', text }),
    });
  } catch (error) {
    tell({ kind: 'warning', text: `the vote log cannot be opened: ${(error as Error).message}` });
    return undefined;
  }
}

async function run(): Promise<void> {
  try {
    // Of this thread: Linux has a priority for each.
    os.setPriority(NICE);
  } catch {
    // It is only politeness.
  }
  let writer = await open(workerData as VoteLogThreadData);
  let behind = writer !== undefined;
  for (;;) {
    const message = waiting.shift();
    if (message?.kind === 'close') break;
    if (message?.kind === 'reopen') {
      writer?.close();
      writer = await open(message.data);
      behind = writer !== undefined;
    } else if (message !== undefined) write(writer, message);
    else if (behind) {
      behind = (await writer?.catchUp()) ?? false;
      // What came meanwhile goes first.
      await new Promise((resolve) => setImmediate(resolve));
    } else await new Promise<void>((resolve) => (wake = resolve));
  }
  writer?.close();
  tell({ kind: 'closed' });
  port.close();
}

port.on('message', (message: ToVoteLogThread) => {
  waiting.push(message);
  wake?.();
  wake = undefined;
});
void run();
