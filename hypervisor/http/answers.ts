// Answers of the HTTP server: JSON, errors, and long texts in pieces that neither hold up the main loop nor pile up before a slow reader.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';

/** What is wrong with a request; the message is for whoever asked. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Longest time that an answer is worked on without a turn for others, ms. */
const SLICE_MS = 2;
/** An answer that is not read to its end within this time is cut off, ms: somebody who reads a byte a minute takes a place from others. */
const LONGEST_MS = 600_000;
/** Pieces are gathered to about this size before they are written, characters. */
const BLOCK = 32 * 1024;

/** One line of JSON, for answers that are known to be short. */
export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  const text = `${JSON.stringify(value)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

export function sendError(response: ServerResponse, status: number, error: string): void {
  sendJson(response, { error }, status);
}

/**
 * Sends `pieces` as they come, with a turn for others after every 2 ms of work, and only as fast as they are read. Ends early when the
 * reader goes away. An error in between cuts the connection, so that nobody takes the beginning for the whole.
 */
export async function sendPieces(
  response: ServerResponse,
  type: string,
  pieces: Iterable<string> | AsyncIterable<string>,
): Promise<void> {
  response.writeHead(200, { 'content-type': type });
  if (response.req.method === 'HEAD') {
    response.end();
    return;
  }
  const writer = new PacedWriter(response);
  try {
    // A `for await` over a plain iterable would wait for a promise at each piece.
    if (Symbol.asyncIterator in pieces) {
      for await (const piece of pieces) if (writer.push(piece)) await writer.pause();
    } else {
      for (const piece of pieces) if (writer.push(piece)) await writer.pause();
    }
    writer.end();
  } catch (error) {
    if (error === GONE) return;
    response.destroy();
    throw error;
  }
}

/** Thrown out of the loop that makes pieces, so that it is closed, when nobody reads them any more. */
const GONE = new Error('the reader went away');

class PacedWriter {
  private readonly response: ServerResponse;
  private readonly gone = new AbortController();
  private block = '';
  private since = performance.now();

  constructor(response: ServerResponse) {
    this.response = response;
    const deadline = setTimeout(() => response.destroy(), LONGEST_MS).unref();
    response.once('close', () => {
      clearTimeout(deadline);
      this.gone.abort();
    });
  }

  /** True when it is time for a pause. */
  push(piece: string): boolean {
    this.block += piece;
    return this.block.length >= BLOCK || performance.now() - this.since >= SLICE_MS;
  }

  /** Writes, gives others a turn, and waits for a slow reader. */
  async pause(): Promise<void> {
    if (this.gone.signal.aborted) throw GONE;
    const room = this.block === '' || this.response.write(this.block);
    this.block = '';
    if (!room) {
      await once(this.response, 'drain', { signal: this.gone.signal }).catch(() => {
        throw GONE;
      });
    } else if (performance.now() - this.since >= SLICE_MS) {
      await turn();
    }
    this.since = performance.now();
  }

  end(): void {
    if (!this.gone.signal.aborted) this.response.end(this.block);
  }
}
