// The looking glass's words for attributes, whatever bytes they come from, and its short memory.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { birdAttributes } from '../../../hypervisor/looking-glass/bird-attributes.js';
import { AnswerCache } from '../../../hypervisor/looking-glass/envelope.js';
import { OpenApi } from '../../support/openapi.js';

const attribute = (type: number, ...value: number[]): number[] => [0xc0, type, value.length, ...value];
const u32 = (value: number): number[] => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

describe('attributes', () => {
  test('in birdwatcher’s words', () => {
    const bytes = [
      attribute(1, 1),
      attribute(2, 2, 2, ...u32(65001), ...u32(4_200_000_000), 1, 1, ...u32(3), 3, 1, ...u32(9)),
      attribute(3, 192, 0, 2, 1),
      attribute(4, ...u32(4_294_967_295)),
      attribute(5, ...u32(100)),
      attribute(8, 255, 255, 2, 154, 0, 0, 0, 1),
      attribute(32, ...u32(4_294_967_295), ...u32(1), ...u32(2)),
      attribute(
        16,
        0,
        2,
        253,
        233,
        0,
        0,
        0,
        1,
        1,
        3,
        192,
        0,
        2,
        1,
        0,
        7,
        2,
        2,
        ...u32(400_000),
        0,
        8,
        67,
        0,
        1,
        2,
        3,
        4,
        5,
        6,
      ),
      attribute(99, 1, 2, 3),
    ].flat();
    expect(birdAttributes(Uint8Array.from(bytes))).toEqual({
      origin: 'EGP',
      // Confederation segments do not count as a path.
      as_path: ['65001', '4200000000', '3'],
      next_hop: '192.0.2.1',
      med: '4294967295',
      local_pref: '100',
      communities: [
        [65535, 666],
        [0, 1],
      ],
      large_communities: [[4_294_967_295, 1, 2]],
      ext_communities: [
        ['rt', '65001', '1'],
        ['ro', '192.0.2.1', '7'],
        ['rt', '400000', '8'],
        ['generic', '0x43000102', '0x3040506'],
      ],
    });
  });

  test('any bytes become an answer of the documented form', () => {
    const api = new OpenApi();
    const anyAttribute = fc
      .tuple(fc.constantFrom(1, 2, 3, 4, 5, 8, 14, 16, 32, 99), fc.uint8Array({ maxLength: 40 }))
      .map(([type, value]) => attribute(type, ...value));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(anyAttribute).map((all) => all.flat()),
          fc.array(fc.nat(255)),
        ),
        (bytes) => {
          const route = {
            ...{
              network: '192.0.2.0/24',
              gateway: '',
              interface: '',
              metric: 100,
              from_protocol: 'x',
              learnt_from: '',
            },
            ...{
              age: '2026-01-01 00:00:00',
              type: ['BGP'],
              primary: true,
              bgp: birdAttributes(Uint8Array.from(bytes)),
            },
          };
          expect(api.problemsOf('BirdRoute', JSON.parse(JSON.stringify(route)))).toEqual([]);
        },
      ),
    );
  });
});

describe('small answers', () => {
  const later = async (): Promise<void> => void (await new Promise((resolve) => setImmediate(resolve)));

  test('are made once for all who ask at the same time, also for those who want a new one', async () => {
    const cache = new AnswerCache();
    let made = 0;
    const make = async (): Promise<object> => {
      made++;
      await later();
      return { made };
    };
    const answers = await Promise.all([false, false, true, true].map((fresh) => cache.get('a', fresh, make)));
    expect(made).toBe(1);
    expect(answers).toHaveLength(4);
    expect(await cache.get('a', false, make)).toMatchObject({ made: 1, api: { result_from_cache: true } });
    expect(await cache.get('a', true, make)).toMatchObject({ made: 2, api: { result_from_cache: false } });
  });

  test('that cannot be made are tried again', async () => {
    const cache = new AnswerCache();
    await expect(cache.get('a', false, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await cache.get('a', false, () => ({ fine: true }))).toMatchObject({ fine: true });
  });

  test('are a bounded number', async () => {
    const cache = new AnswerCache();
    for (let i = 0; i < 200; i++) await cache.get(`${i}`, false, () => ({ i }));
    let made = 0;
    const again = (key: string) => cache.get(key, false, () => ({ made: ++made }));
    await again('199');
    expect(made).toBe(0);
    await again('0');
    expect(made).toBe(1);
  });
});
