// The processes of one replica: started one after the other, ended together. When one ends by itself the others are
// killed, for none of them is a replica alone. Owns that rule; one process is process.ts, what to start is the driver's.
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { DaemonProcess, ExitStatus } from './process.js';

const SOCKET_POLL_MS = 10;

export interface SetExit extends ExitStatus {
  /** The process that ended first, undefined when it is the BGP speaker or all were asked to end. */
  culprit: string | undefined;
}

interface Member {
  name: string;
  process: DaemonProcess;
  status: ExitStatus | undefined;
}

export class ProcessSet {
  /** Settles when every process of the complete set is gone. Never rejects. */
  readonly exited: Promise<SetExit>;
  private settle!: (exit: SetExit) => void;
  private readonly members: Member[] = [];
  private first: Member | undefined;
  private complete = false;
  private stopping = false;

  constructor() {
    this.exited = new Promise((resolve) => (this.settle = resolve));
  }

  /** The BGP speaker; it is started last. Undefined before anything is started. */
  get main(): DaemonProcess | undefined {
    return this.members.at(-1)?.process;
  }

  get pids(): number[] {
    return this.members.map(({ process }) => process.pid);
  }

  add(name: string, process: DaemonProcess): void {
    const member: Member = { name, process, status: undefined };
    this.members.push(member);
    void process.exited.then((status) => {
      member.status = status;
      this.first ??= member;
      if (!this.stopping) this.signalGroups('SIGKILL');
      this.check();
    });
  }

  /** Nothing will be added any more. Kills what runs when one has ended already. */
  seal(): void {
    this.complete = true;
    if (this.first !== undefined) this.signalGroups('SIGKILL');
    this.check();
  }

  signalGroups(signal: NodeJS.Signals): boolean {
    return this.members.map(({ process }) => process.signalGroup(signal)).includes(true);
  }

  /** SIGTERM to all, the BGP speaker first, and SIGKILL to those that have not ended after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.stopping = true;
    await Promise.all([...this.members].reverse().map(({ process }) => process.stop(graceMs)));
  }

  /** Resolves when something accepts on the socket. Rejects when a process ends or `giveUp` gives a reason. */
  async untilAccepting(socket: string, giveUp: () => string | undefined): Promise<void> {
    while (!(await accepts(socket))) {
      const ended = this.first?.status && `${this.first.name} ${describeExit(this.first.status)}`;
      const reason = ended ?? giveUp();
      if (reason !== undefined) throw new Error(reason);
      await delay(SOCKET_POLL_MS);
    }
  }

  private check(): void {
    if (!this.complete || this.members.some(({ status }) => status === undefined)) return;
    const main = this.members.at(-1);
    // SIGKILL is what the others get when one has ended, or all of them for a fault: whoever ended otherwise did so by itself.
    const byItself = this.members.find(({ status }) => status?.signal !== 'SIGKILL');
    const blamed = this.stopping ? main : (byItself ?? this.first);
    if (blamed?.status === undefined) return;
    this.settle({ ...blamed.status, culprit: blamed === main ? undefined : blamed.name });
  }
}

/** How a process ended, for people. */
export function describeExit({ code, signal }: ExitStatus): string {
  return signal !== null ? `killed by ${signal}` : `exited with status ${code}`;
}

/** Whether something accepts on this Unix socket now. */
export function accepts(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = net.connect(socket);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}
