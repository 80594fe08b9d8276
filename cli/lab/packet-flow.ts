// Continuous numbered packets from one namespace through whatever lies between to another one, which sends them back: what was
// sent, what came back, and the longest silence. Owns the two processes of a flow; the books are flow-record.ts.
import process from 'node:process';
import { programFile } from '../../hypervisor/program-file.js';
import type { FlowReport } from './flow-record.js';
import type { Lab } from './lab.js';
import type { FromEnd, ToEnd } from './packet-end.js';
import type { LabProcess } from './process.js';
import { waitFor } from './wait.js';

export type { FlowReport, Outage } from './flow-record.js';

export interface FlowOptions {
  /** Namespace that sends. */
  from: string;
  /** Namespace that answers: for all its own addresses, or for everything (forwarding.ts). */
  to: string;
  /** Addresses, taken in turn packet by packet; both families may be mixed. Without any, nothing is sent until `sendTo`. */
  destinations?: readonly string[];
  /** Between two packets, ms. Default 5. */
  intervalMs?: number;
}

const DEFAULT_INTERVAL_MS = 5;
const ANSWER_DEADLINE_MS = 20_000;
const PROGRAM = programFile(import.meta.url, 'packet-end.js');

export class PacketFlow {
  readonly #sender: End;
  readonly #echo: End;

  private constructor(sender: End, echo: End) {
    this.#sender = sender;
    this.#echo = echo;
  }

  /** Resolves once packets are being sent, whether they come back or not. */
  static async start(lab: Lab, options: FlowOptions): Promise<PacketFlow> {
    const echo = await End.start(lab, options.to, 'echo');
    const port = portOf(await echo.ask({ kind: 'echo' }));
    const sender = await End.start(lab, options.from, 'sender');
    const { intervalMs = DEFAULT_INTERVAL_MS, destinations = [] } = options;
    await sender.ask({ kind: 'send', port, intervalMs });
    const flow = new PacketFlow(sender, echo);
    await flow.sendTo(destinations);
    return flow;
  }

  /** Sends to these addresses from now on. */
  async sendTo(destinations: readonly string[]): Promise<void> {
    await this.#sender.ask({ kind: 'destinations', destinations: [...destinations] });
  }

  /** What was sent and what came back since the count began. Young packets may still be on their way. */
  async report(): Promise<FlowReport> {
    return reportOf(await this.#sender.ask({ kind: 'report' }));
  }

  /** Counts from now on. */
  begin(): void {
    this.#sender.tell({ kind: 'begin' });
  }

  /** Waits until `packets` of them in a row have come back, then counts from there. */
  async untilFlowing(packets = 40, deadlineMs = 30_000): Promise<void> {
    let last: FlowReport | undefined;
    this.begin();
    await waitFor(
      async () => {
        last = await this.report();
        if (last.unbroken >= packets && last.lost === 0) return true;
        if (last.lost > 0) this.begin();
        return false;
      },
      { what: `${packets} packets in a row come back`, deadlineMs, intervalMs: 20 },
    ).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; ${describeFlow(last)}`, { cause: error });
    });
    this.begin();
  }

  /** Sends no more, waits for what is on its way, and ends both processes. */
  async stop(): Promise<FlowReport> {
    const report = reportOf(await this.#sender.ask({ kind: 'finish' }));
    await this.close();
    return report;
  }

  /** Ends both processes at once. */
  async close(): Promise<void> {
    await Promise.all([this.#sender.process, this.#echo.process].map((end) => end.stop(1000)));
  }
}

/** For people: `2000 packets sent, 1996 came back, longest silence 25 ms`. */
export function describeFlow(report: FlowReport | undefined): string {
  if (!report) return 'no packet was sent';
  const { sent, received, lost, longestGapMs, outages } = report;
  const holes = outages.map(({ atMs, packets }) => `${packets} lost at ${(atMs / 1000).toFixed(2)} s`);
  const rest = lost === 0 ? [] : [`longest silence ${longestGapMs.toFixed(0)} ms`, ...holes];
  return [`${sent} packets sent`, `${received} came back`, ...rest].join(', ');
}

function reportOf(message: FromEnd): FlowReport {
  if (message.kind !== 'report') throw new Error(`packet flow: unexpected answer ${message.kind}`);
  return message.report;
}

function portOf(message: FromEnd): number {
  if (message.kind !== 'ready' || message.port === undefined) throw new Error(`packet flow: no echo: ${message.kind}`);
  return message.port;
}

/** One of the two processes; questions are answered in order. */
class End {
  readonly process: LabProcess;
  readonly #name: string;
  readonly #waiting: { resolve: (message: FromEnd) => void; reject: (error: Error) => void }[] = [];

  private constructor(name: string, child: LabProcess) {
    this.#name = name;
    this.process = child;
    child.child.on('message', (message: unknown) => this.#take(message as FromEnd));
    void child.exited.then(() => this.#fail(`it ended: ${child.logTail(5)}`));
  }

  static async start(lab: Lab, namespace: string, role: string): Promise<End> {
    const name = `packets-${role}`;
    return new End(name, await lab.spawn(namespace, [process.execPath, PROGRAM], { ipc: true, name }));
  }

  tell(message: ToEnd): void {
    this.process.child.send!(message, undefined, () => undefined);
  }

  ask(message: ToEnd): Promise<FromEnd> {
    if (!this.process.running) throw new Error(`${this.#name} has ended`);
    const answer = new Promise<FromEnd>((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(`no answer to "${message.kind}"`), ANSWER_DEADLINE_MS);
      this.#waiting.push({
        resolve: (given) => (clearTimeout(timer), resolve(given)),
        reject: (error) => (clearTimeout(timer), reject(error)),
      });
    });
    this.tell(message);
    return answer;
  }

  #take(message: FromEnd): void {
    if (message.kind === 'failed') this.#fail(message.reason);
    else this.#waiting.shift()?.resolve(message);
  }

  #fail(reason: string): void {
    for (const { reject } of this.#waiting.splice(0)) reject(new Error(`${this.#name}: ${reason}`));
  }
}
