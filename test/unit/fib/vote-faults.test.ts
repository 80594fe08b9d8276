// Faults put between a replica and its votes: what the ballots see while they hold, and that nothing is left of them afterwards.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeHops } from '../../../fib/next-hops.js';
import { VoteFaults } from '../../../fib/vote-faults.js';
import type { VoteFault } from '../../../fib/vote-faults.js';
import { AttributeTable } from '../../../wire/attribute-table.js';
import { parseAddress } from '../../../wire/ip.js';
import { EngineRig } from './engine-rig.js';
import { hop, unicast } from './kernel-messages.js';

const NET = '203.0.113.0/24';
const OTHER = '198.51.100.0/24';
const RIGHT = '10.0.0.1';

const hops = new AttributeTable();
const set = (...gateways: string[]): number => {
  const bytes = unicast(...gateways.map((gateway) => hop(2, gateway)));
  return hops.intern(bytes, 0, bytes.length);
};
const words = (id: number): string => (id === 0 ? 'none' : describeHops(hops.get(id), (ifindex) => `if${ifindex}`));

/** One replica's votes, as the voter has them, and its probes that came through. */
class Bench {
  readonly votes = new Map<number, number>();
  readonly probes: number[] = [];
  readonly faults: VoteFaults;

  constructor(said: Record<number, number> = {}) {
    for (const [prefix, id] of Object.entries(said)) this.votes.set(Number(prefix), id);
    this.faults = new VoteFaults({
      hops,
      limit: () => 20,
      current: (prefix) => this.votes.get(prefix) ?? 0,
      cast: (prefix, id) => this.votes.set(prefix, id),
      probe: (n) => this.probes.push(n),
    });
  }

  words(...prefixes: number[]): string[] {
    return prefixes.map((prefix) => words(this.votes.get(prefix) ?? 0));
  }
}

describe('one fault', () => {
  const [a, b] = [set(RIGHT), set('10.0.0.9')];

  it('drops routes: those it names, or all, also those that come later', () => {
    const bench = new Bench({ 1: a, 2: b });
    bench.faults.set(7, { kind: 'drop', prefixes: new Set([2]) }, 0);
    expect(bench.words(1, 2)).toEqual([`via ${RIGHT} dev if2`, 'none']);
    bench.faults.set(7, { kind: 'drop' }, 0);
    bench.faults.vote(3, a, 0);
    expect(bench.words(1, 2, 3)).toEqual(['none', 'none', 'none']);
    bench.faults.set(7, undefined, 0);
    expect(bench.words(1, 2, 3)).toEqual([`via ${RIGHT} dev if2`, 'via 10.0.0.9 dev if2', `via ${RIGHT} dev if2`]);
    expect(bench.faults.active).toBe(false);
  });

  it('has routes go by another gateway, in either family', () => {
    const v6 = unicast(hop(3, '2001:db8::1'));
    const bench = new Bench({ 1: a, 2: hops.intern(v6, 0, v6.length), 3: 0 });
    bench.faults.set(1, { kind: 'gateway' }, 0);
    expect(bench.words(1, 2, 3)).toEqual(['via 10.0.0.0 dev if2', 'via 2001:db8:: dev if3', 'none']);
    bench.faults.set(1, { kind: 'gateway', address: parseAddress('10.0.0.66') }, 0);
    expect(bench.words(1, 2)).toEqual(['via 10.0.0.66 dev if2', 'via 2001:db8::1 dev if3']);
  });

  it('makes a route up where there is none, and keeps one that is withdrawn', () => {
    const bench = new Bench({ 1: a });
    bench.faults.set(1, { kind: 'extra', hops: b, prefixes: new Set([1, 5]) }, 0);
    expect(bench.words(1, 5)).toEqual([`via ${RIGHT} dev if2`, 'via 10.0.0.9 dev if2']);
    bench.faults.vote(1, 0, 0);
    expect(bench.words(1)).toEqual(['via 10.0.0.9 dev if2']);
    bench.faults.set(1, undefined, 0);
    expect(bench.words(1, 5)).toEqual(['none', 'none']);
  });

  it('lets votes go stale', () => {
    const bench = new Bench({ 1: a, 2: a });
    bench.faults.set(1, { kind: 'stale', prefixes: new Set([1]) }, 0);
    bench.faults.vote(1, b, 0);
    bench.faults.vote(2, b, 0);
    expect(bench.words(1, 2)).toEqual([`via ${RIGHT} dev if2`, 'via 10.0.0.9 dev if2']);
    bench.faults.set(1, undefined, 0);
    expect(bench.words(1)).toEqual(['via 10.0.0.9 dev if2']);
  });

  it('delays what is said, probes behind it, and holds nothing back when it ends', () => {
    const bench = new Bench({ 1: a });
    bench.faults.set(1, { kind: 'delay', ms: 100 }, 0);
    bench.faults.vote(1, b, 10);
    bench.faults.probe(3, 20);
    bench.faults.vote(1, 0, 30);
    bench.faults.tick(109);
    expect([bench.words(1), bench.probes]).toEqual([[`via ${RIGHT} dev if2`], []]);
    bench.faults.tick(110);
    expect([bench.words(1), bench.probes]).toEqual([['none'], []]);
    bench.faults.tick(120);
    expect([bench.probes, bench.faults.waiting]).toEqual([[3], false]);
    bench.faults.vote(1, b, 130);
    bench.faults.probe(4, 130);
    bench.faults.set(1, undefined, 131);
    expect([bench.words(1), bench.probes]).toEqual([['via 10.0.0.9 dev if2'], [3, 4]]);
  });

  it('outlives a new start: a route that is made up is there again at once, nothing else is', () => {
    const bench = new Bench({ 1: a });
    bench.faults.set(1, { kind: 'extra', hops: b, prefixes: new Set([5]) }, 0);
    bench.faults.set(2, { kind: 'delay', ms: 10 }, 0);
    bench.faults.vote(2, a, 0);
    bench.votes.clear();
    bench.faults.reset(1);
    bench.faults.tick(1000);
    expect(bench.words(1, 2, 5)).toEqual(['none', 'none', 'via 10.0.0.9 dev if2']);
  });
});

describe('any faults', () => {
  const prefix = fc.integer({ min: 1, max: 30 });
  const ids = [0, set(RIGHT), set('10.0.0.9'), set(RIGHT, '10.0.0.9')];
  const some = fc.option(
    fc.uniqueArray(prefix, { minLength: 1, maxLength: 5 }).map((each) => new Set(each)),
    { nil: undefined },
  );
  const fault: fc.Arbitrary<VoteFault> = fc.oneof(
    fc.record({ kind: fc.constantFrom('drop' as const, 'stale' as const, 'gateway' as const), prefixes: some }),
    fc
      .record({ kind: fc.constant('extra' as const), hops: fc.constantFrom(...ids.slice(1)), prefixes: some })
      .map(({ prefixes = new Set([3]), ...rest }) => ({ ...rest, prefixes })),
    fc.record({ kind: fc.constant('delay' as const), ms: fc.integer({ min: 1, max: 50 }) }),
  );
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ what: fc.constant('vote' as const), prefix, id: fc.constantFrom(...ids) }) },
    fc.record({ what: fc.constant('set' as const), id: fc.nat(3), fault: fc.option(fault, { nil: undefined }) }),
    fc.record({ what: fc.constant('time' as const), ms: fc.nat(40) }),
  );

  it('are forgotten without a trace, and let every probe through once', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const bench = new Bench({ 1: ids[1]!, 4: ids[2]! });
        const said = new Map(bench.votes);
        let now = 0;
        let probes = 0;
        for (const each of steps) {
          if (each.what === 'time') bench.faults.tick((now += each.ms));
          else if (each.what === 'set') bench.faults.set(each.id, each.fault, now);
          else {
            said.set(each.prefix, each.id);
            bench.faults.vote(each.prefix, each.id, now);
            bench.faults.probe(probes++, now);
          }
        }
        for (let id = 0; id <= 3; id++) bench.faults.set(id, undefined, now);
        expect([bench.faults.active, bench.faults.waiting]).toEqual([false, false]);
        const known = [...bench.votes].filter(([, id]) => id !== 0).sort();
        expect(known).toEqual([...said].filter(([, id]) => id !== 0).sort());
        expect(bench.probes).toEqual(Array.from({ length: probes }, (_, n) => n));
      }),
    );
  });
});

describe('in the engine', () => {
  it('a fault of one replica is outvoted, found, and over when it ends', () => {
    const rig = new EngineRig({ strategy: 'continuous-majority' });
    rig.elect(0, 1, 2);
    for (const net of [NET, OTHER]) for (const r of [0, 1, 2]) rig.write(r, net, RIGHT);
    rig.run(25);
    const { engine } = rig;
    const net = engine.prefixes.findText(NET);
    engine.votes.inject(1, 1, { kind: 'gateway', prefixes: new Set([net]) }, rig.now);
    rig.run(1500);
    rig.caughtUp(0, 1, 2);
    rig.run(2000);
    expect([engine.voter.dissenters(net), engine.voter.dissenters(engine.prefixes.findText(OTHER))]).toEqual([
      0b010, 0,
    ]);
    expect(rig.kernel.get(NET)).toBe(`via ${RIGHT} dev if2`);
    engine.votes.inject(1, 1, undefined, rig.now);
    rig.run(2000);
    expect(engine.voter.stats()).toMatchObject({ contested: 0, dissents: [0, 0, 0], present: [2, 2, 2] });
  });

  it('what the replica really says survives a sweep of the tables while a fault hides it', () => {
    const rig = new EngineRig({ limits: { maxPrefixes: 40 } });
    rig.elect(0, 1, 2);
    rig.write(1, NET, RIGHT);
    rig.engine.votes.inject(1, 1, { kind: 'drop' }, rig.now);
    for (let i = 0; i < 30; i++) {
      rig.write(0, `10.9.${i}.0/24`, RIGHT);
      rig.write(0, `10.9.${i}.0/24`, undefined);
    }
    rig.run(5000);
    expect(rig.engine.sweepIfGrown(rig.now)).toBe(true);
    rig.engine.votes.inject(1, 1, undefined, rig.now);
    const { voter, prefixes, hops: table } = rig.engine;
    const vote = voter.currentVote(1, prefixes.findText(NET));
    expect(describeHops(table.get(vote), () => 'x')).toBe(`via ${RIGHT} dev x`);
  });
});
