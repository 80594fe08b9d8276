// The same hop in the words of different daemons is one vote.
import { describe, expect, it } from 'vitest';
import { KernelMirror } from '../../../fib/kernel-mirror.js';
import { describeHops } from '../../../fib/next-hops.js';
import { Resolver } from '../../../fib/resolver.js';
import { VoteHops } from '../../../fib/vote-hops.js';
import { AttributeTable } from '../../../wire/attribute-table.js';
import * as nl from '../../../wire/netlink/constants.js';
import { canonicalSet } from '../netlink/build.js';
import type { Hop } from '../netlink/build.js';
import { hop, linkMessage, route, unicast, UP } from './kernel-messages.js';

const onlink = (ifindex: number, gateway: string): Hop => ({ ...hop(ifindex, gateway), onlink: true });

function kernel() {
  const mirror = new KernelMirror({ protocol: 179 });
  const hops = new AttributeTable({});
  const votes = new VoteHops(hops, mirror, new Resolver(mirror));
  const tell = (...messages: Uint8Array[]): void => messages.forEach((each) => void mirror.apply(each, 0, each.length));
  tell(linkMessage(1), linkMessage(2), linkMessage(3, { name: 'ppp0', flags: UP | nl.IFF_POINTOPOINT }));
  tell(route('10.0.1.0/24', [hop(1)]), route('78.0.0.0/16', [hop(2)]), route('fd78::/32', [hop(2)]));
  tell(route('10.0.3.0/30', [hop(3)]));
  const intern = (set: Uint8Array): number => hops.intern(set, 0, set.length);
  const meaning = (set: Uint8Array): string =>
    describeHops(hops.get(votes.meaning(intern(set))), (ifindex) => mirror.linkName(ifindex));
  return { tell, votes, intern, meaning };
}

describe('next hops as votes', () => {
  it('stay as they are where there is one word for them', () => {
    const { votes, intern } = kernel();
    const sets = [
      unicast(hop(1, '10.0.1.2')),
      unicast(hop(1, '10.0.1.2', 2), hop(2, '78.0.0.1')),
      unicast(hop(2)),
      canonicalSet({ type: nl.RTN_BLACKHOLE, hops: [] }),
    ].map(intern);
    expect(sets.map((id) => votes.meaning(id))).toEqual(sets);
  });

  it('have no gateway on a point-to-point link', () => {
    const { meaning, votes, intern } = kernel();
    expect(meaning(unicast(hop(3, '10.0.3.2')))).toBe('dev ppp0');
    expect(meaning(unicast(onlink(3, '88.0.0.1')))).toBe('dev ppp0');
    expect(votes.meaning(intern(unicast(hop(3, '10.0.3.2'))))).toBe(votes.meaning(intern(unicast(hop(3)))));
    expect(meaning(unicast(hop(1, '10.0.1.2'), hop(3, '10.0.3.2')))).toBe(meaning(unicast(hop(1, '10.0.1.2'), hop(3))));
  });

  it('are onlink only where the kernel would not believe it otherwise', () => {
    const { meaning } = kernel();
    expect(meaning(unicast(onlink(2, '78.0.0.1')))).toBe('via 78.0.0.1 dev eth2');
    expect(meaning(unicast(onlink(2, 'fd78::1')))).toBe('via fd78::1 dev eth2');
    expect(meaning(unicast(onlink(2, 'fe80::1')))).toBe('via fe80::1 dev eth2');
    expect(meaning(unicast(onlink(2, '99.0.0.9')))).toBe('via 99.0.0.9 dev eth2 onlink');
    // On a link, but on another one.
    expect(meaning(unicast(onlink(2, '10.0.1.9')))).toBe('via 10.0.1.9 dev eth2 onlink');
  });

  it('are looked at anew when links have changed', () => {
    const { tell, votes, meaning } = kernel();
    expect(meaning(unicast(onlink(2, '99.0.0.9')))).toContain('onlink');
    tell(route('99.0.0.0/16', [hop(2)]));
    expect(meaning(unicast(onlink(2, '99.0.0.9')))).toContain('onlink');
    votes.forget();
    expect(meaning(unicast(onlink(2, '99.0.0.9')))).not.toContain('onlink');
  });
});
