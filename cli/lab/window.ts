// A TCP port inside a namespace that programs outside of it can connect to: a listener on this machine's loopback whose connections a process
// in the namespace takes on. Owns that listener and that process; what the process does is window-end.ts.
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { programFile } from '../../hypervisor/program-file.js';
import type { WindowOrder } from './window-end.js';
import type { Lab } from './lab.js';
import type { LabProcess } from './process.js';

const PROGRAM = programFile(import.meta.url, 'window-end.js');
const LOOPBACK = '127.0.0.1';

export interface WindowOptions {
  namespace: string;
  /** Port on the namespace's 127.0.0.1. */
  port: number;
  /** Port on this machine's 127.0.0.1 that is tried first; another one when it is taken. */
  preferred: number;
}

export class Window {
  /** On this machine's 127.0.0.1. */
  readonly port: number;
  readonly #end: LabProcess;

  private constructor(end: LabProcess, port: number) {
    this.#end = end;
    this.port = port;
  }

  /** Resolves once connections are taken. A socket lives in the namespace that it was made in, whoever holds it: the listener is handed over. */
  static async open(lab: Lab, { namespace, port, preferred }: WindowOptions): Promise<Window> {
    const server = await listen(preferred).catch(() => listen(0));
    const address = server.address() as AddressInfo;
    const end = await lab.spawn(namespace, [process.execPath, PROGRAM], { name: 'window', ipc: true });
    const order: WindowOrder = { address: LOOPBACK, port };
    const ready = new Promise<void>((resolve, reject) => {
      end.child.once('message', () => resolve());
      void end.exited.then(() => reject(new Error(`the window to port ${port} did not open: ${end.logTail()}`)));
    });
    end.child.send!(order, server, () => undefined);
    await ready;
    server.close();
    return new Window(end, address.port);
  }

  async close(): Promise<void> {
    await this.#end.stop();
  }
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, LOOPBACK, () => resolve(server));
  });
}
