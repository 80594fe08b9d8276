import { describe, expect, it } from 'vitest';
import { TraceDecoder } from '../../../traces/decoder.js';
import { syntheticTable } from '../../../traces/synthetic.js';
import { describeAttributes } from '../../../wire/bgp/describe.js';
import { MrtFramer } from '../../../wire/mrt/framer.js';

function read(prefixes: number, seed: number) {
  const framer = new MrtFramer();
  const routes: { address: number; bits: number; attributes: string; path: number[] }[] = [];
  const paths = new Map<string, number[]>();
  const decoder = new TraceDecoder({
    wants: () => true,
    message: () => undefined,
    route: (_peer, r) => {
      const bytes = [...r.nlri.subarray(r.nlriStart + 1, r.nlriEnd), 0, 0, 0, 0];
      const address = ((bytes[0] * 256 + bytes[1]) * 256 + bytes[2]) * 256 + bytes[3];
      const raw = r.attributes.slice(r.attributesStart, r.attributesEnd);
      const attributes = Buffer.from(raw).toString('latin1');
      if (!paths.has(attributes)) {
        const text = describeAttributes(raw).find(({ name }) => name === 'AS_PATH')!.text;
        paths.set(attributes, text.match(/\d+/g)!.map(Number));
      }
      routes.push({ address, bits: r.nlri[r.nlriStart], attributes, path: paths.get(attributes)! });
    },
  });
  framer.push(Buffer.concat([...syntheticTable({ prefixes, seed })]));
  while (framer.next()) decoder.visit(framer);
  expect(decoder.skipped.size).toBe(0);
  return routes;
}

describe('syntheticTable', () => {
  const routes = read(30_000, 1);

  it('has as many prefixes as asked for, each once, in order', () => {
    expect(routes).toHaveLength(30_000);
    const disordered = routes.filter((b, i) => {
      const a = routes[i - 1];
      return i > 0 && !(b.address > a.address || (b.address === a.address && b.bits > a.bits));
    });
    expect(disordered).toEqual([]);
  });

  it('is the same for the same seed and another for another', () => {
    expect(read(2000, 1)).toEqual(read(2000, 1));
    expect(read(2000, 2)).not.toEqual(read(2000, 1));
  });

  it('stays out of reserved space and reserved AS numbers', () => {
    const reserved = [
      [10 * 2 ** 24, 11 * 2 ** 24],
      [127 * 2 ** 24, 128 * 2 ** 24],
      [(192 * 256 + 168) * 65536, (192 * 256 + 169) * 65536],
      [(172 * 256 + 16) * 65536, (172 * 256 + 32) * 65536],
      [(198 * 256 + 18) * 65536, (198 * 256 + 20) * 65536],
    ];
    const bad = routes.filter(({ address, bits, path }) => {
      const end = address + 2 ** (32 - bits);
      const inside = address < 2 ** 24 || end > 224 * 2 ** 24;
      const publicAs = (as: number) => (as > 0 && as < 64496 && as !== 23456) || (as >= 131072 && as < 4200000000);
      return inside || reserved.some(([from, to]) => address < to && end > from) || !path.every(publicAs);
    });
    expect(bad).toEqual([]);
  });

  it('looks like a real table: lengths, paths, sharing (bounds around the measured table)', () => {
    const share = (test: (r: (typeof routes)[number]) => boolean) => routes.filter(test).length / routes.length;
    expect(share(({ bits }) => bits === 24)).toBeGreaterThan(0.45);
    expect(share(({ bits }) => bits === 24)).toBeLessThan(0.65);
    const hops = routes.reduce((sum, { path }) => sum + path.length, 0) / routes.length;
    expect(hops).toBeGreaterThan(3.5);
    expect(hops).toBeLessThan(5);
    const perSet = routes.length / new Set(routes.map(({ attributes }) => attributes)).size;
    expect(perSet).toBeGreaterThan(4);
    expect(perSet).toBeLessThan(9);
  });

  it('does not run out of space for a large table', () => {
    let records = 0;
    for (const record of syntheticTable({ prefixes: 250_000, seed: 9 })) {
      records++;
      if (records === 250_001) expect(record[16]).toBeLessThanOrEqual(24);
    }
    expect(records).toBe(250_001);
  }, 60_000);
});
