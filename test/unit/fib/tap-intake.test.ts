import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TapIntake } from '../../../fib/tap-intake.js';
import type { TapIntakeOptions } from '../../../fib/tap-intake.js';
import { AttributeTable } from '../../../wire/attribute-table.js';
import { parseAddress } from '../../../wire/ip.js';
import { PrefixTable } from '../../../wire/prefix-table.js';
import { AS_PATH, attribute, concat, mpReach, mpUnreach, nlri, ORIGIN, update } from '../wire/build.js';

const LOCAL_PREF = attribute(0x40, 5, [0, 0, 0, 100]);
const ATTRIBUTES = concat(ORIGIN, AS_PATH, LOCAL_PREF);

function announce(nextHop: string, ...prefixes: string[]): Uint8Array {
  const address = [...parseAddress(nextHop)!];
  if (address.length === 16) return update({ attributes: [mpReach(2, 1, address, nlri(...prefixes)), ATTRIBUTES] });
  return update({ attributes: [ATTRIBUTES, attribute(0x40, 3, address)], nlri: nlri(...prefixes) });
}

function withdraw(...prefixes: string[]): Uint8Array {
  if (prefixes[0]!.includes(':')) return update({ attributes: [mpUnreach(2, 1, nlri(...prefixes))] });
  return update({ withdrawn: nlri(...prefixes) });
}

class Bench {
  readonly prefixes = new PrefixTable();
  readonly hops = new AttributeTable();
  /** Next hops that can be reached, with what they resolve to (any bytes do). */
  readonly reachable = new Map<string, number>();
  readonly tap: TapIntake;
  votes: string[] = [];
  /** By replica and prefix: the vote that counts. */
  readonly current = new Map<string, number>();

  constructor(options: Partial<TapIntakeOptions> = {}) {
    this.tap = new TapIntake({
      replicas: 2,
      prefixes: this.prefixes,
      hops: this.hops,
      resolver: {
        resolve: (_family, address, out) => {
          const what = this.reachable.get(address.join());
          if (what === undefined) return 0;
          out[0] = what;
          return 1;
        },
      },
      exclude: (prefix) => this.prefixes.format(prefix) === '198.18.255.1/32',
      vote: (r, prefix, hops, now) => {
        const said = hops === 0 ? 0 : this.hops.get(hops)[0]!;
        this.votes.push(`${r} ${this.prefixes.format(prefix)} ${said} @${now}`);
        this.current.set(`${r} ${this.prefixes.format(prefix)}`, said);
      },
      ...options,
    });
  }

  reach(nextHop: string, what: number | undefined): void {
    const key = parseAddress(nextHop)!.join();
    if (what === undefined) this.reachable.delete(key);
    else this.reachable.set(key, what);
  }

  update(r: number, message: Uint8Array, now = 0): string {
    return this.tap.update(r, message, 0, message.length, now).kind;
  }

  take(): string[] {
    return this.votes.splice(0).sort();
  }
}

describe('votes from a tap', () => {
  it('are what the next hop resolves to, for both families', () => {
    const bench = new Bench();
    bench.reach('10.0.1.2', 7);
    bench.reach('2001:db8::2', 8);
    expect(bench.update(0, announce('10.0.1.2', '192.0.2.0/24', '198.51.100.0/24'), 5)).toBe('sound');
    bench.update(1, announce('2001:db8::2', '2001:db8:1::/48'), 6);
    bench.update(1, announce('10.9.9.9', '192.0.2.0/24'), 7);
    expect(bench.take()).toEqual([
      '0 192.0.2.0/24 7 @5',
      '0 198.51.100.0/24 7 @5',
      '1 192.0.2.0/24 0 @7',
      '1 2001:db8:1::/48 8 @6',
    ]);
    bench.update(0, withdraw('192.0.2.0/24'), 8);
    bench.update(1, withdraw('2001:db8:1::/48'), 8);
    // What was never announced is nobody's vote, and no new prefix.
    const { size } = bench.prefixes;
    bench.update(0, withdraw('203.0.113.0/24', '192.0.2.0/24'), 9);
    expect(bench.take()).toEqual(['0 192.0.2.0/24 0 @8', '1 2001:db8:1::/48 0 @8']);
    expect(bench.prefixes.size).toBe(size);
    expect(bench.tap.votes).toBe(6);
  });

  it('take the global half of an IPv6 next hop', () => {
    const bench = new Bench();
    bench.reach('2001:db8::2', 8);
    const both = [...parseAddress('2001:db8::2')!, ...parseAddress('fe80::2')!];
    bench.update(0, update({ attributes: [mpReach(2, 1, both, nlri('2001:db8:1::/48')), ATTRIBUTES] }));
    expect(bench.take()).toEqual(['0 2001:db8:1::/48 8 @0']);
  });

  it('take each part of a message with its own next hop', () => {
    const bench = new Bench();
    bench.reach('10.0.1.2', 7);
    bench.reach('2001:db8::2', 8);
    const address = [...parseAddress('2001:db8::2')!];
    bench.update(
      0,
      update({
        withdrawn: nlri('10.1.0.0/16'),
        attributes: [mpReach(2, 1, address, nlri('2001:db8:1::/48')), ATTRIBUTES, attribute(0x40, 3, [10, 0, 1, 2])],
        nlri: nlri('10.2.0.0/16'),
      }),
    );
    expect(bench.take()).toEqual(['0 10.2.0.0/16 7 @0', '0 2001:db8:1::/48 8 @0']);
  });

  it('leave out what is excluded', () => {
    const bench = new Bench();
    bench.reach('10.0.1.2', 7);
    bench.update(0, announce('10.0.1.2', '198.18.255.1/32', '192.0.2.0/24'));
    bench.update(0, withdraw('198.18.255.1/32'));
    bench.tap.kernelChanged(1);
    expect(bench.take()).toEqual(['0 192.0.2.0/24 7 @0']);
  });

  it('treat a damaged route as withdrawn and use nothing of a message that cannot be read', () => {
    const bench = new Bench();
    bench.reach('10.0.1.2', 7);
    bench.update(0, announce('10.0.1.2', '192.0.2.0/24'));
    const badOrigin = update({
      attributes: [attribute(0x40, 1, [9]), AS_PATH, attribute(0x40, 3, [10, 0, 1, 2])],
      nlri: nlri('192.0.2.0/24', '10.0.0.0/8'),
    });
    expect(bench.update(0, badOrigin)).toBe('treat-as-withdraw');
    expect(bench.take()).toEqual(['0 192.0.2.0/24 0 @0', '0 192.0.2.0/24 7 @0']);
    expect(bench.update(0, update({ nlri: Uint8Array.of(33, 1, 2, 3, 4, 5) }))).toBe('reset');
    expect(bench.take()).toEqual([]);
  });

  it('change with the kernel, and only those that do', () => {
    const bench = new Bench();
    bench.reach('10.0.1.2', 7);
    bench.update(0, announce('10.0.1.2', '10.1.0.0/16', '10.2.0.0/16'));
    bench.update(1, announce('10.0.2.2', '10.1.0.0/16'));
    bench.take();
    bench.tap.kernelChanged(1);
    expect(bench.take()).toEqual([]);
    bench.reach('10.0.2.2', 9);
    bench.tap.kernelChanged(2);
    expect(bench.take()).toEqual(['1 10.1.0.0/16 9 @2']);
    bench.reach('10.0.1.2', undefined);
    bench.update(0, withdraw('10.2.0.0/16'), 3);
    bench.tap.kernelChanged(4);
    expect(bench.take()).toEqual(['0 10.1.0.0/16 0 @4', '0 10.2.0.0/16 0 @3']);
  });

  it('are forgotten with a session, of one family too', () => {
    const bench = new Bench();
    bench.update(0, announce('10.0.1.2', '10.1.0.0/16'));
    bench.update(0, announce('2001:db8::2', '2001:db8:1::/48'));
    bench.update(1, announce('10.0.1.2', '10.1.0.0/16'));
    bench.take();
    bench.tap.reset(0, 2);
    bench.reach('10.0.1.2', 7);
    bench.reach('2001:db8::2', 8);
    bench.tap.kernelChanged(1);
    expect(bench.take()).toEqual(['0 10.1.0.0/16 7 @1', '1 10.1.0.0/16 7 @1']);
    bench.tap.reset(1);
    bench.reach('10.0.1.2', 9);
    bench.tap.kernelChanged(2);
    expect(bench.take()).toEqual(['0 10.1.0.0/16 9 @2']);
  });

  it('survive sweeps of the tables', () => {
    const bench = new Bench();
    bench.reach('10.0.1.2', 7);
    bench.update(0, announce('10.0.1.2', '10.1.0.0/16', '10.2.0.0/16'));
    bench.update(0, withdraw('10.1.0.0/16'));
    const usedPrefixes = new Uint8Array(bench.prefixes.limit);
    const usedHops = new Uint8Array(bench.hops.limit);
    bench.hops.intern(Uint8Array.of(99), 0, 1);
    bench.tap.markPrefixes(usedPrefixes);
    bench.tap.markAttributes(usedHops);
    expect(bench.prefixes.sweep(usedPrefixes)).toBe(1);
    expect(bench.hops.sweep(usedHops)).toBe(1);
    bench.take();
    bench.update(0, announce('10.0.1.2', '10.3.0.0/16'), 1);
    expect(bench.take()).toEqual(['0 10.3.0.0/16 7 @1']);
    bench.reach('10.0.1.2', undefined);
    bench.tap.kernelChanged(2);
    expect(bench.take()).toEqual(['0 10.2.0.0/16 0 @2', '0 10.3.0.0/16 0 @2']);
  });

  it('count what finds no room, and make room where it can be made', () => {
    const bench = new Bench({ maxNextHops: 2 });
    for (const n of [1, 2, 3]) bench.reach(`10.0.0.${n}`, n);
    for (const n of [1, 2]) bench.update(0, announce(`10.0.0.${n}`, `10.${n}.0.0/16`), n);
    bench.update(0, withdraw('10.1.0.0/16'), 3);
    // The one that is not in use any more makes room.
    bench.update(0, announce('10.0.0.3', '10.3.0.0/16'), 4);
    bench.update(0, announce('10.0.0.1', '10.1.0.0/16'), 5);
    expect(bench.take()).toEqual([
      '0 10.1.0.0/16 0 @3',
      '0 10.1.0.0/16 0 @5',
      '0 10.1.0.0/16 1 @1',
      '0 10.2.0.0/16 2 @2',
      '0 10.3.0.0/16 3 @4',
    ]);
    expect(bench.tap.tableFull).toBe(1);
    // That nothing could be freed is not tried again before the kernel changes.
    bench.update(0, withdraw('10.2.0.0/16'), 6);
    bench.update(0, announce('10.0.0.1', '10.1.0.0/16'), 7);
    bench.tap.kernelChanged(8);
    bench.update(0, announce('10.0.0.1', '10.1.0.0/16'), 9);
    expect(bench.take()).toEqual(['0 10.1.0.0/16 0 @7', '0 10.1.0.0/16 1 @9', '0 10.2.0.0/16 0 @6']);
  });

  it('are what the last announcement and the last kernel say, whatever happened', () => {
    const prefix = fc.constantFrom('10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/16');
    const step = fc.oneof(
      fc.record({ do: fc.constant('announce' as const), r: fc.nat(1), prefix, n: fc.nat(8) }),
      fc.record({ do: fc.constant('withdraw' as const), r: fc.nat(1), prefix, n: fc.constant(0) }),
      fc.record({ do: fc.constant('kernel' as const), r: fc.constant(0), prefix, n: fc.nat(8) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        // Six are in use at most, so that there is always room for one more.
        const bench = new Bench({ maxNextHops: 7 });
        const wanted = new Map<string, string>();
        let generation = 1;
        for (const each of steps) {
          const nextHop = `10.0.0.${each.n}`;
          const key = `${each.r} ${each.prefix}`;
          if (each.do === 'announce') {
            wanted.set(key, parseAddress(nextHop)!.join());
            bench.update(each.r, announce(nextHop, each.prefix));
          } else if (each.do === 'withdraw') {
            wanted.delete(key);
            bench.update(each.r, withdraw(each.prefix));
          } else {
            bench.reach(nextHop, bench.reachable.has(parseAddress(nextHop)!.join()) ? undefined : ++generation);
            bench.tap.kernelChanged(0);
          }
          for (const [ballot, said] of bench.current) {
            expect(said, ballot).toBe(bench.reachable.get(wanted.get(ballot) ?? '') ?? 0);
          }
          for (const ballot of wanted.keys()) expect(bench.current.has(ballot)).toBe(true);
        }
        expect(bench.tap.tableFull).toBe(0);
      }),
    );
  });
});
