import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KernelMirror } from '../../../fib/kernel-mirror.js';
import { describeHops, MAX_HOPS_LENGTH } from '../../../fib/next-hops.js';
import { Resolver } from '../../../fib/resolver.js';
import type { Family } from '../../../wire/family.js';
import { parseAddress } from '../../../wire/ip.js';
import * as nl from '../../../wire/netlink/constants.js';
import { parsePrefix } from '../../../wire/prefix-text.js';
import { routeMessage } from '../netlink/build.js';
import { hop, linkMessage, route } from './kernel-messages.js';

function resolverOf(...messages: Uint8Array[]): (address: string) => string {
  const mirror = new KernelMirror({ protocol: 179 });
  for (const message of messages) mirror.apply(message, 0, message.length);
  const resolver = new Resolver(mirror);
  const out = new Uint8Array(MAX_HOPS_LENGTH);
  return (text) => {
    const address = parseAddress(text)!;
    const length = resolver.resolve(address.length === 4 ? 0 : 1, address, out);
    return length === 0 ? 'unreachable' : describeHops(out.subarray(0, length), (ifindex) => mirror.linkName(ifindex));
  };
}

const UP = [linkMessage(1), linkMessage(2), linkMessage(3)];
const DOWN = linkMessage(3, { flags: 0 });
const WITHOUT_CARRIER = linkMessage(3, { flags: nl.IFF_UP });
const CONNECTED = [route('10.0.1.0/24', [hop(1)]), route('10.0.2.0/24', [hop(2)]), route('10.0.3.0/24', [hop(3)])];

describe('next-hop resolution', () => {
  it('of a neighbour on the link is the neighbour itself', () => {
    const resolve = resolverOf(...UP, ...CONNECTED, route('fd00::/64', [hop(2)]));
    expect(resolve('10.0.1.9')).toBe('via 10.0.1.9 dev eth1');
    expect(resolve('fd00::9')).toBe('via fd00::9 dev eth2');
    expect(resolve('10.0.9.9')).toBe('unreachable');
    expect(resolve('fd01::9')).toBe('unreachable');
  });

  it('of an address behind a gateway is the gateway', () => {
    const resolve = resolverOf(
      ...UP,
      ...CONNECTED,
      route('192.0.2.0/24', [hop(1, '10.0.1.1')]),
      route('192.0.2.128/25', [hop(1, '10.0.1.1', 2), hop(2, '10.0.2.1', 3)]),
      route('0.0.0.0/0', [hop(2, 'fe80::1')]),
    );
    expect(resolve('192.0.2.1')).toBe('via 10.0.1.1 dev eth1');
    expect(resolve('192.0.2.200')).toBe(
      'nexthop via 10.0.1.1 dev eth1 weight 2 nexthop via 10.0.2.1 dev eth2 weight 3',
    );
    expect(resolve('8.8.8.8')).toBe('via fe80::1 dev eth2');
  });

  it('goes on to what is left when a link is down', () => {
    const resolve = resolverOf(
      ...UP,
      DOWN,
      ...CONNECTED,
      route('0.0.0.0/0', [hop(1, '10.0.1.1')]),
      route('192.0.2.0/24', [hop(3, '10.0.3.1')]),
      route('192.0.2.0/24', [hop(2, '10.0.2.1')], { metric: 9 }),
      route('198.51.100.0/24', [hop(3, '10.0.3.1'), hop(2, '10.0.2.1', 7)]),
    );
    expect(resolve('10.0.3.9')).toBe('via 10.0.1.1 dev eth1');
    expect(resolve('192.0.2.1')).toBe('via 10.0.2.1 dev eth2');
    // A lone hop has no weight.
    expect(resolve('198.51.100.1')).toBe('via 10.0.2.1 dev eth2');
  });

  it('goes on by gateways, but to no neighbours, over a link without carrier', () => {
    const resolve = resolverOf(
      ...UP,
      WITHOUT_CARRIER,
      ...CONNECTED,
      route('0.0.0.0/0', [hop(1, '10.0.1.1')]),
      route('192.0.2.0/24', [hop(3, '10.0.3.1')]),
    );
    expect(resolve('10.0.3.9')).toBe('via 10.0.1.1 dev eth1');
    expect(resolve('192.0.2.1')).toBe('via 10.0.3.1 dev eth3');
  });

  it('takes the lowest metric, and among equals the newest', () => {
    const event = nl.NLM_F_CREATE;
    const resolve = resolverOf(
      ...UP,
      route('192.0.2.0/24', [hop(1, '10.0.1.1')], { metric: 20 }),
      route('192.0.2.0/24', [hop(1, '10.0.1.2')], { metric: 10, flags: event }),
      route('192.0.2.0/24', [hop(1, '10.0.1.3')], { metric: 10, flags: event }),
    );
    expect(resolve('192.0.2.1')).toBe('via 10.0.1.3 dev eth1');
  });

  it('follows a route to nowhere', () => {
    const nowhere = (prefix: string, type: number) => routeMessage({ prefix, hops: Uint8Array.of(type, 0) });
    const resolve = resolverOf(nowhere('192.0.2.0/24', nl.RTN_BLACKHOLE), nowhere('192.0.3.0/24', nl.RTN_PROHIBIT));
    expect(resolve('192.0.2.1')).toBe('blackhole');
    expect(resolve('192.0.3.1')).toBe('prohibit');
  });

  it('finds no way to own addresses, the unreachable, over a link nobody knows, to a link-local address', () => {
    const unreachable = routeMessage({ prefix: '192.0.2.0/24', hops: Uint8Array.of(nl.RTN_UNREACHABLE, 0) });
    const resolve = resolverOf(
      ...UP,
      ...CONNECTED,
      unreachable,
      route('10.0.1.1/32', [hop(1)], { table: nl.RT_TABLE_LOCAL, type: nl.RTN_LOCAL }),
      route('10.0.1.255/32', [hop(1)], { table: nl.RT_TABLE_LOCAL, type: nl.RTN_BROADCAST }),
      route('0.0.0.0/0', [hop(1, '10.0.1.9')]),
      route('203.0.113.0/24', [hop(9, '10.0.1.9')]),
      route('fe80::/64', [hop(1)]),
    );
    for (const address of ['10.0.1.1', '10.0.1.255', '192.0.2.1', 'fe80::1']) {
      expect(resolve(address), address).toBe('unreachable');
    }
    expect(resolve('203.0.113.1')).toBe('via 10.0.1.9 dev eth1');
  });

  it('ignores other tables, and routes for a TOS or a source only', () => {
    const tos = route('192.0.2.0/24', [hop(1, '10.0.1.1')]);
    tos[16 + 3] = 4;
    const source = route('2001:db8::/32', [hop(1, 'fd00::1')]);
    source[16 + 2] = 64;
    const resolve = resolverOf(...UP, tos, source, route('192.0.2.0/24', [hop(1, '10.0.1.1')], { table: 100 }));
    expect(resolve('192.0.2.1')).toBe('unreachable');
    expect(resolve('2001:db8::1')).toBe('unreachable');
  });

  it('is the longest match of all routes over links that are up', () => {
    const bits = fc.constantFrom(0, 1, 7, 8, 9, 15, 16, 24, 31, 32);
    const address = fc.tuple(
      fc.constantFrom(10, 11, 138),
      fc.constantFrom(0, 1, 128),
      fc.constantFrom(0, 255),
      fc.nat(3),
    );
    const entry = fc.record({
      address,
      bits,
      ifindex: fc.integer({ min: 1, max: 3 }),
      gateway: fc.integer({ min: 1, max: 9 }),
    });
    const family = fc.constantFrom<Family>(0, 1);
    fc.assert(
      fc.property(
        family,
        fc.uniqueArray(entry, { selector: (e) => text(0, e.address, e.bits), maxLength: 12 }),
        address,
        (which, entries, asked) => {
          const resolve = resolverOf(
            ...UP,
            DOWN,
            ...entries.map((e) =>
              route(text(which, e.address, e.bits), [
                hop(e.ifindex, which === 0 ? `10.9.9.${e.gateway}` : `fd00::${e.gateway}`),
              ]),
            ),
          );
          const covers = (e: (typeof entries)[number]): boolean =>
            text(which, asked, e.bits) === text(which, e.address, e.bits) && e.ifindex !== 3;
          const best = entries.filter(covers).sort((a, b) => b.bits - a.bits)[0];
          const gateway = best && (which === 0 ? `10.9.9.${best.gateway}` : `fd00::${best.gateway}`);
          const expected = best ? `via ${gateway} dev eth${best.ifindex}` : 'unreachable';
          expect(resolve(text(which, asked, 32).split('/')[0]!)).toBe(expected);
        },
      ),
    );
  });
});

/** The prefix of four bytes, for IPv6 behind 2001::/16. */
function text(family: Family, bytes: readonly number[], bits: number): string {
  const [a, b, c, d] = bytes as [number, number, number, number];
  const hex = (high: number, low: number): string => ((high << 8) | low).toString(16);
  const whole = family === 0 ? `${a}.${b}.${c}.${d}/${bits}` : `2001:${hex(a, b)}:${hex(c, d)}::/${16 + bits}`;
  const prefix = parsePrefix(whole)!;
  const { address } = prefix;
  if (family === 0) return `${address.join('.')}/${bits}`;
  return `2001:${hex(address[2]!, address[3]!)}:${hex(address[4]!, address[5]!)}::/${16 + bits}`;
}
