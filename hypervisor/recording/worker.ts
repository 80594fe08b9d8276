// The recording thread: takes batches of MRT records from the main thread and writes them to files, one after the other. Owns the order and
// the answers; what it cannot write it says, and goes on with the next.
import process from 'node:process';
import { parentPort, workerData } from 'node:worker_threads';
import type { FromWriter, ToWriter, WriterSetup } from './protocol.js';
import { SegmentStore } from './segment-store.js';
import { StreamWriter } from './stream-writer.js';

const setup = workerData as WriterSetup;
const port = parentPort!;
const store = new SegmentStore(setup.directory, setup.sizeBudget, setup.streams);
const writers = setup.streams.map((name) => new StreamWriter(name, setup, store));

function answer(message: FromWriter, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function write({ stream, buffer, length, records, time }: ToWriter & { kind: 'batch' }): void {
  const writer = writers[stream];
  let written = 0;
  let error: string | null = null;
  try {
    written = writer.append(new Uint8Array(buffer, 0, length), time);
  } catch (failure) {
    error = (failure as Error).message;
  }
  const { count: files, bytes, removed } = store;
  const { file } = writer;
  answer({ kind: 'done', stream, buffer, records, length, written, file, error, files, bytes, removed }, [buffer]);
}

port.on('message', (message: ToWriter) => {
  if (message.kind === 'batch') write(message);
  else if (message.kind === 'flush') answer({ kind: 'flushed', id: message.id });
  else {
    for (const writer of writers) writer.close();
    process.exit(0);
  }
});
