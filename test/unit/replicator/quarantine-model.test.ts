// Suspects and quarantine against a naive model: whatever happens in whatever order, each replica ends with what the neighbours say less
// what is withheld from it, is never given the bytes of a quarantined message, and what counts as in flight is what it was given since.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Delivery } from '../../../replicator/types.js';
import { ALL_FAMILIES } from '../../../wire/family.js';
import { attributesOf, Bench, emptyReach, hex, messagesOf, ModelRib, unreachIpv4 } from './helpers.js';

const NEIGHBORS = [0, 1];
const DELIVERIES: Delivery[] = ['raw', 'repaired', 'normalised'];

interface ModelFeed {
  id: number;
  neighbor: number;
  rib: ModelRib;
  /** What it was given: each message, and where the probes stood that matter. */
  given: string[];
  out?: number;
  returned?: number;
  proven: number;
}

interface ModelEntry {
  id: number;
  replica: number;
  bytes: string;
  routes: string[];
}

class Model {
  readonly bench: Bench;
  readonly said = NEIGHBORS.map(() => new ModelRib());
  readonly feeds = DELIVERIES.map(() => NEIGHBORS.map((): ModelFeed | undefined => undefined));
  readonly held = DELIVERIES.map(() => new Set<number>());
  /** By replica: feeds that were closed; what was in flight on them still is. */
  readonly closed = DELIVERIES.map((): ModelFeed[] => []);
  entries: ModelEntry[] = [];
  private now = 1000;

  constructor(maxQueueBytes: number) {
    this.bench = new Bench({ maxQueueBytes });
    for (const n of NEIGHBORS) {
      this.bench.replicator.neighborUp(n, ALL_FAMILIES, 0);
      DELIVERIES.forEach((_, r) => this.open(r, n));
    }
  }

  get replicator() {
    return this.bench.replicator;
  }

  open(r: number, n: number, window?: number): void {
    const before = this.feeds[r][n];
    if (before) {
      this.replicator.closeFeed(before.id);
      this.closed[r].push(before);
    }
    const id = this.replicator.openFeed(r, n, ALL_FAMILIES, this.now, { deliver: DELIVERIES[r], window });
    this.feeds[r][n] = { id, neighbor: n, rib: new ModelRib(), given: [], proven: 0 };
  }

  /** Replica `r` ends and comes back. */
  restart(r: number): void {
    this.replicator.replicaEnded(r);
    this.closed[r] = [];
    this.feeds[r] = NEIGHBORS.map(() => undefined);
    for (const n of NEIGHBORS) this.open(r, n);
  }

  receive(n: number, message: Uint8Array): void {
    this.now += 3;
    this.bench.receive(n, message, this.now);
    this.said[n].apply(message);
  }

  pull(r: number, n: number, bytes: number): number {
    const feed = this.feeds[r][n]!;
    const stream = this.bench.pull(feed.id, bytes);
    feed.rib.apply(stream);
    for (const message of messagesOf(stream).map(hex)) {
      for (const entry of this.entries) {
        if (entry.replica === r) expect(message, `poison given to replica ${r}`).not.toBe(entry.bytes);
      }
      feed.given.push(message);
    }
    return stream.length;
  }

  /** `kept`: of the session with this neighbour, something has not left yet. */
  probeSent(r: number, kept?: number): void {
    const handed = (this.feeds[r] as ModelFeed[]).filter(({ neighbor }) => neighbor !== kept);
    this.replicator.probeSent(r, new Set(handed.map(({ id }) => id)));
    for (const feed of [...this.closed[r], ...handed]) feed.out = feed.given.length;
  }

  probeReturned(r: number): void {
    this.replicator.probeReturned(r);
    for (const feed of this.allOf(r)) {
      feed.proven = feed.returned ?? feed.proven;
      feed.returned = feed.out ?? feed.returned;
      feed.out = undefined;
    }
  }

  /** What is in flight is exactly what was given and has not been proven; an End-of-RIB says nothing. */
  checkSuspects(r: number): void {
    const suspects = this.replicator.suspects(r);
    for (const n of NEIGHBORS) {
      const feeds = this.allOf(r).filter(({ neighbor }) => neighbor === n);
      const inFlight = feeds.flatMap(({ given, proven }) => given.slice(proven));
      const expected = inFlight.filter((message) => !isEndOfRib(message));
      const found = suspects.filter(({ neighbor }) => neighbor === n).map(({ bytes }) => hex(bytes));
      expect(found.filter((message) => !isEndOfRib(message)).sort()).toEqual(expected.sort());
    }
  }

  private allOf(r: number): ModelFeed[] {
    return [...this.closed[r], ...(this.feeds[r] as ModelFeed[])];
  }

  quarantine(r: number, pick: (i: number) => boolean): void {
    const suspects = this.replicator.suspects(r).filter((_, i) => pick(i));
    const ids = this.replicator.withholding.quarantine(r, suspects, 'test', (this.now += 1));
    expect(ids.length).toBe(suspects.length);
    suspects.forEach(({ bytes }, i) => {
      const rib = new ModelRib();
      rib.apply(bytes);
      const routes = [...new Set(rib.routes.values())];
      if (routes.length > 0) expect(ids[i]).not.toBe(0);
      if (ids[i] !== 0) this.entries.push({ id: ids[i], replica: r, bytes: hex(bytes), routes });
    });
  }

  release(i: number): void {
    if (this.entries.length === 0) return;
    const [entry] = this.entries.splice(i % this.entries.length, 1);
    expect(this.replicator.withholding.release(entry.id, (this.now += 1))).toBe(true);
  }

  /** What replica `r` may know of neighbour `n`. */
  allowed(r: number, n: number): [string, string][] {
    const poison = new Set(this.entries.filter(({ replica }) => replica === r).flatMap(({ routes }) => routes));
    return [...this.said[n].routes].filter(([, route]) => !poison.has(route));
  }

  checkHolds(): void {
    for (
      let changes = this.replicator.withholding.drainHolds(4);
      changes.length > 0;
      changes = this.replicator.withholding.drainHolds(4)
    ) {
      for (const { replica, prefix, hold } of changes) {
        expect(this.held[replica].has(prefix)).toBe(!hold);
        if (hold) this.held[replica].add(prefix);
        else this.held[replica].delete(prefix);
      }
    }
    this.held.forEach((held, r) => {
      const withheld = NEIGHBORS.flatMap((n) => {
        const allowed = new Map(this.allowed(r, n));
        return [...this.said[n].routes.keys()].filter((prefix) => !allowed.has(prefix));
      });
      expect([...held].map((id) => this.bench.prefixes.format(id)).sort()).toEqual([...new Set(withheld)].sort());
    });
  }

  finish(): void {
    for (const [r, feeds] of this.feeds.entries()) {
      for (const n of NEIGHBORS) {
        const { id, rib } = feeds[n]!;
        for (let turns = 0; !this.replicator.isCaughtUp(id); turns++) {
          expect(turns).toBeLessThan(500);
          if (this.pull(r, n, 60) > 0) continue;
          this.probeSent(r);
          this.probeReturned(r);
        }
        expect([...rib.routes].sort()).toEqual(this.allowed(r, n).sort());
      }
    }
  }
}

function isEndOfRib(message: string): boolean {
  return message.slice(36) === '0200000000' || message.slice(36) === '02000000' + '06800f03000201';
}

const replica = fc.nat(DELIVERIES.length - 1);
const neighbor = fc.constantFrom(...NEIGHBORS);
const prefix = fc.integer({ min: 0, max: 11 }).map((i) => (i < 8 ? `10.${i}.0.0/16` : `2001:db8:${i}::/48`));
const ipv4 = fc.integer({ min: 0, max: 7 }).map((i) => `10.${i}.0.0/16`);
const BROKEN_ORIGIN = [0x40, 1, 1, 7];
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('announce' as const), neighbor, prefix, origin: fc.nat(5) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('broken' as const), neighbor, prefix: ipv4, origin: fc.nat(2) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('withdraw' as const), neighbor, prefix }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unreach' as const), neighbor, prefix: ipv4 }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('empty' as const), neighbor }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('eor' as const),
      neighbor,
      family: fc.constantFrom(0 as const, 1 as const),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('pull' as const), replica, neighbor, bytes: fc.nat(300) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('probe' as const), replica, kept: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('returned' as const), replica }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('quarantine' as const), replica, mask: fc.nat(255), dies: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), entry: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('refresh' as const),
      replica,
      neighbor,
      family: fc.constantFrom(0 as const, 1 as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('reopen' as const),
      replica,
      neighbor,
      window: fc.constantFrom(undefined, 1, 3),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flap' as const), neighbor }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function take(model: Model, s: Step): void {
  const { bench, replicator } = model;
  if (s.kind === 'announce')
    model.receive(s.neighbor, bench.announcement(attributesOf(s.origin, s.prefix.includes(':')), s.prefix));
  else if (s.kind === 'broken') {
    const attributes = Uint8Array.from([...BROKEN_ORIGIN, ...attributesOf(s.origin).subarray(4)]);
    model.receive(s.neighbor, bench.announcement(attributes, s.prefix));
  } else if (s.kind === 'withdraw') model.receive(s.neighbor, bench.withdrawal(s.prefix));
  else if (s.kind === 'unreach') model.receive(s.neighbor, unreachIpv4(bench, s.prefix));
  else if (s.kind === 'empty') model.receive(s.neighbor, emptyReach());
  else if (s.kind === 'eor') model.receive(s.neighbor, bench.endOfRib(s.family));
  else if (s.kind === 'pull') model.pull(s.replica, s.neighbor, s.bytes);
  else if (s.kind === 'probe') model.probeSent(s.replica, s.kept);
  else if (s.kind === 'returned') model.probeReturned(s.replica);
  else if (s.kind === 'quarantine') {
    model.checkSuspects(s.replica);
    model.quarantine(s.replica, (i) => ((s.mask >>> (i & 7)) & 1) === 1);
    if (s.dies) model.restart(s.replica);
  } else if (s.kind === 'release') model.release(s.entry);
  else if (s.kind === 'refresh') replicator.refresh(model.feeds[s.replica][s.neighbor]!.id, s.family, 0);
  else if (s.kind === 'reopen') model.open(s.replica, s.neighbor, s.window);
  else {
    replicator.neighborUp(s.neighbor, ALL_FAMILIES, 0);
    model.said[s.neighbor] = new ModelRib();
    DELIVERIES.forEach((_, r) => model.open(r, s.neighbor));
  }
}

test('what replicas hold is what neighbours say less what is withheld, and no poison is given twice', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 150, size: 'max' }),
      fc.constantFrom(150, 400, 100_000),
      (steps, maxQueueBytes) => {
        const model = new Model(maxQueueBytes);
        for (const s of steps) {
          take(model, s);
          model.checkHolds();
        }
        DELIVERIES.forEach((_, r) => model.checkSuspects(r));
        model.finish();
        expect(model.replicator.withholding.entries().map(({ id }) => id)).toEqual(
          model.entries.map(({ id }) => id).sort((a, b) => a - b),
        );
      },
    ),
    { numRuns: 100 },
  );
}, 60_000);
