// The backend in memory: answers as the kernel would, and what was written comes back in a walk. Needs no privileges.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRouteBatch, OP_CREATE, OP_DELETE, OP_REPLACE } from '../../../fib/route-batch.js';
import { DryRunBackend } from '../../../hypervisor/fib/kernel/dry-run-backend.js';
import { AttributeTable } from '../../../wire/attribute-table.js';
import { EEXIST, EINVAL, ENOBUFS, ESRCH, RTM_NEWLINK } from '../../../wire/netlink/constants.js';
import { readU16 } from '../../../wire/netlink/message.js';
import { formatPrefix } from '../../../wire/prefix-text.js';
import { PrefixTable } from '../../../wire/prefix-table.js';

const OWN = { table: 254, protocol: 179, metric: 179 };

function setUp(maxRoutes?: number) {
  const tables = { prefixes: new PrefixTable(), hops: new AttributeTable() };
  const names = ['0.0.0.0/0', '10.0.0.0/8', '10.1.2.3/32', '192.0.2.0/25', '::/0', '2001:db8::/32', '2001:db8::1/128'];
  const ids = names.map((name) => tables.prefixes.parse(name));
  const sets = [1, 2, 3].map((n) => tables.hops.intern(Uint8Array.of(6, 0, n), 0, 2 + (n % 2)));
  const backend = new DryRunBackend(OWN, tables, maxRoutes === undefined ? {} : { maxRoutes });
  const write = (...ops: [op: number, prefix: number, hops: number][]): number[] => {
    const batch = createRouteBatch(ops.length);
    ops.forEach(([op, prefix, hops], i) => {
      [batch.op[i], batch.prefix[i], batch.hops[i]] = [op, prefix, hops];
    });
    batch.count = ops.length;
    backend.write(batch);
    return [...batch.errors];
  };
  const walk = (): Map<string, string> => {
    const seen = new Map<string, string>();
    const dump = backend.startDump((family, dst, bits, hops, length) => {
      seen.set(formatPrefix(family, dst, 0, bits), hops.slice(0, length).join(' '));
    });
    while (dump.step());
    expect(dump.error).toBeUndefined();
    return seen;
  };
  return { tables, names, ids, sets, backend, write, walk };
}

describe('the dry-run backend', () => {
  test('keeps what a kernel would keep, with the errors it would give', () => {
    const op = fc.tuple(fc.constantFrom(OP_CREATE, OP_REPLACE, OP_DELETE), fc.nat(6), fc.nat(2));
    fc.assert(
      fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
        const { tables, names, ids, sets, write, walk } = setUp();
        const model = new Map<string, string>();
        const expected = ops.map(([kind, prefix, set]) => {
          const name = names[prefix]!;
          if (kind === OP_DELETE) return model.delete(name) ? 0 : ESRCH;
          if (kind === OP_CREATE && model.has(name)) return EEXIST;
          model.set(name, tables.hops.get(sets[set]!).join(' '));
          return 0;
        });
        const written = write(
          ...ops.map(([kind, prefix, set]): [number, number, number] => [kind, ids[prefix]!, sets[set]!]),
        );
        expect(written).toEqual(expected);
        expect(walk()).toEqual(model);
      }),
    );
  });

  test('a full table refuses what is new and nothing else', () => {
    const { ids, sets, backend, write } = setUp(2);
    const [a, b, c] = ids as [number, number, number];
    const [set, other] = sets as [number, number];
    expect(write([OP_CREATE, a, set], [OP_CREATE, b, set], [OP_CREATE, c, set], [OP_REPLACE, c, set])).toEqual([
      0,
      0,
      ENOBUFS,
      ENOBUFS,
    ]);
    expect(write([OP_REPLACE, a, other], [OP_DELETE, b, 0], [OP_CREATE, c, set])).toEqual([0, 0, 0]);
    expect(backend.stats).toMatchObject({ created: 3, replaced: 1, deleted: 1, refused: 2 });
  });

  test('ids that mean nothing are refused', () => {
    const { ids, sets, write, walk } = setUp();
    expect(write([OP_CREATE, 4711, sets[0]!], [OP_CREATE, ids[0]!, 4711], [OP_CREATE, ids[0]!, 0])).toEqual([
      EINVAL,
      EINVAL,
      EINVAL,
    ]);
    expect(walk().size).toBe(0);
  });

  test('a walk that is overtaken by another one ends with an error', () => {
    const { backend, walk } = setUp();
    const first = backend.startDump(() => undefined);
    walk();
    expect(first.step()).toBe(false);
    expect(first.error).toBeDefined();
  });

  test('sees the links of the real kernel', () => {
    const { backend } = setUp();
    backend.open();
    try {
      let links = 0;
      backend.loadMirror((buf, start) => (links += readU16(buf, start + 4) === RTM_NEWLINK ? 1 : 0));
      expect(links).toBeGreaterThan(0);
      expect(backend.eventFd).toBeGreaterThanOrEqual(0);
      expect(backend.readEvents(() => undefined)).toBe('ok');
    } finally {
      backend.close();
    }
    expect(backend.eventFd).toBe(-1);
  });
});
