// UPDATEs of one neighbour that RFC 7606 wants treated as withdrawals: the last few, so that it can be told later why a prefix that the
// neighbour announces is not there. Owns the copies and their bound; judging messages is wire/bgp/update.ts.
import type { PrefixTable } from '../../wire/prefix-table.js';
import { NlriCursor, parseUpdate, UpdateView } from '../../wire/bgp/update.js';

/** Messages that are kept; the oldest give way. Each has 64 KiB at most, 4 KiB without RFC 8654. */
const KEPT = 64;

interface Treated {
  message: Uint8Array;
  reason: string;
  at: number;
}

export class TreatedMessages {
  private readonly kept: Treated[] = [];

  /** The message start..end of `buf`; it is copied. `at`: ms. */
  note(buf: Uint8Array, start: number, end: number, reason: string, at: number): void {
    if (this.kept.length >= KEPT) this.kept.shift();
    this.kept.push({ message: buf.slice(start, end), reason, at });
  }

  /** The session is gone, and what it told with it. */
  clear(): void {
    this.kept.length = 0;
  }

  /** The latest that had this prefix; undefined when there is none among those kept. O(prefixes in them). */
  about(prefix: number, prefixes: PrefixTable): { reason: string; at: number } | undefined {
    for (let i = this.kept.length - 1; i >= 0; i--) {
      if (has(this.kept[i].message, prefix, prefixes)) return this.kept[i];
    }
    return undefined;
  }
}

const view = new UpdateView();
const cursor = new NlriCursor();

function has(message: Uint8Array, prefix: number, prefixes: PrefixTable): boolean {
  parseUpdate(message, 0, message.length, { as4: true, ebgp: true, families: 3 }, view);
  for (const { start, end, family } of view.sections.slice(0, view.sectionCount)) {
    cursor.reset(message, start, end, family);
    while (cursor.next()) if (prefixes.find(family, message, cursor.at, cursor.bits) === prefix) return true;
  }
  return false;
}
