// The key rules against a small model of Linux's tables that knows no lists of bodies, no words and no fast paths: plain objects, one for
// each next hop. test/integration/virtual-kernel.test.ts compares both with the real kernel, where there is one to be had.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as nl from '../../../../wire/netlink/constants.js';
import type { RequestHop, RouteRequest } from '../../../support/route-requests.js';
import { E0, E1, Rig } from './rig.js';

interface Entry {
  metric: number;
  protocol: number;
  /** IPv4: all hops. IPv6: one, as each sibling is a route. */
  hops: string[];
  type: number;
}

/** One prefix's routes in the main table. */
class Model {
  private readonly ipv6: boolean;
  private entries: Entry[] = [];

  constructor(ipv6: boolean) {
    this.ipv6 = ipv6;
  }

  write(entry: Entry, flags: number): number {
    return this.ipv6 ? this.writeIpv6(entry, flags) : this.writeIpv4(entry, flags);
  }

  delete(metric: number | undefined, protocol: number, hop: string | undefined): number {
    const at = this.entries.findIndex(
      (entry) =>
        (metric === undefined || entry.metric === metric) &&
        (protocol === 0 || entry.protocol === protocol) &&
        (hop === undefined || (this.ipv6 ? entry.hops : entry.hops.slice(0, 1)).includes(hop)),
    );
    if (at < 0) return nl.ESRCH;
    const found = this.entries[at]!;
    const siblings = this.ipv6 && hop === undefined && found.hops.length > 0;
    this.entries = this.entries.filter((entry, i) =>
      siblings ? entry.metric !== found.metric || entry.hops.length === 0 : i !== at,
    );
    return 0;
  }

  /** Metric, type and sorted hops of each route, in the order of preference. */
  get routes(): string[] {
    const lines = new Map<string, string[]>();
    this.entries.forEach((entry, i) => {
      const key = this.ipv6 && entry.hops.length > 0 ? `${entry.metric} siblings` : `${entry.metric} ${i}`;
      const line = lines.get(key);
      if (line) line.push(...entry.hops);
      else lines.set(key, [`${entry.metric} type ${entry.type}`, ...entry.hops]);
    });
    return [...lines.values()].map(([head, ...hops]) => [head, ...hops.sort()].join(' '));
  }

  private writeIpv4(entry: Entry, flags: number): number {
    const same = this.entries.filter(({ metric }) => metric === entry.metric);
    if (same.length > 0) {
      if ((flags & nl.NLM_F_EXCL) !== 0) return nl.EEXIST;
      const twin = same.findIndex((other) => JSON.stringify(other) === JSON.stringify(entry));
      if ((flags & nl.NLM_F_REPLACE) !== 0) {
        if (twin > 0) return nl.EEXIST;
        this.entries[this.entries.indexOf(same[0]!)] = entry;
        return 0;
      }
      if (twin >= 0) return nl.EEXIST;
    }
    if ((flags & nl.NLM_F_CREATE) === 0) return nl.ENOENT;
    if ((flags & nl.NLM_F_APPEND) !== 0) this.entries.push(entry);
    else this.entries.unshift(entry);
    this.sort();
    return 0;
  }

  private writeIpv6(entry: Entry, flags: number): number {
    const same = this.entries.filter(({ metric }) => metric === entry.metric);
    if (same.length > 0 && (flags & nl.NLM_F_EXCL) !== 0) return nl.EEXIST;
    const each = entry.hops.length === 0 ? [entry] : entry.hops.map((hop) => ({ ...entry, hops: [hop] }));
    if ((flags & nl.NLM_F_REPLACE) !== 0) {
      if (same.length === 0 && (flags & nl.NLM_F_CREATE) === 0) return nl.ENOENT;
      this.entries = this.entries.filter(({ metric }) => metric !== entry.metric);
    } else if (same.some((other) => each.some((one) => JSON.stringify(one.hops) === JSON.stringify(other.hops)))) {
      return nl.EEXIST;
    }
    this.entries.push(...each);
    this.sort();
    return 0;
  }

  private sort(): void {
    this.entries.sort((a, b) => a.metric - b.metric);
  }
}

const C = nl.NLM_F_CREATE;
const flagSets = [C | nl.NLM_F_EXCL, C | nl.NLM_F_REPLACE, C, C | nl.NLM_F_APPEND, nl.NLM_F_REPLACE, 0];

function hopName(hop: RequestHop): string {
  return `via ${hop.via} dev ${hop.dev}`;
}

interface Step {
  verb: 'new' | 'del';
  flags: number;
  request: RouteRequest;
}

/**
 * Steps on one prefix. Blackholes of IPv6 have a metric of their own: beside gateways their place is not modelled. IPv6 routes of one
 * metric are one route of several hops in the virtual kernel, so they have one protocol: a daemon writes with no other than its own.
 */
function steps(dst: string, all: readonly RequestHop[]): fc.Arbitrary<Step[]> {
  const ipv6 = dst.includes(':');
  const metric = fc.constantFrom(20, 32, undefined);
  const protocol = ipv6 ? fc.constant(12) : fc.constantFrom(12, 186);
  const base = { dst: fc.constant(dst), protocol };
  const hops = fc.subarray([...all], { minLength: 1 });
  const blackhole = fc.record({
    ...base,
    type: fc.constant(nl.RTN_BLACKHOLE),
    metric: ipv6 ? fc.constant(40) : metric,
  });
  const created = fc.oneof({ weight: 4, arbitrary: fc.record({ ...base, hops, metric }) }, blackhole);
  const removed = fc.record({
    dst: fc.constant(dst),
    metric,
    protocol: fc.constantFrom(0, 12, 186),
    hops: fc.option(
      fc.constantFrom(...all).map((hop) => [hop]),
      { nil: undefined },
    ),
  });
  return fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          verb: fc.constant('new' as const),
          flags: fc.constantFrom(...flagSets),
          request: created,
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ verb: fc.constant('del' as const), flags: fc.constant(0), request: removed }),
      },
    ),
    { maxLength: 16 },
  ) as fc.Arbitrary<Step[]>;
}

function run(list: readonly Step[], ipv6: boolean): void {
  const rig = new Rig();
  const model = new Model(ipv6);
  for (const { verb, flags, request } of list) {
    const hops = (request.hops ?? []).map(hopName);
    const answer = rig.route(verb, flags | nl.NLM_F_REQUEST | nl.NLM_F_ACK, request);
    const metric = request.metric ?? (ipv6 ? 1024 : 0);
    const expected =
      verb === 'new'
        ? model.write({ metric, protocol: request.protocol!, hops, type: request.type ?? nl.RTN_UNICAST }, flags)
        : model.delete(request.metric, request.protocol!, hops[0]);
    expect(answer).toBe(expected);
    const routes = rig
      .dump(nl.RTM_GETROUTE, [ipv6 ? nl.AF_INET6 : nl.AF_INET])
      .filter((line) => line.startsWith(request.dst))
      .map((line) => /metric (\d+) .* type (\d+) ?(.*)/.exec(line)!)
      .map(([, m, type, rest]) =>
        [`${m} type ${type}`, ...rest!.replace(/ weight \d+/g, '').split(', ')].join(' ').trim(),
      );
    expect(routes).toEqual(model.routes);
    expect(rig.votes.has(request.dst)).toBe(routes.length > 0);
    expect(rig.kernel.routeCount).toBe(routes.length);
  }
}

test('IPv4: the rules of fib_trie.c', () => {
  const hops = [
    { via: '10.0.1.2', dev: E0 },
    { via: '10.0.1.3', dev: E0 },
    { via: '10.0.2.2', dev: E1 },
  ];
  fc.assert(
    fc.property(steps('192.0.2.0/24', hops), (list) => run(list, false)),
    { numRuns: 300 },
  );
});

test('IPv6: the rules of ip6_fib.c', () => {
  const hops = [2, 3, 4].map((n) => ({ via: `2001:db8:1::${n}`, dev: E0 }));
  fc.assert(
    fc.property(steps('2001:db8:77::/48', hops), (list) => run(list, true)),
    { numRuns: 300 },
  );
});
