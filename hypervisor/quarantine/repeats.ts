// Remembers how often messages were released because no trial could be made to die of them: one that is suspected again stays for a while,
// longer each time. Owns that memory and its bound.
import type { Suspect } from '../../replicator/types.js';
import { describeUpdate } from '../../wire/bgp/describe-message.js';

/** The oldest are forgotten. */
const MAX_KEYS = 50_000;
/** Prefixes remembered of one message. */
const MAX_PREFIXES = 1000;

export const SHORTEST_PROBATION_MS = 60_000;
export const LONGEST_PROBATION_MS = 3_600_000;

export class Repeats {
  private readonly keys = new Map<string, number>();
  private readonly limit: number;

  constructor(limit = MAX_KEYS) {
    this.limit = limit;
  }

  released(replica: number, suspect: Suspect): void {
    for (const key of keysOf(replica, suspect)) {
      const times = (this.keys.get(key) ?? 0) + 1;
      this.keys.delete(key);
      this.keys.set(key, times);
    }
    for (const oldest of this.keys.keys()) {
      if (this.keys.size <= this.limit) break;
      this.keys.delete(oldest);
    }
  }

  /** Whether this message, or another of the same neighbour about one of its prefixes, was released before. */
  has(replica: number, suspect: Suspect): boolean {
    return this.probation(replica, suspect) > 0;
  }

  /**
   * How long it stays when it is suspected again and nothing can be shown: a minute after one release, four times as long after each further
   * one, an hour at most. Ms; 0 when it was never released.
   */
  probation(replica: number, suspect: Suspect): number {
    const times = keysOf(replica, suspect).reduce((most, key) => Math.max(most, this.keys.get(key) ?? 0), 0);
    return times === 0 ? 0 : Math.min(SHORTEST_PROBATION_MS * 4 ** (times - 1), LONGEST_PROBATION_MS);
  }

  /** Somebody vouches for it. */
  forget(replica: number, suspect: Suspect): void {
    for (const key of keysOf(replica, suspect)) this.keys.delete(key);
  }
}

/** The released routes come back in another encoding, so they are known by prefix; a message without prefixes by its bytes. */
function keysOf(replica: number, { neighbor, bytes }: Suspect): string[] {
  const { announced, withdrawn } = describeUpdate(bytes, MAX_PREFIXES);
  const names = announced.length > 0 ? announced : withdrawn;
  if (names.length === 0) names.push(Buffer.from(bytes).toString('base64'));
  return names.map((name) => `${replica}/${neighbor}/${name}`);
}
