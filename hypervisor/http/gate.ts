// How many long answers of one kind are worked on at once: each takes memory while its reader takes its time. Owns the count.
import type { ServerResponse } from 'node:http';
import { HttpError } from './answers.js';

/** When somebody who was turned away may try again, seconds. */
const RETRY_SECONDS = 5;

export class Gate {
  private readonly most: number;
  private readonly what: string;
  private inside = 0;

  /** `what`: for whoever is turned away, in the plural. */
  constructor(most: number, what: string) {
    this.most = most;
    this.what = what;
  }

  /** Throws HttpError (503) when there are too many already. */
  async pass<T>(response: ServerResponse, work: () => Promise<T>): Promise<T> {
    if (this.inside >= this.most) {
      response.setHeader('retry-after', String(RETRY_SECONDS));
      throw new HttpError(503, `${this.most} ${this.what} are being sent already`);
    }
    this.inside++;
    try {
      return await work();
    } finally {
      this.inside--;
    }
  }
}
