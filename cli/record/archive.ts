// Writes a .tar.gz as it goes along, in bounded memory: texts and files, also files that grow meanwhile (what was there at the beginning is
// taken). Owns the archive; what belongs into it is bundle.ts.
import { createWriteStream } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import tar from 'tar-stream';

const MODE = 0o600;
const PIECE = 1 << 16;

export class Archive {
  readonly file: string;
  /** Uncompressed bytes so far. */
  bytes = 0;
  private readonly folder: string;
  private readonly pack = tar.pack();
  private readonly written: Promise<void>;

  /** `folder`: what everything in it lies in. The file appears when it is whole. */
  constructor(file: string, folder: string) {
    this.file = file;
    this.folder = folder;
    this.written = pipeline(this.pack, createGzip(), createWriteStream(this.partial, { mode: MODE }));
    // Said by whoever waits for it.
    this.written.catch(() => undefined);
  }

  async text(name: string, text: string): Promise<void> {
    const bytes = Buffer.from(text);
    await this.entry(name, bytes.length, new Date(), Readable.from([bytes]));
  }

  /** Throws what the file system throws when the file cannot be opened; then nothing of it is in the archive. */
  async add(name: string, file: string): Promise<void> {
    const handle = await open(file, 'r');
    try {
      const { size, mtime } = await handle.stat();
      await this.entry(name, size, mtime, Readable.from(exactly(handle, size)));
    } finally {
      await handle.close();
    }
  }

  /** Resolves when the file is there. Throws what the file system throws. */
  async close(): Promise<void> {
    this.pack.finalize();
    await this.written;
    await rename(this.partial, this.file);
  }

  /** Leaves nothing behind. */
  async abandon(): Promise<void> {
    this.pack.destroy();
    await this.written.catch(() => undefined);
    await rm(this.partial, { force: true });
  }

  private get partial(): string {
    return `${this.file}.part`;
  }

  private async entry(name: string, size: number, mtime: Date, source: Readable): Promise<void> {
    const entry = this.pack.entry({ name: `${this.folder}/${name}`, size, mtime, mode: MODE });
    // A full disk ends the archive, and an entry that nobody takes up any more would be waited for for ever.
    await Promise.race([pipeline(source, entry), this.written.then(() => new Promise<never>(() => undefined))]);
    this.bytes += size;
  }
}

/** So many bytes of a file, whatever happens to it meanwhile: what has been cut off by then are zeros. */
async function* exactly(handle: FileHandle, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size;) {
    const piece = new Uint8Array(Math.min(PIECE, size - at));
    const { bytesRead } = await handle.read(piece, 0, piece.length, at);
    at += bytesRead === 0 ? piece.length : bytesRead;
    yield bytesRead === 0 ? piece : piece.subarray(0, bytesRead);
  }
}
