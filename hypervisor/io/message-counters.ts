// Counts BGP messages by type, and NOTIFICATIONs by what they say, for status and metrics. Owns these numbers.
import { HEADER_LENGTH, MARKER_LENGTH, MessageType, messageTypeName } from '../../wire/bgp/message.js';

const TYPES = 5;
/** Different (code, subcode) that are counted apart: a peer can send 65,536. What comes later counts as 0/0. */
const MAX_NOTIFICATIONS = 32;

export interface NotificationCount {
  /** RFC 4271 4.5; 0 with 0 stands for those beyond the limit. */
  code: number;
  subcode: number;
  count: number;
}

export class MessageCounters {
  private readonly counts = new Float64Array(TYPES + 1);
  private readonly notifications = new Map<number, number>();

  /** The message that starts at `start`, header included; it is whole. */
  add(type: number, buffer: Uint8Array, start: number): void {
    if (type < 1 || type > TYPES) return;
    this.counts[type]++;
    if (type === MessageType.NOTIFICATION) this.notification(buffer, start + HEADER_LENGTH);
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

  byCode(): NotificationCount[] {
    return [...this.notifications].map(([key, count]) => ({ code: key >>> 8, subcode: key & 0xff, count }));
  }

  private notification(buffer: Uint8Array, at: number): void {
    const asked = ((buffer[at] ?? 0) << 8) | (buffer[at + 1] ?? 0);
    const known = this.notifications.has(asked) || this.notifications.size < MAX_NOTIFICATIONS;
    const key = known ? asked : 0;
    this.notifications.set(key, (this.notifications.get(key) ?? 0) + 1);
  }
}

/** Counts the whole messages in `bytes`. */
export function countMessages(bytes: Uint8Array, into: MessageCounters): void {
  for (let at = 0; at + HEADER_LENGTH <= bytes.length;) {
    into.add(bytes[at + HEADER_LENGTH - 1], bytes, at);
    at += Math.max(HEADER_LENGTH, (bytes[at + MARKER_LENGTH] << 8) | bytes[at + MARKER_LENGTH + 1]);
  }
}
