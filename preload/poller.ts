// Watches descriptors that libuv cannot (SOCK_SEQPACKET sockets) in a worker thread that blocks in poll(). It only says
// which are ready; reading them is the owner's, on the main thread. One shot: a descriptor that was reported is not
// watched again before `watch` is called again, so a slow owner never makes the thread spin.
import process from 'node:process';
import { Worker } from 'node:worker_threads';
import { createRequire } from 'node:module';
import { close, eventfd, signalEvent } from './native.js';

interface Command {
  add?: { token: number; fd: number };
  remove?: number;
  stop?: true;
}

/**
 * The thread's whole program. It is handed over as text, so that it runs alike from TypeScript under test and from the
 * build; hence it may refer to nothing outside itself.
 */
function pollLoop(load: NodeJS.Require): void {
  const { parentPort, receiveMessageOnPort, workerData } = load('node:worker_threads');
  const koffi = load(workerData.koffi);
  const libc = koffi.load(null);
  const poll = libc.func('int poll(void *fds, uint64_t count, int timeout)');
  const read = libc.func('intptr_t read(int fd, void *bytes, size_t length)');
  const counter = new Uint8Array(8);
  const watched = new Map<number, number>();
  const obey = (): boolean => {
    for (let next = receiveMessageOnPort(parentPort); next; next = receiveMessageOnPort(parentPort)) {
      const command = next.message;
      if (command.stop) return false;
      if (command.add) watched.set(command.add.token, command.add.fd);
      if (command.remove !== undefined) watched.delete(command.remove);
    }
    return true;
  };
  while (obey()) {
    const tokens = [...watched.keys()];
    const fds = new DataView(new ArrayBuffer(8 * (tokens.length + 1)));
    fds.setInt32(0, workerData.wake, true);
    fds.setInt16(4, 1, true);
    tokens.forEach((token, i) => {
      fds.setInt32(8 * (i + 1), watched.get(token)!, true);
      fds.setInt16(8 * (i + 1) + 4, 1, true);
    });
    // The time limit is for a process that ends without telling: the thread notices only between two calls.
    if (poll(fds.buffer, tokens.length + 1, 1000) <= 0) continue;
    if (fds.getInt16(6, true) !== 0) read(workerData.wake, counter, counter.length);
    const ready = tokens.filter((_, i) => fds.getInt16(8 * (i + 1) + 6, true) !== 0);
    for (const token of ready) watched.delete(token);
    if (ready.length > 0) parentPort.postMessage(ready);
  }
}

export class Poller {
  private readonly wake: number;
  private readonly worker: Worker;
  private readonly handlers = new Map<number, () => void>();
  private readonly onProcessExit = (): void => signalEvent(this.wake);
  private nextToken = 1;
  private closing: Promise<void> | undefined;

  constructor() {
    this.wake = eventfd();
    const koffi = createRequire(import.meta.url).resolve('koffi');
    this.worker = new Worker(`(${pollLoop.toString()})(require)`, {
      eval: true,
      workerData: { wake: this.wake, koffi },
      stdin: false,
    });
    this.worker.unref();
    this.worker.on('message', (tokens: number[]) => {
      // A token may have been dropped while the report was on its way.
      for (const token of tokens) this.handlers.get(token)?.();
    });
    process.on('exit', this.onProcessExit);
  }

  /** Registers a descriptor (not watched yet) and returns its token. */
  register(onReady: () => void): number {
    const token = this.nextToken++;
    this.handlers.set(token, onReady);
    return token;
  }

  /** Reports once when `fd` is readable or at its end. */
  watch(token: number, fd: number): void {
    this.tell({ add: { token, fd } });
  }

  /** Call before closing the descriptor. */
  unregister(token: number): void {
    this.handlers.delete(token);
    this.tell({ remove: token });
  }

  /** Ends the thread; resolves when it is gone. */
  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  private async finish(): Promise<void> {
    const gone = new Promise((resolve) => this.worker.once('exit', resolve));
    this.worker.ref();
    this.tell({ stop: true });
    await gone;
    process.off('exit', this.onProcessExit);
    this.handlers.clear();
    close(this.wake);
  }

  private tell(command: Command): void {
    this.worker.postMessage(command);
    signalEvent(this.wake);
  }
}
