// One BGP neighbour of a benchmark, a process of its own so that its CPU is counted apart: a feeder that writes messages
// encoded beforehand, or a sink that counts prefixes. Driven by dut.ts over Node's message channel.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Speaker, describeDown } from '../traces/speaker.js';
import { IPV4_UNICAST } from '../wire/family.js';
import { PrefixTable } from '../wire/prefix-table.js';
import { SINGLE_BITS, singleAddress, singleUpdate } from './input.js';
import { monotonicMs } from './protocol.js';
import type { FromPeer, PeerSettings, ToPeer } from './protocol.js';
import { PrefixSink } from './update-scan.js';

/** Written at a time; the speaker asks for a pause when more than this waits. */
const CHUNK = 1 << 18;

class Peer {
  readonly #settings: PeerSettings;
  readonly #speaker: Speaker;
  readonly #sink = new PrefixSink(new PrefixTable({ initialCapacity: 1 << 20 }));
  readonly #input: Uint8Array;
  readonly #singles: number[] = [];
  readonly #heardMs: number[] = [];
  #watched = Infinity;
  #lastMs = 0;
  #complete = false;

  constructor(settings: PeerSettings) {
    this.#settings = settings;
    this.#input = settings.input === undefined ? new Uint8Array() : readFileSync(settings.input);
    this.#speaker = new Speaker({
      host: settings.host,
      localAddress: settings.localAddress,
      routerId: settings.localAddress,
      as: settings.as,
      peerAs: settings.peerAs,
      families: 1 << IPV4_UNICAST,
      patience: 60,
      onUpdate: (buf, start, end) => this.#update(buf, start, end),
    });
  }

  async start(): Promise<void> {
    await this.#speaker.connect();
    void this.#speaker.ended.then((reason) => tell({ kind: 'down', reason: describeDown(reason) }));
    tell({ kind: 'established' });
  }

  async handle(message: ToPeer): Promise<void> {
    if (message.kind === 'feed') return this.#feed();
    if (message.kind === 'single') {
      const update = singleUpdate(message.index, this.#settings.as, this.#settings.localAddress);
      this.#singles.push(monotonicMs());
      this.#speaker.send(update);
    } else if (message.kind === 'watch') {
      this.#watched = message.beyond;
      this.#answerWatch();
    } else if (message.kind === 'follow') {
      this.#sink.follow(singleAddress(message.index), SINGLE_BITS);
    } else if (message.kind === 'report') {
      const { distinct, announcements, withdrawals, messages } = this.#sink;
      const counts = { distinct, announcements, withdrawals, messages };
      const heard = this.#sink.heard.map((attributes, i) => ({ attributes, atMs: this.#heardMs[i]! }));
      tell({ kind: 'report', report: { ...counts, lastMs: this.#lastMs, singles: this.#singles, heard } });
    } else if (message.kind === 'stop') {
      await this.#speaker.stop();
      process.disconnect();
    }
  }

  async #feed(): Promise<void> {
    const startMs = monotonicMs();
    for (let at = 0; at < this.#input.length; at += CHUNK) {
      if (!this.#speaker.send(this.#input.subarray(at, at + CHUNK))) await this.#speaker.drained();
    }
    await this.#speaker.flushed();
    tell({ kind: 'fed', startMs, endMs: monotonicMs() });
  }

  #update(buf: Uint8Array, start: number, end: number): void {
    if (this.#settings.role === 'feeder') return;
    const sink = this.#sink;
    sink.update(buf, start, end);
    this.#lastMs = monotonicMs();
    while (this.#heardMs.length < sink.heard.length) this.#heardMs.push(this.#lastMs);
    this.#answerWatch();
    if (!this.#complete && sink.distinct >= (this.#settings.expect ?? Infinity)) {
      this.#complete = true;
      tell({ kind: 'complete', atMs: this.#lastMs });
    }
  }

  #answerWatch(): void {
    if (this.#sink.distinct <= this.#watched) return;
    this.#watched = Infinity;
    tell({ kind: 'arrived', atMs: this.#lastMs });
  }
}

function tell(message: FromPeer): void {
  if (process.connected) process.send!(message);
}

let peer: Peer | undefined;
process.on('message', (message: ToPeer) => {
  const work = message.kind === 'settings' ? (peer = new Peer(message.settings)).start() : peer?.handle(message);
  work?.catch((error: Error) => tell({ kind: 'down', reason: error.message }));
});
process.on('disconnect', () => process.exit(0));
