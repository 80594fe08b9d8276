// The plainest encoding of route attributes: in the order of their types, with no flag bits but those that mean something. What they say is
// not touched (that is wire/bgp/canonical.ts); this is for replicas that an unusual but legal encoding could kill.
import { AttributeCursor, AttributeFlag } from '../wire/bgp/attributes.js';
import type { ByteWriter } from '../wire/byte-writer.js';

const MEANINGFUL = AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE | AttributeFlag.PARTIAL;
const TYPES = 256;

const cursor = new AttributeCursor();
/** By type: where its attribute starts, plus one. */
const starts = new Uint32Array(TYPES);

/** Appends the raw route attributes start..end of `attrs`, each type at most once in it, in their plainest form to `out`. */
export function normaliseAttributes(attrs: Uint8Array, start: number, end: number, out: ByteWriter): void {
  starts.fill(0);
  cursor.reset(attrs, start, end);
  while (cursor.next()) if (starts[cursor.type] === 0) starts[cursor.type] = cursor.start + 1;
  for (let type = 0; type < TYPES; type++) {
    if (starts[type] === 0) continue;
    cursor.reset(attrs, starts[type] - 1, end);
    cursor.next();
    const length = cursor.end - cursor.valueStart;
    const flags = cursor.flags & MEANINGFUL;
    out.u8(length > 255 ? flags | AttributeFlag.EXTENDED_LENGTH : flags);
    out.u8(type);
    if (length > 255) out.u16(length);
    else out.u8(length);
    out.bytes(attrs, cursor.valueStart, cursor.end);
  }
}
