// Remembers which messages were released because no trial could be made to die of them: one that is suspected a second time stays. Owns
// that memory and its bound.
import type { Suspect } from '../../replicator/types.js';
import { describeUpdate } from '../../wire/bgp/describe-message.js';

/** The oldest are forgotten. */
const MAX_KEYS = 50_000;
/** Prefixes remembered of one message. */
const MAX_PREFIXES = 1000;

export class Repeats {
  private readonly keys = new Set<string>();
  private readonly limit: number;

  constructor(limit = MAX_KEYS) {
    this.limit = limit;
  }

  released(replica: number, suspect: Suspect): void {
    for (const key of keysOf(replica, suspect)) {
      this.keys.delete(key);
      this.keys.add(key);
    }
    for (const oldest of this.keys) {
      if (this.keys.size <= this.limit) break;
      this.keys.delete(oldest);
    }
  }

  /** Whether this message, or another of the same neighbour about one of its prefixes, was released before. */
  has(replica: number, suspect: Suspect): boolean {
    return keysOf(replica, suspect).some((key) => this.keys.has(key));
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
