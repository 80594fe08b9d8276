// advertise-after-install with the real voter and emitter: nothing is announced that the forwarding table does not hold, and everything
// that it holds is.
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { Emitter } from '../../../hypervisor/emitter.js';
import { InstallGate } from '../../../hypervisor/install-gate.js';
import { CollectedTable } from '../../../traces/collector.js';
import { AttributeTable } from '../../../wire/attribute-table.js';
import { PrefixTable } from '../../../wire/prefix-table.js';
import { attributesOf, prefix6At, prefixAt, type Route } from '../../support/router-routes.js';
import { Rig } from '../voter/helpers.js';

class Bench {
  readonly prefixes = new PrefixTable();
  readonly attributes = new AttributeTable();
  readonly rig = new Rig('continuous-majority', 1);
  readonly table = new CollectedTable();
  readonly gate: InstallGate;
  readonly emitter: Emitter;
  opened = 0;

  constructor(networks: string[] = []) {
    this.gate = new InstallGate(this.prefixes, networks, (prefix) => {
      this.opened++;
      this.rig.voter.requeue(prefix);
    });
    const session = { as4: true, families: 3, maxMessage: 4096 };
    this.emitter = new Emitter(this.rig.voter, this, session, () => undefined, this.gate);
  }

  vote(prefix: string, route: Route | undefined): void {
    const id = this.prefixes.parse(prefix);
    const family = this.prefixes.family(id);
    const bytes = route && attributesOf(family, route, family === 0 ? '10.0.0.1' : 'fd00::1');
    this.rig.vote(id, bytes ? this.attributes.intern(bytes, 0, bytes.length) : 0);
  }

  note(held: boolean, ...prefixes: string[]): void {
    for (const prefix of prefixes) {
      const id = this.prefixes.parse(prefix);
      const nlri = new Uint8Array(17);
      const length = this.prefixes.writeNlri(id, nlri, 0);
      this.gate.note(this.prefixes.family(id), nlri.subarray(0, length), held);
    }
  }

  /** Sends all there is; returns the prefixes that the neighbour then holds. */
  drain(): string[] {
    for (let bytes = this.emitter.next(); bytes !== undefined; bytes = this.emitter.next()) {
      for (let at = 0; at < bytes.length;) {
        const end = at + ((bytes[at + 16] << 8) | bytes[at + 17]);
        this.table.update(bytes, at, end, { as4: true, ebgp: true, families: 3 });
        at = end;
      }
    }
    return this.held;
  }

  get held(): string[] {
    return [...this.universe].filter((prefix) => this.table.get(prefix) !== undefined);
  }

  readonly universe = [0, 1, 2, 3].flatMap((i) => [prefixAt(i), prefix6At(i)]);
}

describe('the install gate', () => {
  let bench: Bench;
  const [a, b, six] = [prefixAt(0), prefixAt(1), prefix6At(0)];
  const route: Route = { path: [65000, 7] };
  const other: Route = { path: [65000, 8] };

  beforeEach(() => void (bench = new Bench()));

  test('holds an announcement until the route is installed', () => {
    for (const prefix of [a, b, six]) bench.vote(prefix, route);
    expect(bench.drain()).toEqual([]);
    expect(bench.emitter.waits).toBe(true);
    bench.note(true, b, six);
    expect(bench.drain().sort()).toEqual([b, six].sort());
    bench.note(true, a);
    expect(bench.drain()).toHaveLength(3);
    expect(bench.emitter.waits).toBe(false);
  });

  test('lets through what was installed before it was voted for', () => {
    bench.note(true, a);
    bench.vote(a, route);
    expect(bench.drain()).toEqual([a]);
  });

  test('withdrawals and own networks need no permission', () => {
    bench = new Bench([b]);
    bench.note(true, a);
    bench.vote(a, route);
    bench.vote(b, route);
    expect(bench.drain()).toHaveLength(2);
    bench.note(false, a, b);
    bench.vote(a, undefined);
    expect(bench.drain()).toEqual([b]);
    bench.vote(b, other);
    expect(bench.drain()).toEqual([b]);
    expect(bench.emitter.waits).toBe(false);
  });

  test('after a removal the next announcement waits again, and what is out stays until it is withdrawn', () => {
    bench.note(true, a);
    bench.vote(a, route);
    expect(bench.drain()).toEqual([a]);
    bench.note(false, a);
    bench.vote(a, other);
    expect(bench.drain()).toEqual([a]);
    expect(bench.emitter.waits).toBe(true);
    bench.vote(a, undefined);
    expect(bench.drain()).toEqual([]);
    bench.vote(a, other);
    expect(bench.drain()).toEqual([]);
    bench.note(true, a);
    expect(bench.drain()).toEqual([a]);
  });

  test('nothing waits any more when what waited is not wanted any more', () => {
    bench.vote(a, route);
    bench.drain();
    expect(bench.emitter.waits).toBe(true);
    bench.vote(a, undefined);
    bench.drain();
    expect(bench.emitter.waits).toBe(false);
    bench.note(true, a);
    expect(bench.drain()).toEqual([]);
  });

  test('the same news twice opens once, and broken news does no harm', () => {
    bench.note(true, a, a);
    expect(bench.opened).toBe(1);
    bench.gate.note(0, Uint8Array.of(24, 20, 0), true);
    bench.gate.note(0, Uint8Array.of(200, 1, 2, 3, 4), true);
    bench.gate.note(0, Uint8Array.of(8, 99), false);
    expect(bench.opened).toBe(1);
  });

  test('its prefixes keep their ids over a sweep', () => {
    bench.note(true, a, six);
    bench.note(true, b);
    bench.note(false, b);
    const used = new Uint8Array(bench.prefixes.limit);
    bench.gate.markPrefixes(used);
    bench.prefixes.sweep(used);
    expect([a, b, six].map((prefix) => bench.prefixes.findText(prefix) !== 0)).toEqual([true, false, true]);
  });

  test('any order of votes and news: never announced before it is held, and in the end exactly what is voted and held', () => {
    const step = fc.record({
      prefix: fc.nat(7),
      act: fc.constantFrom('route', 'other', 'none', 'hold', 'drop', 'drain', 'wait'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const under = new Bench();
        const votes = new Map<string, Route | undefined>();
        const holds = new Set<string>();
        for (const { prefix: i, act } of steps) {
          const prefix = under.universe[i];
          if (act === 'hold' || act === 'drop') {
            under.note(act === 'hold', prefix);
            if (act === 'hold') holds.add(prefix);
            else holds.delete(prefix);
          } else if (act === 'drain') {
            const before = new Set(under.held);
            for (const now of under.drain()) if (!before.has(now)) expect(holds.has(now)).toBe(true);
          } else if (act === 'wait') {
            expect(typeof under.emitter.waits).toBe('boolean');
          } else {
            votes.set(prefix, act === 'none' ? undefined : act === 'route' ? route : other);
            under.vote(prefix, votes.get(prefix));
          }
        }
        under.note(true, ...under.universe);
        const wanted = under.universe.filter((prefix) => votes.get(prefix) !== undefined);
        expect(under.drain()).toEqual(wanted);
        expect(under.emitter.waits).toBe(false);
      }),
    );
  });
});
