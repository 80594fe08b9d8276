// What the real kernel says, sorted: what concerns our routes goes to the installer, all else to the mirror.
import { beforeEach, describe, expect, it } from 'vitest';
import { Installer, UNKNOWN_HOPS } from '../../../fib/installer.js';
import { KernelEvents } from '../../../fib/kernel-events.js';
import { KernelMirror } from '../../../fib/kernel-mirror.js';
import { createRouteBatch } from '../../../fib/route-batch.js';
import { AttributeTable } from '../../../wire/attribute-table.js';
import * as nl from '../../../wire/netlink/constants.js';
import { PrefixTable } from '../../../wire/prefix-table.js';
import type { RouteText } from '../netlink/build.js';
import { addressMessage, hop, linkMessage, neighborMessage, route, unicast } from './kernel-messages.js';

const OWN = { table: 254, protocol: 179, metric: 179 };
const NET = '203.0.113.0/24';
const NOW = 1000;

let prefixes: PrefixTable;
let hops: AttributeTable;
let installer: Installer;
let events: KernelEvents;
let pushed: string[];

const intern = (bytes: Uint8Array): number => hops.intern(bytes, 0, bytes.length);
const hear = (message: Uint8Array): void => events.message(message, 0, message.length, NOW);
const held = (): number => installer.installedHops(prefixes.findText(NET));
/** An event about a route with our key, unless said otherwise. */
const event = (gateway: string, change: Partial<RouteText> = {}): void =>
  hear(route(NET, [hop(2, gateway)], { ...OWN, ...change }));

beforeEach(() => {
  prefixes = new PrefixTable();
  hops = new AttributeTable();
  installer = new Installer();
  pushed = [];
  events = new KernelEvents(OWN, {
    ...{ mirror: new KernelMirror({ protocol: OWN.protocol }), prefixes, hops, installer },
    changed: ({ kind, action }) => pushed.push(`${action} ${kind}`),
  });
  hear(linkMessage(2));
  hear(addressMessage(2, '10.0.0.254/24'));
  installer.found(prefixes.parse(NET), intern(unicast(hop(2, '10.0.0.1'))));
  installer.want(prefixes.parse(NET), intern(unicast(hop(2, '10.0.0.1'))), NOW);
  [events.linksChanged, events.auditWanted, pushed] = [false, false, []];
});

describe('our own route', () => {
  it('that somebody removed or changed is repaired', () => {
    const batch = createRouteBatch(4);
    event('10.0.0.1', { messageType: nl.RTM_DELROUTE });
    expect([held(), installer.next(batch, NOW)]).toEqual([0, 1]);
    installer.settle(batch, NOW);
    event('10.0.0.9');
    expect(hops.get(held())).toEqual(unicast(hop(2, '10.0.0.9')));
    expect(pushed).toEqual([]);
  });

  it('is gone when somebody else’s took its place, and not by what has another key', () => {
    const before = held();
    for (const other of [{ metric: 180 }, { table: 100 }, { metric: 0 }]) event('10.0.0.9', { ...other, protocol: 4 });
    for (const other of [{ metric: 180 }, { table: 100 }]) {
      event('10.0.0.1', { ...other, messageType: nl.RTM_DELROUTE });
    }
    event('10.0.0.9', { protocol: 4, messageType: nl.RTM_DELROUTE });
    expect(held()).toBe(before);
    event('10.0.0.9', { protocol: 4 });
    expect(held()).toBe(0);
  });

  it('with a type of service has another key, whoever’s it is', () => {
    const before = held();
    for (const protocol of [4, OWN.protocol]) {
      for (const type of [nl.RTM_NEWROUTE, nl.RTM_DELROUTE]) {
        const message = route(NET, [hop(2, '10.0.0.9')], { ...OWN, protocol, messageType: type });
        message[16 + 3] = 16;
        hear(message);
      }
    }
    expect(held()).toBe(before);
  });

  it('of a kind that we do not write is known as such', () => {
    const message = route(NET, [hop(2)], { ...OWN, type: nl.RTN_LOCAL });
    hear(message);
    expect([held(), installer.counters.interfered]).toEqual([UNKNOWN_HOPS, 1]);
  });

  it('for a prefix that nobody knows asks for an audit, and its removal for nothing', () => {
    const size = prefixes.size;
    hear(route('192.0.2.0/24', [hop(2, '10.0.0.1')], { ...OWN, messageType: nl.RTM_DELROUTE }));
    expect(events.auditWanted).toBe(false);
    hear(route('192.0.2.0/24', [hop(2, '10.0.0.1')], OWN));
    expect([events.auditWanted, prefixes.size]).toEqual([true, size]);
  });
});

describe('all else', () => {
  it('goes to the replicas once it is new, with what follows from it', () => {
    const asked = (message: Uint8Array): [boolean, boolean, string[]] => {
      [events.linksChanged, events.auditWanted, pushed] = [false, false, []];
      hear(message);
      return [events.linksChanged, events.auditWanted, pushed];
    };
    expect(asked(linkMessage(3))).toEqual([true, true, ['new link']]);
    expect(asked(linkMessage(3))).toEqual([false, false, []]);
    expect(asked(addressMessage(3, '10.3.0.1/24'))).toEqual([true, true, ['new address']]);
    expect(asked(route('10.9.0.0/16', [hop(2, '10.0.0.7')], { protocol: 4 }))).toEqual([true, false, ['new route']]);
    expect(asked(neighborMessage(2, '10.0.0.7', 2, 1))).toEqual([false, false, ['new neighbor']]);
  });

  it('a link that goes down takes the routes over it out of our belief, and no others', () => {
    const other = prefixes.parse('192.0.2.0/24');
    installer.found(other, intern(unicast(hop(3, '10.3.0.2'))));
    installer.want(other, installer.installedHops(other), NOW);
    hear(linkMessage(2, { flags: 0 }));
    expect(held()).toBe(0);
    expect(installer.installedHops(other)).not.toBe(0);
  });

  it('hostile bytes do nothing', () => {
    const before = held();
    const messages = [linkMessage(2), addressMessage(2, '10.0.0.254/24'), route(NET, [hop(2, '10.0.0.9')], OWN)];
    for (const message of messages) {
      for (let end = 0; end < 28; end++) events.message(message, 0, Math.min(end, message.length), NOW);
    }
    expect(held()).toBe(before);
  });
});
