// The control socket of a running hypervisor: a unix socket with file permissions, JSON lines in and out (protocol.ts).
// Owns connections and errors; the methods are given to it.
import { chmodSync } from 'node:fs';
import net from 'node:net';
import type { Logger } from '../logging.js';
import { LineSplitter, MAX_REQUEST, parseRequest, type Response } from './protocol.js';

/** May answer later; what it throws, or rejects with, is an Error for the user. */
export type Method = (params: Record<string, unknown>) => unknown;

/** Clients at once; further ones are closed at once. */
const MAX_CLIENTS = 64;

export class ControlServer {
  private readonly server: net.Server;
  private readonly clients = new Set<net.Socket>();
  private readonly methods: Map<string, Method>;

  constructor(methods: Record<string, Method>, log: Logger) {
    this.methods = new Map(Object.entries(methods));
    this.server = net.createServer((socket) => this.accept(socket));
    this.server.maxConnections = MAX_CLIENTS;
    this.server.on('error', (error) => log.error(`control socket: ${error.message}`));
  }

  /** Listens on `path`, readable and writable by the owner alone. */
  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(path, () => {
        this.server.off('error', reject);
        chmodSync(path, 0o600);
        resolve();
      });
    });
  }

  close(): Promise<void> {
    for (const client of this.clients) client.destroy();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  private accept(socket: net.Socket): void {
    const splitter = new LineSplitter(MAX_REQUEST);
    this.clients.add(socket);
    socket.setEncoding('utf8');
    socket.on('close', () => this.clients.delete(socket));
    // A client that goes away in the middle of an answer is its own affair.
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: string) => {
      for (const line of splitter.push(chunk)) void this.reply(socket, line);
      if (splitter.overflow) socket.destroy();
    });
    socket.on('drain', () => socket.resume());
  }

  private async reply(socket: net.Socket, line: string): Promise<void> {
    const response = await this.answer(line);
    if (!socket.writable) return;
    // Who asks faster than it reads the answers waits: they may be long.
    if (!socket.write(`${JSON.stringify(response)}\n`)) socket.pause();
  }

  private async answer(line: string): Promise<Response> {
    const request = parseRequest(line);
    if (typeof request === 'string') return { id: 0, error: request };
    const method = this.methods.get(request.method);
    if (method === undefined) {
      return {
        id: request.id,
        error: `no method "${request.method}"; there are: ${[...this.methods.keys()].join(', ')}`,
      };
    }
    try {
      return { id: request.id, result: await method(request.params ?? {}) };
    } catch (error) {
      return { id: request.id, error: (error as Error).message };
    }
  }
}
