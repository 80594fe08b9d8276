// Counts BGP messages by type, for status. Owns five numbers.
import { HEADER_LENGTH, MARKER_LENGTH, messageTypeName } from '../../wire/bgp/message.js';

const TYPES = 5;

export class MessageCounters {
  private readonly counts = new Float64Array(TYPES + 1);

  add(type: number): void {
    if (type >= 1 && type <= TYPES) this.counts[type]++;
  }

  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** Keys `open`, `update`, `notification`, `keepalive`, `route-refresh`. */
  byName(): Record<string, number> {
    const entries: [string, number][] = [];
    for (let type = 1; type <= TYPES; type++) entries.push([messageTypeName(type).toLowerCase(), this.counts[type]]);
    return Object.fromEntries(entries);
  }
}

/** Counts the whole messages in `bytes`. */
export function countMessages(bytes: Uint8Array, into: MessageCounters): void {
  for (let at = 0; at + HEADER_LENGTH <= bytes.length;) {
    into.add(bytes[at + HEADER_LENGTH - 1]);
    at += Math.max(HEADER_LENGTH, (bytes[at + MARKER_LENGTH] << 8) | bytes[at + MARKER_LENGTH + 1]);
  }
}
