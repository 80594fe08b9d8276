// What is around every answer of the looking glass: version, age and time to live, as birdwatcher writes them. Owns the envelope and the
// short memory of small answers.
import { VERSION } from '../router-status.js';

/** How long an answer may be used again, ms: by us if it is small, and by whoever asked. */
const TTL_MS = 5000;
/** Answers that are kept; the oldest goes first. */
const MAX_KEPT = 128;

export interface Envelope {
  api: {
    /** Readers want `Version`; the documented schema says `version`. */
    Version: string;
    version: string;
    result_from_cache: boolean;
    cache_status: { cached_at: { date: string; timezone_type: string; timezone: string }; date: string };
  };
  ttl: string;
}

/** `at`: when the answer was made, ms since 1970. */
export function envelope(at: number, fromCache: boolean): Envelope {
  const made = new Date(at).toISOString();
  const cached_at = { date: made, timezone_type: 'UTC', timezone: 'UTC' };
  return {
    api: {
      ...{ Version: VERSION, version: VERSION, result_from_cache: fromCache },
      cache_status: { cached_at, date: made },
    },
    ttl: new Date(at + TTL_MS).toISOString(),
  };
}

interface Answer {
  /** When it was made, ms since 1970. */
  at: number;
  answer: object;
}

export class AnswerCache {
  private readonly kept = new Map<string, Answer>();
  /** Answers that are being made: who asks meanwhile waits for the same one. */
  private readonly making = new Map<string, Promise<Answer>>();

  /** The answer for `key`, not older than its time to live, in its envelope; with `fresh` one that is made after, or as it was asked for. */
  async get(key: string, fresh: boolean, make: () => object | Promise<object>): Promise<object> {
    const kept = this.kept.get(key);
    if (!fresh && kept !== undefined && Date.now() - kept.at < TTL_MS) {
      return { ...envelope(kept.at, true), ...kept.answer };
    }
    let made = this.making.get(key);
    if (made === undefined) {
      made = this.make(key, make).finally(() => this.making.delete(key));
      this.making.set(key, made);
    }
    const { at, answer } = await made;
    return { ...envelope(at, false), ...answer };
  }

  private async make(key: string, make: () => object | Promise<object>): Promise<Answer> {
    const answer = { answer: await make(), at: Date.now() };
    this.kept.delete(key);
    if (this.kept.size >= MAX_KEPT) this.kept.delete(this.kept.keys().next().value as string);
    this.kept.set(key, answer);
    return answer;
  }
}
