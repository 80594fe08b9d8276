import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Family } from '../../../wire/family.js';
import { formatPrefix } from '../../../wire/prefix-text.js';
import { PrefixTable } from '../../../wire/prefix-table.js';

const anyPrefix = fc
  .tuple(fc.constantFrom<Family>(0, 1), fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(128))
  .map(([family, bytes, bits]) => ({ family, bytes, bits: family === 0 ? bits % 33 : bits }));

/** The table's key in words of a Map: the reference that the table is compared with. */
function keyOf(prefix: { family: Family; bytes: Uint8Array; bits: number }): string {
  const masked = prefix.bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix.bits - i * 8))));
  return formatPrefix(prefix.family, masked, 0, prefix.bits);
}

describe('PrefixTable', () => {
  it('numbers like a map does, through growth and sweeps', () => {
    fc.assert(
      fc.property(fc.array(anyPrefix, { maxLength: 200 }), fc.infiniteStream(fc.boolean()), (prefixes, keep) => {
        const table = new PrefixTable({ initialCapacity: 1 });
        const reference = new Map<string, number>();
        const internAll = () => {
          for (const prefix of prefixes) {
            const key = keyOf(prefix);
            const id = table.intern(prefix.family, prefix.bytes, 0, prefix.bits);
            expect(id).toBe(reference.get(key) ?? id);
            reference.set(key, id);
            expect(table.format(id)).toBe(key);
          }
          expect(table.size).toBe(reference.size);
          expect(new Set(reference.values()).size).toBe(reference.size);
        };
        internAll();
        const used = new Uint8Array(table.limit);
        let freed = 0;
        for (const [key, id] of reference) {
          if (keep.next().value) used[id] = 1;
          else if (reference.delete(key)) freed++;
        }
        expect(table.sweep(used)).toBe(freed);
        for (const prefix of prefixes) {
          expect(table.find(prefix.family, prefix.bytes, 0, prefix.bits)).toBe(reference.get(keyOf(prefix)) ?? 0);
        }
        const limit = table.limit;
        internAll();
        expect(table.limit).toBe(limit);
      }),
    );
  });

  it('reads only the bytes that belong to the prefix', () => {
    const table = new PrefixTable();
    const short = table.intern(0, Uint8Array.of(10, 1), 0, 16);
    expect(table.intern(0, Uint8Array.of(10, 1, 99, 99), 0, 16)).toBe(short);
    expect(table.intern(1, Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0xff), 0, 33)).toBe(table.parse('2001:db8:8000::/33'));
  });

  it('writes the NLRI that it was given', () => {
    fc.assert(
      fc.property(anyPrefix, (prefix) => {
        const table = new PrefixTable();
        const id = table.intern(prefix.family, prefix.bytes, 0, prefix.bits);
        const out = new Uint8Array(20);
        const end = table.writeNlri(id, out, 1);
        expect(end - 1).toBe(table.nlriSize(id));
        expect(out[1]).toBe(prefix.bits);
        expect(table.intern(prefix.family, out, 2, out[1])).toBe(id);
      }),
    );
  });

  it('keeps families and lengths apart', () => {
    const table = new PrefixTable();
    const ids = ['0.0.0.0/0', '::/0', '10.0.0.0/8', '10.0.0.0/9', 'a00::/8'].map((text) => table.parse(text));
    expect(new Set(ids).size).toBe(5);
    expect(ids.map((id) => table.family(id))).toEqual([0, 1, 0, 0, 1]);
    expect(table.findText('10.0.0.0/10')).toBe(0);
    expect(table.parse('nonsense')).toBe(0);
  });

  it('is full at its limit, and says 0 to lengths that cannot be', () => {
    const table = new PrefixTable({ maxPrefixes: 2 });
    expect(table.intern(0, Uint8Array.of(1, 2, 3, 4, 5), 0, 33)).toBe(0);
    const first = table.parse('10.0.0.0/8');
    table.parse('11.0.0.0/8');
    expect(table.parse('12.0.0.0/8')).toBe(0);
    expect(table.parse('10.0.0.0/8')).toBe(first);
    expect(table.has(first)).toBe(true);
    table.sweep(new Uint8Array(0));
    expect(table.has(first)).toBe(false);
    expect(table.parse('12.0.0.0/8')).toBeGreaterThan(0);
  });
});
