// Prefixes and what is said of them, packed into UPDATEs and wrapped for BMP. Owns the packing; used for dumps and for the Loc-RIB.
import type { AttributeTable } from '../../wire/attribute-table.js';
import { routeAttributesToAs2 } from '../../wire/bgp/as4.js';
import { MAX_EXTENDED_MESSAGE_LENGTH, MAX_MESSAGE_LENGTH } from '../../wire/bgp/message.js';
import { UpdatePacker } from '../../wire/bgp/pack.js';
import { writeRouteMonitoring } from '../../wire/bmp/encode.js';
import { ByteWriter } from '../../wire/byte-writer.js';
import { familiesOf, type Family } from '../../wire/family.js';
import { u16 } from '../../wire/mrt/types.js';
import type { PrefixTable } from '../../wire/prefix-table.js';

/** Prefixes handled at once: about a millisecond of work. */
export const BATCH = 1024;

export class RouteBatch {
  private readonly tables: { prefixes: PrefixTable; attributes: AttributeTable };
  private readonly packer = new UpdatePacker(MAX_MESSAGE_LENGTH);
  private readonly updates = new ByteWriter(1 << 16);
  private readonly old = new ByteWriter();
  private readonly prefixes = new Uint32Array(BATCH);
  private readonly keys = new Float64Array(BATCH);
  private readonly ids = new Uint32Array(BATCH);
  private size = 0;

  constructor(tables: { prefixes: PrefixTable; attributes: AttributeTable }) {
    this.tables = tables;
  }

  /** `attributes`: id, 0 for a withdrawal. At most BATCH of them between two writes. */
  add(prefix: number, attributes: number): void {
    const i = this.size++;
    this.prefixes[i] = prefix;
    this.keys[i] = (attributes * 2 + this.tables.prefixes.family(prefix)) * BATCH + i;
  }

  /** Writes all of it as Route Monitoring messages and is empty then. `as4`: AS_PATH with AS numbers of four bytes. */
  write(out: ByteWriter, header: Uint8Array, time: number, as4: boolean): void {
    const { keys, size, ids, updates } = this;
    keys.subarray(0, size).sort();
    for (let k = 0; k < size; k++) ids[k] = this.prefixes[keys[k] % BATCH];
    updates.reset();
    for (let from = 0; from < size;) {
      const group = Math.floor(keys[from] / BATCH);
      let to = from + 1;
      while (to < size && Math.floor(keys[to] / BATCH) === group) to++;
      this.pack(group, from, to, as4);
      from = to;
    }
    this.size = 0;
    this.wrap(out, header, time);
  }

  /** End-of-RIB of each family (RFC 7854 section 5). */
  writeEndOfRib(out: ByteWriter, header: Uint8Array, time: number, families: number): void {
    this.updates.reset();
    for (const family of familiesOf(families)) this.packer.endOfRib(family, this.updates);
    this.wrap(out, header, time);
  }

  private pack(group: number, from: number, to: number, as4: boolean): void {
    const { packer, updates, ids } = this;
    const { prefixes, attributes } = this.tables;
    const family = (group % 2) as Family;
    const id = Math.floor(group / 2);
    if (id === 0) return packer.withdraw(family, prefixes, ids, from, to, updates);
    let bytes = attributes.get(id);
    if (!as4) {
      this.old.reset();
      routeAttributesToAs2(bytes, this.old);
      bytes = this.old.buffer.subarray(0, this.old.length);
    }
    packer.maxMessageLength = MAX_MESSAGE_LENGTH;
    if (packer.announce(family, bytes, prefixes, ids, from, to, updates)) return;
    // What came in an extended message may only fit into one.
    packer.maxMessageLength = MAX_EXTENDED_MESSAGE_LENGTH;
    packer.announce(family, bytes, prefixes, ids, from, to, updates);
  }

  private wrap(out: ByteWriter, header: Uint8Array, time: number): void {
    const { buffer, length } = this.updates;
    for (let at = 0; at < length;) {
      const end = at + u16(buffer, at + 16);
      writeRouteMonitoring(out, header, time, buffer, at, end);
      at = end;
    }
  }
}
