// Abstentions on their way to the forwarding table's thread: prefixes for which the same is to be said travel together, in the order in which
// things were said.
import type { Family } from '../../wire/family.js';
import type { ToFib } from './protocol.js';

/** So much is sent at once at most, bytes. */
const BATCH_BYTES = 64 * 1024;

export class AbstentionBatch {
  private readonly send: (message: ToFib) => void;
  private replica = -1;
  private on = false;
  private chunks: [Uint8Array[], Uint8Array[]] = [[], []];
  private bytes = 0;

  constructor(send: (message: ToFib) => void) {
    this.send = send;
  }

  /** `nlri` is one prefix and is kept until it is sent. */
  add(replica: number, family: Family, nlri: Uint8Array, on: boolean): void {
    if (replica !== this.replica || on !== this.on || this.bytes >= BATCH_BYTES) this.flush();
    this.replica = replica;
    this.on = on;
    this.chunks[family].push(nlri);
    this.bytes += nlri.length;
  }

  flush(): void {
    if (this.bytes === 0) return;
    const { replica, on, chunks } = this;
    this.chunks = [[], []];
    this.bytes = 0;
    this.send({ kind: 'abstain', replica, on, nlri: [joined(chunks[0]), joined(chunks[1])] });
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
