// One end of a packet flow, a process of its own in a namespace: `echo` sends every UDP packet back, `send` sends numbered ones
// in a steady beat to one destination after the other and keeps the books. Driven by packet-flow.ts over Node's message channel.
import dgram from 'node:dgram';
import process from 'node:process';
import { setsockopt, SOL_SOCKET } from '../../preload/native.js';
import { FlowRecord } from './flow-record.js';
import type { FlowReport } from './flow-record.js';

export type ToEnd =
  | { kind: 'echo' }
  | { kind: 'send'; port: number; intervalMs: number }
  /** Where to, from now on; nowhere at first. */
  | { kind: 'destinations'; destinations: string[] }
  /** Count from now on. */
  | { kind: 'begin' }
  | { kind: 'report' }
  /** Send no more, wait for what is on its way, and report. */
  | { kind: 'finish' };

/** `port`: of the echo. */
export type FromEnd =
  { kind: 'ready'; port?: number } | { kind: 'report'; report: FlowReport } | { kind: 'failed'; reason: string };

const SO_RCVBUFFORCE = 33;
/** Room for what arrives while other programs have the CPU: not a packet may be lost here. */
const RECEIVE_BUFFER = 16 << 20;
/** A packet that is not back after this is lost, ms: the ends of a busy machine may be late, the network is not. */
const PATIENCE_MS = 3000;
/** Magic and packet number. */
const PACKET_BYTES = 8;
const MAGIC = 0x62747221;

function socket(family: 4 | 6): dgram.Socket {
  return dgram.createSocket(family === 4 ? { type: 'udp4' } : { type: 'udp6', ipv6Only: true });
}

function widen(bound: dgram.Socket): void {
  const { fd } = (bound as unknown as { _handle: { fd: number } })._handle;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER);
}

async function bind(port: number, family: 4 | 6): Promise<dgram.Socket> {
  const bound = socket(family);
  await new Promise<void>((resolve, reject) => {
    bound.once('error', reject);
    bound.bind(port, () => resolve());
  });
  // ICMP errors of packets sent come back as errors of the socket: the packet is missing in the count, which is enough.
  bound.removeAllListeners('error').on('error', () => undefined);
  widen(bound);
  return bound;
}

/** Returns the port, the same in both families. */
async function echo(): Promise<number> {
  let port = 0;
  for (const family of [4, 6] as const) {
    const bound = await bind(port, family).catch((error: Error) => {
      if (family === 4) throw error;
    });
    bound?.on('message', (packet, from) => bound.send(packet, from.port, from.address, () => undefined));
    if (family === 4) ({ port } = bound!.address());
  }
  return port;
}

class Sender {
  readonly #record = new FlowRecord(performance.now());
  readonly #sockets = new Map<4 | 6, dgram.Socket>();
  readonly #port: number;
  readonly #timer: NodeJS.Timeout;
  #destinations: readonly string[] = [];

  constructor(port: number, intervalMs: number) {
    this.#port = port;
    this.#timer = setInterval(() => this.#send(), intervalMs);
  }

  async sendTo(destinations: readonly string[]): Promise<void> {
    for (const family of new Set(destinations.map(familyOf))) {
      if (this.#sockets.has(family)) continue;
      const bound = await bind(0, family);
      bound.on('message', (packet) => {
        if (packet.length === PACKET_BYTES && packet.readUInt32BE(0) === MAGIC) {
          this.#record.received(packet.readUInt32BE(4));
        }
      });
      this.#sockets.set(family, bound);
    }
    this.#destinations = destinations;
  }

  begin(): void {
    this.#record.begin();
  }

  report(): FlowReport {
    return this.#record.report(performance.now(), PATIENCE_MS);
  }

  async finish(): Promise<FlowReport> {
    clearInterval(this.#timer);
    while (this.report().inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    return this.report();
  }

  #send(): void {
    if (this.#destinations.length === 0) return;
    const number = this.#record.sent(performance.now());
    const destination = this.#destinations[number % this.#destinations.length]!;
    const packet = Buffer.alloc(PACKET_BYTES);
    packet.writeUInt32BE(MAGIC, 0);
    packet.writeUInt32BE(number, 4);
    this.#sockets.get(familyOf(destination))!.send(packet, this.#port, destination, () => undefined);
  }
}

const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4);

let sender: Sender | undefined;

async function handle(message: ToEnd): Promise<FromEnd | undefined> {
  switch (message.kind) {
    case 'echo':
      return { kind: 'ready', port: await echo() };
    case 'send':
      sender = new Sender(message.port, message.intervalMs);
      return { kind: 'ready' };
    case 'destinations':
      await sender!.sendTo(message.destinations);
      return { kind: 'ready' };
    case 'begin':
      sender?.begin();
      return undefined;
    case 'report':
      return { kind: 'report', report: sender!.report() };
    case 'finish':
      return { kind: 'report', report: await sender!.finish() };
  }
}

function tell(message: FromEnd | undefined): void {
  if (message && process.connected) process.send!(message);
}

process.on('message', (message: ToEnd) => {
  handle(message).then(tell, (error: Error) => tell({ kind: 'failed', reason: error.message }));
});
process.on('disconnect', () => process.exit(0));
