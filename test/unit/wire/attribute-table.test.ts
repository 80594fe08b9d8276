import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AttributeTable } from '../../../wire/attribute-table.js';
import { toHex } from './build.js';

describe('AttributeTable', () => {
  it('numbers like a map does, through growth and compaction', () => {
    const strings = fc.array(fc.uint8Array({ maxLength: 40, max: 3 }), { maxLength: 300 });
    fc.assert(
      fc.property(strings, fc.infiniteStream(fc.boolean()), (list, keep) => {
        const table = new AttributeTable();
        const reference = new Map<string, number>();
        const internAll = () => {
          for (const bytes of list) {
            const id = table.intern(Uint8Array.from([9, ...bytes, 9]), 1, 1 + bytes.length);
            expect(id).toBe(reference.get(toHex(bytes)) ?? id);
            reference.set(toHex(bytes), id);
          }
          expect(table.size).toBe(reference.size);
        };
        internAll();
        const used = new Uint8Array(table.limit);
        for (const [key, id] of reference) {
          if (keep.next().value) used[id] = 1;
          else reference.delete(key);
        }
        table.sweep(used);
        expect(table.size).toBe(reference.size);
        for (const [key, id] of reference) expect(toHex(table.get(id))).toBe(key);
        internAll();
        for (const [key, id] of reference) {
          expect(toHex(table.get(id))).toBe(key);
          const out = new Uint8Array(60);
          expect(table.copyTo(id, out, 2)).toBe(2 + table.length(id));
          expect(toHex(out.subarray(2, 2 + table.length(id)))).toBe(key);
        }
      }),
    );
  });

  it('outgrows its first arena and its first ids', () => {
    const table = new AttributeTable({ seed: 7 });
    const bytes = new Uint8Array(100);
    for (let i = 1; i <= 5000; i++) {
      bytes.set([i >> 8, i & 0xff], 98);
      expect(table.intern(bytes, 0, 100)).toBe(i);
    }
    expect(table.get(4242)[98] * 256 + table.get(4242)[99]).toBe(4242);
    const used = new Uint8Array(table.limit);
    used[4242] = 1;
    expect(table.sweep(used)).toBe(4999);
    expect(table.get(4242)[98] * 256 + table.get(4242)[99]).toBe(4242);
    expect(table.bytes).toBe(104);
  });

  it('is full at either limit', () => {
    const entries = new AttributeTable({ maxEntries: 1 });
    expect(entries.intern(Uint8Array.of(1), 0, 1)).toBe(1);
    expect(entries.intern(Uint8Array.of(2), 0, 1)).toBe(0);
    expect(entries.intern(Uint8Array.of(1), 0, 1)).toBe(1);
    const bytes = new AttributeTable({ maxBytes: 20 });
    expect(bytes.intern(new Uint8Array(17), 0, 17)).toBe(0);
    expect(bytes.intern(new Uint8Array(16), 0, 16)).toBe(1);
  });
});
