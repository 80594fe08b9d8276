// The benchmark's handle on one peer process (peer.ts): starts it in a namespace and turns its messages into promises.
import path from 'node:path';
import type { Lab } from '../cli/lab/lab.js';
import type { LabProcess } from '../cli/lab/process.js';
import type { FromPeer, PeerReport, PeerSettings, ToPeer } from './protocol.js';

const PROGRAM = path.join(import.meta.dirname, 'peer.js');

type Kind = FromPeer['kind'];
type MessageOf<K extends Kind> = Extract<FromPeer, { kind: K }>;

export class PeerProcess {
  readonly process: LabProcess;
  readonly #name: string;
  readonly #seen: FromPeer[] = [];
  readonly #waiting: { kind: Kind; resolve: (message: never) => void; reject: (error: Error) => void }[] = [];
  #failure: Error | undefined;
  #stopping = false;

  private constructor(name: string, process: LabProcess) {
    this.#name = name;
    this.process = process;
    process.child.on('message', (message: unknown) => this.#take(message as FromPeer));
    void process.exited.then(() => this.#fail(new Error(`${name} ended: ${process.logTail(5)}`)));
  }

  static async start(lab: Lab, namespace: string, settings: PeerSettings, name: string): Promise<PeerProcess> {
    const process = await lab.spawn(namespace, ['node', '--enable-source-maps', PROGRAM], { ipc: true, name });
    const peer = new PeerProcess(name, process);
    peer.send({ kind: 'settings', settings });
    return peer;
  }

  send(message: ToPeer): void {
    this.process.child.send!(message, undefined, () => undefined);
  }

  /** The next message of this kind that was not taken yet. Rejects when the session or the process ends, or at the deadline. */
  next<K extends Kind>(kind: K, deadlineMs: number): Promise<MessageOf<K>> {
    const index = this.#seen.findIndex((message) => message.kind === kind);
    if (index >= 0) return Promise.resolve(this.#seen.splice(index, 1)[0] as MessageOf<K>);
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(new Error(`${this.#name}: no "${kind}" within ${deadlineMs / 1000} s`));
      }, deadlineMs);
      const entry = {
        kind,
        resolve: (message: MessageOf<K>) => (clearTimeout(timer), resolve(message)),
        reject: (error: Error) => (clearTimeout(timer), reject(error)),
      };
      this.#waiting.push(entry);
    });
  }

  async report(): Promise<PeerReport> {
    this.send({ kind: 'report' });
    return (await this.next('report', 60_000)).report;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.process.running) this.send({ kind: 'stop' });
    await this.process.stop(3000, 'SIGCONT');
  }

  #take(message: FromPeer): void {
    if (message.kind === 'down') return this.#fail(new Error(`${this.#name}: session ended: ${message.reason}`));
    const index = this.#waiting.findIndex(({ kind }) => kind === message.kind);
    if (index < 0) this.#seen.push(message);
    else this.#waiting.splice(index, 1)[0]!.resolve(message as never);
  }

  #fail(error: Error): void {
    if (this.#stopping) return;
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
