// The messages that replicas died of, on disk: one MRT file per death (BGP4MP_ET, as any MRT reader takes it) and an index in JSON lines
// that says what each is and what became of it. Owns the directory, its bounds, and that writing never holds up the main loop.
import { appendFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { encodeMessageEt, type SessionEnds } from '../../wire/mrt/encode.js';
import type { Logger } from '../logging.js';
import { makeDirectory } from '../run-directory.js';

export interface EvidenceMessage {
  /** Quarantine number. */
  id: number;
  /** The neighbour that sent it, and us. */
  ends: SessionEnds;
  /** When it came in, ms since 1970. */
  time: number;
  /** The whole message, header included, as it was delivered. */
  bytes: Uint8Array;
  prefixes: number;
}

export interface Death {
  replica: string;
  cause: string;
  reason: string;
  /** ISO 8601. */
  at: string;
}

export interface EvidenceLimits {
  /** The oldest files give way. Default 1000. */
  maxFiles?: number;
  /** Bytes of all MRT files together. Default 256 MiB. */
  maxBytes?: number;
  /** The index is begun anew at this size, bytes; one older is kept. Default 16 MiB. */
  maxIndex?: number;
  /** Writes that wait for the disk; further ones are dropped with a warning. Default 256. */
  maxWaiting?: number;
}

const INDEX = 'index.jsonl';
const FILE = /^[^/]+-\d{8}T\d{9}Z-\d+\.mrt$/;

export class Evidence {
  private readonly directory: string;
  private readonly log: Logger;
  private readonly limits: Required<EvidenceLimits>;
  /** Names and sizes, the oldest first; undefined before the first write. */
  private files: { name: string; size: number }[] | undefined;
  private next = 1;
  private waiting = 0;
  private last: Promise<void> = Promise.resolve();

  constructor(directory: string, log: Logger, limits: EvidenceLimits = {}) {
    this.directory = directory;
    this.log = log;
    this.limits = { maxFiles: 1000, maxBytes: 256 << 20, maxIndex: 16 << 20, maxWaiting: 256, ...limits };
  }

  /** Keeps what was suspected of one death. Returns the file's path at once; it is written behind the caller's back. */
  keep(death: Death, messages: readonly EvidenceMessage[]): string {
    const name = `${death.replica}-${death.at.replaceAll(/[-:.]/g, '')}-${this.next++}.mrt`;
    const records = messages.map(({ time, ends, bytes }) => encodeMessageEt(time, ends, bytes));
    const line = {
      event: 'quarantined',
      t: death.at,
      replica: death.replica,
      cause: death.cause,
      reason: death.reason,
      file: name,
      messages: messages.map(({ id, bytes, prefixes }) => ({ id, length: bytes.length, prefixes })),
    };
    this.enqueue(async () => {
      await this.prepare();
      await writeFile(path.join(this.directory, name), concat(records), { mode: 0o640 });
      this.files?.push({ name, size: records.reduce((sum, { length }) => sum + length, 0) });
      await this.append(line);
      await this.makeRoom();
    });
    return path.join(this.directory, name);
  }

  /** Notes in the index what became of messages: `convicted`, `released`, … */
  note(event: string, at: string, fields: Record<string, unknown>): void {
    this.enqueue(async () => {
      await this.prepare();
      await this.append({ event, t: at, ...fields });
    });
  }

  /** Resolves when everything is on disk. */
  async flush(): Promise<void> {
    await this.last;
  }

  private enqueue(write: () => Promise<void>): void {
    if (this.waiting >= this.limits.maxWaiting) {
      this.log.warn(`quarantine: the disk does not keep up, messages are not written to ${this.directory}`);
      return;
    }
    this.waiting++;
    this.last = this.last
      .then(write)
      .catch((error: Error) => void this.log.error(`quarantine: cannot write to ${this.directory}: ${error.message}`))
      .finally(() => void this.waiting--);
  }

  private async prepare(): Promise<void> {
    if (this.files !== undefined) return;
    makeDirectory(this.directory, 0o700);
    const files: { name: string; size: number; time: number }[] = [];
    for (const name of await readdir(this.directory)) {
      if (!FILE.test(name)) continue;
      const { size, mtimeMs } = await stat(path.join(this.directory, name));
      files.push({ name, size, time: mtimeMs });
    }
    this.files = files.sort((a, b) => a.time - b.time);
  }

  private async append(line: Record<string, unknown>): Promise<void> {
    const index = path.join(this.directory, INDEX);
    await appendFile(index, `${JSON.stringify(line)}\n`, { mode: 0o640 });
    if ((await stat(index)).size >= this.limits.maxIndex) await rename(index, `${index}.1`);
  }

  private async makeRoom(): Promise<void> {
    const { files = [] } = this;
    let bytes = files.reduce((sum, { size }) => sum + size, 0);
    while (files.length > 1 && (files.length > this.limits.maxFiles || bytes > this.limits.maxBytes)) {
      const oldest = files.shift()!;
      bytes -= oldest.size;
      await rm(path.join(this.directory, oldest.name), { force: true });
    }
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
