// Server-sent events (WHATWG HTML 9.2): who listens, what each is sent, and when one that does not read is let go. Owns the streams;
// what is said comes from index.ts.
import type { ServerResponse } from 'node:http';
import { HttpError } from '../answers.js';

/** Streams at the same time. */
const MAX_LISTENERS = 16;
/** Bytes that wait for one listener; one that has more is cut off, connects again and is told everything anew. */
const MAX_WAITING = 1 << 20;
/** What a browser waits before it connects again, ms. */
const RETRY_MS = 2000;

export interface EventLimits {
  listeners: number;
  waiting: number;
}

export class EventStreams {
  /** Listeners that were cut off because they did not read. */
  dropped = 0;
  private readonly listeners = new Set<ServerResponse>();
  private readonly limits: EventLimits;

  constructor(limits: Partial<EventLimits> = {}) {
    this.limits = { listeners: MAX_LISTENERS, waiting: MAX_WAITING, ...limits };
  }

  get size(): number {
    return this.listeners.size;
  }

  /** Makes `response` a stream that begins with `events`. Throws HttpError (503) when there are too many already. */
  open(response: ServerResponse, events: readonly [string, unknown][]): void {
    if (this.listeners.size >= this.limits.listeners) {
      response.setHeader('retry-after', '10');
      throw new HttpError(503, `${this.limits.listeners} dashboards are open already: close one`);
    }
    // It may have gone while the first events were put together.
    if (response.destroyed) return;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // A proxy in between has to pass it on at once.
      'x-accel-buffering': 'no',
    });
    response.write(`retry: ${RETRY_MS}\n\n`);
    this.listeners.add(response);
    response.once('close', () => this.listeners.delete(response));
    for (const [event, data] of events) response.write(frame(event, data));
  }

  send(event: string, data: unknown): void {
    if (this.listeners.size === 0) return;
    const text = frame(event, data);
    for (const response of this.listeners) {
      if (response.writableLength > this.limits.waiting) {
        this.dropped++;
        this.listeners.delete(response);
        response.destroy();
      } else response.write(text);
    }
  }

  /** Ends all of them. */
  close(): void {
    for (const response of this.listeners) response.end();
    this.listeners.clear();
  }
}

/** JSON has no line ends of its own: one `data:` line holds all of it. */
function frame(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
