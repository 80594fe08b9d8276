// A trace file as a stream of plain bytes: gzip, bzip2 or uncompressed, told apart by their first bytes. Memory stays
// bounded: nothing is read ahead of the reader. What was sound before a damaged place is delivered before the error.
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import zlib from 'node:zlib';
import { Bzip2Decoder, Bzip2Error } from './bzip2.js';

/** Compressed bytes read at a time. Small for gzip, whose output for one piece can be a thousand times as long. */
const PIECE = 1 << 18;
const GZIP_PIECE = 1 << 14;

/** A file that cannot be read to its end. The message names the file, the byte and the reason. */
export class TraceError extends Error {
  readonly file: string;
  /** Position in the file for damaged compression, in the uncompressed data for damaged records; in bytes. */
  readonly offset: number;
  /** The file just ends too early, as one does whose writer was killed; what there is of it is sound. */
  readonly cut: boolean;
  constructor(file: string, offset: number, reason: string, cut = false) {
    super(`${file}: ${reason}`);
    this.name = 'TraceError';
    this.file = file;
    this.offset = offset;
    this.cut = cut;
  }
}

export type Compression = 'gzip' | 'bzip2' | 'none';

/** Tells the compression by its first bytes. */
export function compressionOf(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head[0] === 0x42 && head[1] === 0x5a && head[2] === 0x68) return 'bzip2';
  return 'none';
}

/** Tells how much of the file (as it lies, compressed) was read: bytes so far and its size. */
export type Progress = (read: number, size: number) => void;

/** The uncompressed bytes of `file` in chunks. Throws TraceError. */
export async function* readChunks(file: string, progress?: Progress): AsyncGenerator<Uint8Array, void, void> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    throw new TraceError(file, 0, `cannot be opened (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new TraceError(file, 0, 'is not a file');
    const head = new Uint8Array(4);
    await handle.read(head, 0, 4, 0);
    const compression = compressionOf(head);
    const pieces = readPieces(handle, stat.size, compression === 'gzip' ? GZIP_PIECE : PIECE, progress);
    if (compression === 'gzip') yield* gunzip(file, pieces);
    else if (compression === 'bzip2') yield* bunzip2(file, pieces);
    else yield* pieces;
  } finally {
    await handle.close();
  }
}

async function* readPieces(handle: FileHandle, size: number, length: number, progress?: Progress) {
  let at = 0;
  for (;;) {
    const piece = new Uint8Array(length);
    const { bytesRead } = await handle.read(piece, 0, length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    progress?.(at, size);
    yield piece.subarray(0, bytesRead);
  }
}

async function* bunzip2(file: string, pieces: AsyncIterable<Uint8Array>) {
  const decoder = new Bzip2Decoder();
  try {
    for await (const piece of pieces) {
      decoder.push(piece);
      for (let text = decoder.next(false); text !== undefined; text = decoder.next(false)) yield text;
    }
    for (let text = decoder.next(true); text !== undefined; text = decoder.next(true)) yield text;
  } catch (error) {
    if (!(error instanceof Bzip2Error)) throw error;
    throw new TraceError(file, error.offset, `damaged bzip2 data near byte ${error.offset}: ${error.message}`);
  }
}

async function* gunzip(file: string, pieces: AsyncIterable<Uint8Array>) {
  const gunzipper = zlib.createGunzip({ chunkSize: PIECE });
  // Iterating over the stream would lose what it holds when it fails. In flowing mode it holds nothing: each piece's
  // output is here before its error, and the next piece is only given after this one's output was taken.
  let ready: Uint8Array[] = [];
  let failure: NodeJS.ErrnoException | undefined;
  gunzipper.on('data', (chunk: Uint8Array) => ready.push(chunk));
  gunzipper.on('error', (error) => (failure = error));
  const step = (act: (done: () => void) => void) =>
    new Promise<void>((resolve) => {
      gunzipper.once('error', () => resolve());
      act(resolve);
    });
  const take = () => {
    const taken = ready;
    ready = [];
    return taken;
  };
  let fed = 0;
  try {
    for await (const piece of pieces) {
      await step((done) => gunzipper.write(piece, () => done()));
      yield* take();
      if (failure !== undefined) break;
      fed += piece.length;
      gunzipper.removeAllListeners('error').on('error', (error) => (failure = error));
    }
    if (failure === undefined) await step((done) => gunzipper.on('end', done).end());
    yield* take();
  } finally {
    gunzipper.destroy();
  }
  if (failure !== undefined) {
    throw new TraceError(
      file,
      fed,
      `damaged gzip data after byte ${fed}: ${failure.message}`,
      failure.code === 'Z_BUF_ERROR',
    );
  }
}
