import { describe, expect, it } from 'vitest';
import { PrefixClock } from '../../../wire/prefix-clock.js';
import { PrefixTable } from '../../../wire/prefix-table.js';

describe('PrefixClock', () => {
  it('tells another table with the same seed when something happened to a prefix, whatever the ids', () => {
    const [here, there] = [new PrefixTable({ seed: 7 }), new PrefixTable({ seed: 7 })];
    const writer = new PrefixClock();
    const reader = new PrefixClock(writer.memory);
    there.parse('203.0.113.0/24');
    writer.note(here.hashOf(here.parse('192.0.2.0/24')), 5);
    writer.note(here.hashOf(here.parse('2001:db8::/32')), 6);
    expect(reader.last(there.hashOf(there.parse('192.0.2.0/24')))).toBe(5);
    expect(reader.last(there.hashOf(there.parse('2001:db8::/32')))).toBe(6);
    expect(reader.last(there.hashOf(there.parse('2001:db8::/33')))).toBe(-Infinity);
  });
});
