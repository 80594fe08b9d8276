// Asks a running hypervisor over its control socket. Used by the CLI verbs, the demo and the tests.
import net from 'node:net';
import { LineSplitter, MAX_REQUEST, type Response } from './protocol.js';

export class ControlError extends Error {}

/** Longest answer line, bytes. */
const MAX_ANSWER = 256 * 1024 * 1024;

function explain(path: string, error: NodeJS.ErrnoException): ControlError {
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') {
    return new ControlError(`no hypervisor answers on ${path}: is "btr run" running?`);
  }
  if (error.code === 'EACCES')
    return new ControlError(`${path}: permission denied; the control socket belongs to the user of "btr run"`);
  if (error.code === 'EPIPE' || error.code === 'ECONNRESET') {
    return new ControlError(`${path}: the hypervisor closed the connection`);
  }
  return new ControlError(`${path}: ${error.message}`);
}

export class ControlClient {
  private readonly socket: net.Socket;
  private readonly waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  private readonly path: string;
  private nextId = 1;

  private constructor(socket: net.Socket, path: string) {
    this.socket = socket;
    this.path = path;
    const splitter = new LineSplitter(MAX_ANSWER);
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      for (const line of splitter.push(chunk)) this.settle(JSON.parse(line) as Response);
      if (splitter.overflow) socket.destroy(new Error('the answer is too long'));
    });
    socket.on('error', (error) => this.fail(explain(path, error)));
    socket.on('close', () => this.fail(new ControlError(`${path}: the hypervisor closed the connection`)));
  }

  /** Connects to the socket at `path`. Rejects with a ControlError that says what to do. */
  static connect(path: string): Promise<ControlClient> {
    return new Promise((resolve, reject) => {
      const socket = net.createConnection(path);
      socket.once('error', (error) => reject(explain(path, error)));
      socket.once('connect', () => {
        socket.removeAllListeners('error');
        resolve(new ControlClient(socket, path));
      });
    });
  }

  /** One question, one answer. Rejects with a ControlError when it is too long, the method fails, or the hypervisor goes away. */
  request(method: string, params: Record<string, unknown> = {}): Promise<unknown> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) {
        reject(new ControlError(`${this.path}: the hypervisor closed the connection`));
        return;
      }
      const line = JSON.stringify({ id, method, params });
      if (line.length > MAX_REQUEST) {
        reject(
          new ControlError(`the request has ${line.length} characters, and a hypervisor takes ${MAX_REQUEST} at most`),
        );
        return;
      }
      this.waiting.set(id, { resolve, reject });
      this.socket.write(`${line}\n`);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private settle(response: Response): void {
    const entry = this.waiting.get(response.id);
    if (entry === undefined) return;
    this.waiting.delete(response.id);
    if ('error' in response) entry.reject(new ControlError(response.error));
    else entry.resolve(response.result);
  }

  private fail(error: Error): void {
    for (const entry of this.waiting.values()) entry.reject(error);
    this.waiting.clear();
  }
}
