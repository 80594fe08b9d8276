// The desk with a real replicator and instances that are played here: what is quarantined for which death, what trials lead to, what an
// operator sees and does.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseConfig } from '../../../../configs/load.js';
import { Abstentions } from '../../../../hypervisor/abstentions.js';
import type { NeighborPort } from '../../../../hypervisor/neighbor-port.js';
import { QuarantineDesk, type QuarantineParts } from '../../../../hypervisor/quarantine/quarantine-desk.js';
import { quarantineMethods } from '../../../../hypervisor/quarantine/control.js';
import { TrialInstance, type Instance, type TrialMessage } from '../../../../hypervisor/quarantine/trial-instance.js';
import type { ShimHub } from '../../../../preload/hub.js';
import type { SystemCause } from '../../../../voter/faults/types.js';
import { renderDetail, renderListing } from '../../../../cli/commands/quarantine.js';
import { attributesOf, Bench } from '../../replicator/helpers.js';

const YAML = `
router: { as: 65000, router-id: 10.0.0.1, run-directory: /nowhere }
neighbors:
  - { neighbor-address: 10.0.1.2, peer-as: 65001, local-address: 10.0.1.1 }
  - { neighbor-address: 10.0.2.2, peer-as: 65002, local-address: 10.0.2.1 }
replicas: [{ name: frr, kind: frr }, { name: bird, kind: bird }]
`;

/** Which of these messages, alone, kills an instance. */
let deadly: (message: TrialMessage) => boolean;

function play(): Promise<Instance> {
  const instance: Instance = {
    feed: (messages) => Promise.resolve(messages.some(deadly) ? 'killed by SIGSEGV' : undefined),
    stop: () => Promise.resolve(),
  };
  return Promise.resolve(instance);
}

class Rig {
  readonly directory = mkdtempSync(path.join(os.tmpdir(), 'btr-desk-'));
  readonly bench: Bench;
  private readonly abstentions: Abstentions;
  readonly records: Record<string, unknown>[] = [];
  readonly recovered = { now: true };
  /** The deaths of which the cause was found: replica and time. */
  readonly explained: [number, number][] = [];
  /** Replicas work everything off at once, unless a test says otherwise. */
  readonly caughtUp = Float64Array.of(Infinity, Infinity);
  readonly desk: QuarantineDesk;
  readonly config;
  readonly methods;
  private now = 1000;

  constructor(quarantine: Partial<{ narrow: boolean; maxMessages: number }> = {}) {
    const config = (this.config = parseConfig(YAML, 'test.yaml').config!);
    Object.assign(config.quarantine, { directory: this.directory, ...quarantine });
    const bench = (this.bench = new Bench({ suspectBytes: 1 << 20, maxQuarantined: config.quarantine.maxMessages }));
    this.abstentions = new Abstentions(2, { prefixes: bench.prefixes, fib: undefined, voters: () => [] });
    const context = {
      config,
      log: { warn: vi.fn(), info: vi.fn(), error: vi.fn() },
      meters: { quarantined: { add: vi.fn() } },
      replicator: bench.replicator,
      tables: bench,
      electorate: { has: () => this.recovered.now, succession: [0, 1] },
      abstentions: this.abstentions,
      caughtUp: this.caughtUp,
      voteLog: { append: (line: string) => void this.records.push(JSON.parse(line) as Record<string, unknown>) },
      schedule: () => this.desk.apply(this.now),
    };
    this.desk = new QuarantineDesk({
      context: context as unknown as QuarantineParts['context'],
      hub: undefined as unknown as ShimHub,
      runDirectory: this.directory,
      explained: (...death) => void this.explained.push(death),
      neighbors: () =>
        [0, 1].map((index) => ({ index, negotiated: { families: 3, peerRouterId: '1.1.1.1' } })) as NeighborPort[],
    });
    this.methods = quarantineMethods(this.desk);
    for (const n of [0, 1]) {
      bench.replicator.neighborUp(n, 3, 0);
      for (const r of [0, 1]) bench.replicator.openFeed(r, n, 3, 0, { deliver: 'raw' });
    }
  }

  /** The index of a replica, and a prefix on which it abstains. */
  get held(): Set<string> {
    const texts = [0, 1].flatMap((r) =>
      this.abstentions.common([r]).map((id) => `${r} ${this.bench.prefixes.format(id)}`),
    );
    return new Set(texts);
  }

  /** Neighbour `n` announces prefixes, one message each, and both replicas take them. */
  announce(n: number, origin: number, ...prefixes: string[]): Uint8Array[] {
    const { bench } = this;
    const messages = prefixes.map((prefix, i) => bench.announcement(attributesOf(origin + i), prefix));
    for (const message of messages) bench.receive(n, message, ++this.now);
    this.pull();
    return messages;
  }

  /** The same with all prefixes in as few messages as they find room in. */
  announceTogether(n: number, origin: number, ...prefixes: string[]): void {
    for (let i = 0; i < prefixes.length; i += 500) {
      this.bench.receive(n, this.bench.announcement(attributesOf(origin), ...prefixes.slice(i, i + 500)), ++this.now);
    }
    this.pull();
  }

  send(n: number, message: Uint8Array): void {
    this.bench.receive(n, message, ++this.now);
    this.pull();
  }

  withdraw(n: number, prefix: string): void {
    this.bench.receive(n, this.bench.withdrawal(prefix), ++this.now);
    this.pull();
  }

  pull(): void {
    // Feeds are numbered from 1, two for each neighbour.
    for (const feed of [1, 2, 3, 4]) this.bench.replicator.pull(feed, this.bench.out, 1 << 20);
  }

  /** Nothing that a replica was given so far has done it any harm. */
  prove(replica: number): void {
    for (let i = 0; i < 2; i++) {
      this.bench.replicator.probeSent(replica);
      this.bench.replicator.probeReturned(replica);
    }
  }

  die(cause: SystemCause, neighbor?: number, replica = 0): void {
    const fault = { replica, cause, reason: `it ${cause}`, at: ++this.now };
    this.desk.suspect(neighbor === undefined ? fault : { ...fault, neighbor });
    this.desk.apply(this.now);
  }

  /** It is so late now, ms. */
  at(now: number): void {
    this.now = now;
    vi.mocked(performance.now).mockReturnValue(now);
  }

  async tried(): Promise<void> {
    await vi.waitFor(
      () => {
        this.desk.tick(++this.now);
        expect(this.desk.list({ limit: 0 }).trials).toEqual({ running: null, waiting: 0 });
      },
      { interval: 1 },
    );
  }

  entries() {
    return this.desk.list({}).entries;
  }
}

let rig: Rig;
const PREFIXES = ['20.0.1.0/24', '20.0.2.0/24', '20.0.3.0/24'];

beforeEach(() => {
  deadly = () => false;
  // The desk's own clock stands where the rig's begins, however long the machine takes.
  vi.spyOn(performance, 'now').mockReturnValue(1000);
  vi.spyOn(TrialInstance, 'start').mockImplementation(play as unknown as typeof TrialInstance.start);
});
afterEach(async () => {
  await rig.desk.stop();
  rmSync(rig.directory, { recursive: true, force: true });
  vi.restoreAllMocks();
});

describe('which deaths are put down to messages', () => {
  test.each<SystemCause>(['killed', 'stopped', 'start', 'kernel', 'unanswered'])('%s: not', (cause) => {
    rig = new Rig();
    rig.announce(0, 1, ...PREFIXES);
    rig.die(cause);
    expect(rig.entries()).toEqual([]);
  });

  test.each<[SystemCause, number]>([
    ['crash', 4],
    ['hang', 4],
    ['session', 4],
    ['broken-update', 4],
    ['notification', 1],
  ])('%s on the session of neighbour 2: %i messages', (cause, count) => {
    rig = new Rig({ narrow: false });
    rig.announce(0, 1, ...PREFIXES);
    rig.announce(1, 9, '20.0.9.0/24');
    rig.die(cause, 1);
    expect(rig.entries()).toHaveLength(count);
    expect(rig.entries().every(({ replica, trial }) => replica === 'frr' && trial === 'off')).toBe(true);
    expect(rig.held.size).toBe(count);
    expect(rig.held.has('0 20.0.9.0/24')).toBe(true);
    expect(rig.records).toEqual([
      expect.objectContaining({ kind: 'quarantine', state: 'withheld', replica: 'frr', cause, messages: count }),
    ]);
  });

  test.each<[NodeJS.Signals | null, number]>([
    ['SIGKILL', 0],
    ['SIGSEGV', 3],
    [null, 3],
  ])('a session closed while the process was ending, which turned out to be %s: %i messages', (signal, count) => {
    rig = new Rig({ narrow: false });
    rig.announce(0, 1, ...PREFIXES);
    rig.desk.suspect({ replica: 0, cause: 'session', reason: 'EPIPE', dying: true, at: 2000 });
    expect(rig.entries()).toEqual([]);
    // As the running router does it: the feeds are gone when the end of the process is known.
    for (const feed of [1, 3]) rig.bench.replicator.closeFeed(feed);
    rig.desk.exited(0, signal, 'ended');
    expect(rig.entries()).toHaveLength(count);
    expect(rig.entries().every(({ cause }) => cause === 'crash')).toBe(true);
  });

  test('a mass of prefixes is told to the voters in several turns of the main loop', () => {
    rig = new Rig({ narrow: false });
    const apply = vi.spyOn(rig.desk, 'apply');
    const prefixes = Array.from({ length: 5000 }, (_, i) => `20.${i >> 8}.${i & 255}.0/24`);
    rig.announceTogether(0, 1, ...prefixes);
    rig.die('crash');
    expect(rig.held.size).toBe(5000);
    expect(apply).toHaveBeenCalledTimes(2);
  });

  test("who is given broken messages raw and died of three of them gets that neighbour's repaired", () => {
    rig = new Rig({ narrow: false });
    rig.config.replicas[0].deliver = 'raw';
    const forms = () => [0, 1].flatMap((r) => [0, 1].map((n) => rig.desk.formOf(r, n)));
    for (let i = 0; i < 3; i++) {
      expect(forms()).toEqual(['raw', 'raw', 'repaired', 'repaired']);
      const attributes = attributesOf(i);
      attributes[3] = 7;
      rig.send(0, rig.bench.announcement(attributes, PREFIXES[i]));
      rig.announce(1, 10 + i, '20.0.9.0/24');
      rig.die('crash');
    }
    expect(forms()).toEqual(['repaired', 'raw', 'repaired', 'repaired']);
    expect(rig.records).toContainEqual(
      expect.objectContaining({
        state: 'given-repaired',
        replica: 'frr',
        reason: expect.stringContaining('10.0.1.2') as string,
      }),
    );
  });

  test('nothing was under way: nothing is held', () => {
    rig = new Rig();
    rig.die('crash');
    expect([rig.entries(), rig.records]).toEqual([[], []]);
  });
});

describe('trials', () => {
  test('the culprit stays, the others are given back; its kind of death is told', async () => {
    rig = new Rig();
    const [, second] = rig.announce(0, 1, ...PREFIXES);
    deadly = ({ bytes }) => Buffer.compare(bytes, second) === 0;
    rig.die('crash');
    expect(rig.entries().map(({ trial }) => trial)).toEqual(['waiting', 'waiting', 'waiting']);
    await rig.tried();
    expect(rig.entries()).toEqual([
      expect.objectContaining({
        trial: 'convicted',
        note: 'killed by SIGSEGV',
        sample: ['20.0.2.0/24'],
        replica: 'frr',
      }),
    ]);
    expect([...rig.held]).toEqual(['0 20.0.2.0/24']);
    expect(rig.records.map(({ state, messages }) => [state, messages])).toEqual([
      ['withheld', 3],
      ['convicted', 1],
      ['released', 2],
    ]);
  });

  test('recovery is told once of a death whose cause was found, and of no other', async () => {
    rig = new Rig();
    rig.announce(0, 1, ...PREFIXES);
    rig.die('crash');
    await rig.tried();
    expect(rig.explained).toEqual([]);
    deadly = ({ neighbor }) => neighbor === 1;
    rig.announce(1, 30, '20.0.8.0/24', '20.0.9.0/24');
    rig.at(5000);
    rig.die('crash');
    await rig.tried();
    expect(rig.entries().filter(({ trial }) => trial === 'convicted')).toHaveLength(2);
    expect(rig.explained).toEqual([[0, 5001]]);
  });

  test('an instance knows what others say about the same prefixes', async () => {
    rig = new Rig();
    rig.announce(1, 30, PREFIXES[0]);
    rig.prove(0);
    rig.announce(0, 1, PREFIXES[0]);
    rig.die('crash');
    expect(rig.entries()).toHaveLength(1);
    await rig.tried();
    const [setup] = vi.mocked(TrialInstance.start).mock.calls[0];
    expect(setup.before.map(({ neighbor }) => neighbor)).toEqual([1]);
    expect(setup.neighbors.map(({ index }) => index)).toEqual([0, 1]);
  });

  test('what no trial shows is released once; the second time it stays', async () => {
    rig = new Rig();
    rig.announce(0, 1, ...PREFIXES);
    rig.die('crash');
    expect(rig.held.size).toBe(3);
    await rig.tried();
    expect([rig.entries(), [...rig.held]]).toEqual([[], []]);
    rig.announce(0, 10, PREFIXES[0]);
    rig.announce(0, 20, '20.0.7.0/24');
    rig.die('hang');
    await rig.tried();
    const kept = rig.entries().filter(({ trial }) => trial === 'not-reproduced');
    expect(kept.flatMap(({ sample }) => sample)).toContain(PREFIXES[0]);
    expect(rig.held.has(`0 ${PREFIXES[0]}`)).toBe(true);
    expect(rig.held.has('0 20.0.7.0/24')).toBe(false);
    // Somebody vouches for it: the next time it is released again.
    expect(rig.methods['quarantine-release']({})).toEqual({ released: kept.length });
    expect(rig.held.size).toBe(0);
    rig.announce(0, 30, PREFIXES[0]);
    rig.die('hang');
    await rig.tried();
    expect(rig.entries().flatMap(({ sample }) => sample)).not.toContain(PREFIXES[0]);
  });

  test('what stays because nothing could be shown is given back after a minute for each death; what is convicted is not', async () => {
    rig = new Rig();
    rig.announce(0, 1, PREFIXES[0]);
    rig.die('crash');
    await rig.tried();
    rig.announce(0, 10, PREFIXES[0]);
    rig.die('crash');
    await rig.tried();
    const [guilty] = rig.announce(0, 20, PREFIXES[1]);
    deadly = ({ bytes }) => Buffer.compare(bytes, guilty) === 0;
    rig.die('crash');
    await rig.tried();
    expect([...rig.held].sort()).toEqual([`0 ${PREFIXES[0]}`, `0 ${PREFIXES[1]}`]);
    rig.desk.tick(179_000);
    expect(rig.held.size).toBe(2);
    rig.desk.tick(200_000);
    expect([...rig.held]).toEqual([`0 ${PREFIXES[1]}`]);
    expect(rig.records.at(-1)).toMatchObject({ state: 'released', because: 'nothing was found' });
  });

  test('after minutes of calm nothing innocent is withheld, however often it was under way at deaths', async () => {
    rig = new Rig();
    const many = Array.from({ length: 200 }, (_, i) => `20.1.${i}.0/24`);
    for (let death = 0; death < 8; death++) {
      rig.at(death * 20_000 + 1000);
      // Some change several times while the replica hangs.
      for (const turn of [0, 1, 2]) rig.announce(0, 1000 * death + turn, ...PREFIXES);
      rig.announce(0, 1000 * death + 300, ...many);
      rig.die('hang');
      await rig.tried();
      rig.prove(0);
    }
    expect(rig.held.size).toBe(203);
    for (let at = 160_000; at < 480_000; at += 1000) rig.desk.tick(at);
    expect([rig.held.size, rig.entries()]).toEqual([0, []]);
  });

  test('what kills and no trial shows costs a death a minute, four, and sixteen after the one before, and takes fewer with it each time', async () => {
    rig = new Rig();
    rig.caughtUp[0] = 0;
    const [killer, ...others] = Array.from({ length: 250 }, (_, i) => `20.1.${i}.0/24`);
    rig.announce(0, 1, killer, ...others);
    rig.die('crash');
    // Its next life begins.
    rig.prove(0);
    const deaths = [0];
    const held: number[] = [];
    for (let second = 5; second < 1800; second += 5) {
      rig.at(1000 * second);
      await rig.tried();
      rig.pull();
      if (rig.held.has(`0 ${killer}`)) {
        rig.prove(0);
        rig.caughtUp[0] = 1000 * second;
        continue;
      }
      // Nothing that is under way with it has proven anything.
      held.push(rig.held.size);
      rig.die('crash');
      rig.prove(0);
      deaths.push(second);
    }
    const minutes = deaths.slice(1).map((at, i) => (at - deaths[i]) / 60);
    [0, 1, 4, 16].forEach((least, i) => expect(minutes[i]).toBeGreaterThanOrEqual(least));
    expect(minutes).toHaveLength(4);
    // They are given back all together twice, then sixteen at a time, then one: so many others are still withheld when it kills.
    expect(held).toEqual([0, 0, 234, 15]);
    expect([...rig.held]).toEqual([`0 ${killer}`]);
  });

  test('what nobody would carry, and no trial speaks against, is given back to one; what kills is not', async () => {
    rig = new Rig();
    const [guilty, innocent] = [PREFIXES[1], PREFIXES[0]];
    const dieBoth = async (): Promise<void> => {
      for (const replica of [0, 1]) {
        rig.die('crash', undefined, replica);
        await rig.tried();
      }
    };
    const [killer] = rig.announce(0, 1, guilty);
    deadly = ({ bytes }) => Buffer.compare(bytes, killer) === 0;
    await dieBoth();
    for (const replica of [0, 1]) rig.prove(replica);
    rig.announce(0, 10, innocent);
    await dieBoth();
    expect([...rig.held].sort()).toEqual([`0 ${guilty}`, `1 ${guilty}`]);
    rig.announce(0, 20, innocent);
    rig.die('crash', undefined, 1);
    await rig.tried();
    rig.die('crash', undefined, 0);
    expect(rig.desk.list({})).toMatchObject({ onProbation: 2, shared: 2, uncarried: 2 });
    await rig.tried();
    // BIRD holds it longest.
    rig.desk.tick(20_000);
    expect([...rig.held].sort()).toEqual([`0 ${innocent}`, `0 ${guilty}`, `1 ${guilty}`]);
    expect(rig.records.at(-1)).toMatchObject({ state: 'released', replica: 'bird', because: 'no replica had it' });
    expect(rig.desk.list({})).toMatchObject({ shared: 1, uncarried: 1 });
    rig.desk.tick(40_000);
    expect(rig.held.size).toBe(3);
  });

  test('more suspects than may be withheld: all that is withheld is tried, though a withdrawal lies between', async () => {
    rig = new Rig({ maxMessages: 3 });
    rig.announce(0, 1, ...PREFIXES);
    rig.withdraw(0, PREFIXES[0]);
    rig.announce(0, 10, '20.0.8.0/24', '20.0.9.0/24');
    rig.die('crash');
    expect(rig.entries()).toHaveLength(3);
    await rig.tried();
    expect([rig.entries(), rig.held.size]).toEqual([[], 0]);
  });

  test('a trial waits until the replica votes again', () => {
    rig = new Rig();
    rig.recovered.now = false;
    rig.announce(0, 1, ...PREFIXES);
    rig.die('crash');
    rig.desk.tick(2000);
    expect(rig.desk.list({}).trials).toEqual({ running: null, waiting: 1 });
    rig.desk.tick(60_000);
    expect(rig.desk.list({}).trials).toEqual({ running: 'frr', waiting: 0 });
  });

  test('instances that cannot be had: all stays, with the reason, and is tried again', async () => {
    vi.mocked(TrialInstance.start).mockRejectedValue(new Error('no such user'));
    rig = new Rig();
    const [, guilty] = rig.announce(0, 1, ...PREFIXES);
    rig.die('crash');
    await rig.tried();
    expect(rig.entries().map(({ trial, note }) => [trial, note])).toEqual(
      PREFIXES.map(() => ['untried', 'no such user']),
    );
    rig.at(62_000);
    await rig.tried();
    expect(rig.held.size).toBe(3);
    vi.mocked(TrialInstance.start).mockImplementation(play as unknown as typeof TrialInstance.start);
    deadly = ({ bytes }) => Buffer.compare(bytes, guilty) === 0;
    rig.at(303_000);
    await rig.tried();
    expect([...rig.held]).toEqual([`0 ${PREFIXES[1]}`]);
  });

  test('instances that can never be had: nothing speaks against anything, and it is given back', async () => {
    vi.mocked(TrialInstance.start).mockRejectedValue(new Error('no such user'));
    rig = new Rig();
    rig.announce(0, 1, ...PREFIXES);
    rig.die('crash');
    await rig.tried();
    expect(rig.entries().every(({ probation }) => probation)).toBe(true);
    for (const seconds of [70, 400]) {
      expect(rig.held.size).toBe(3);
      rig.at(seconds * 1000);
      await rig.tried();
    }
    rig.at(440_000);
    rig.desk.tick(440_000);
    expect(rig.held.size).toBe(3);
    rig.desk.tick(480_000);
    expect(rig.entries()).toEqual([]);
  });

  test('more deaths than trials can wait: the others have theirs when none waits any more', async () => {
    rig = new Rig();
    rig.recovered.now = false;
    for (let i = 0; i < 17; i++) {
      const [last] = rig.announce(0, 100 + i, `20.1.${i}.0/24`);
      deadly = ({ bytes }) => Buffer.compare(bytes, last) === 0;
      rig.die('crash');
      rig.prove(0);
    }
    const { entries, trials } = rig.desk.list({});
    expect(trials.waiting).toBe(16);
    expect(entries[0]).toMatchObject({ trial: 'untried', note: 'too many trials wait' });
    rig.recovered.now = true;
    rig.at(90_000);
    await rig.tried();
    expect(rig.entries()).toEqual([expect.objectContaining({ trial: 'convicted', sample: ['20.1.16.0/24'] })]);
  });
});

describe('the operator', () => {
  test('releases nothing by mistake: a name that is none is not taken for all replicas', () => {
    rig = new Rig({ narrow: false });
    rig.announce(0, 1, ...PREFIXES);
    rig.die('crash');
    for (const replica of [5, null, ['frr']])
      expect(() => rig.methods['quarantine-release']({ replica })).toThrow('the name of a replica');
    expect(() => rig.methods['quarantine-release']({ replica: 'nobody' })).toThrow('there is no replica nobody');
    expect(rig.held.size).toBe(3);
  });

  test('sees a message decoded, and releases it', () => {
    rig = new Rig({ narrow: false });
    const [first] = rig.announce(0, 1, ...PREFIXES);
    rig.die('crash');
    const { entries, replicas } = rig.desk.list({ replica: 'frr' });
    expect(replicas[0]).toMatchObject({ name: 'frr', entries: 3, withheld: 3, careful: false });
    const { id } = entries.find(({ sample }) => sample[0] === PREFIXES[0])!;
    const detail = rig.desk.show(id);
    expect(detail).toMatchObject({ neighbor: '10.0.1.2', withheld: [PREFIXES[0]], withheldTotal: 1, cause: 'crash' });
    expect(detail.hex).toBe(Buffer.from(first).toString('hex'));
    expect(renderDetail(detail).join('\n')).toContain('AS_PATH 65001 1001');
    expect(renderListing(rig.desk.list({})).join('\n')).toContain('frr: 3 messages, 3 prefixes withheld');
    expect(rig.methods['quarantine-release']({ id })).toEqual({ released: 1 });
    expect(rig.held.has(`0 ${PREFIXES[0]}`)).toBe(false);
    expect(rig.held.size).toBe(2);
    expect(() => rig.desk.show(id)).toThrow(`nothing is quarantined under number ${id}`);
  });

  test('lists at most as many as asked for, the youngest first', () => {
    rig = new Rig({ narrow: false });
    rig.announce(0, 1, ...PREFIXES);
    rig.die('crash');
    const listing = rig.desk.list({ limit: 2 });
    expect(listing.total).toBe(3);
    expect(listing.entries.map(({ id }) => id)).toEqual([3, 2]);
    expect(renderListing(listing).join('\n')).toContain('… and 1 more');
    const concerned = (prefix: string) => rig.desk.list({ prefix }).entries.map(({ sample }) => sample);
    expect([concerned(PREFIXES[1]), concerned('9.9.9.0/24')]).toEqual([[[PREFIXES[1]]], []]);
  });

  test('is told what makes no sense', () => {
    rig = new Rig();
    expect(() => rig.desk.list({ replica: 'quagga' })).toThrow('there is no replica quagga');
    expect(() => rig.methods['quarantine-show']({ id: 'x' })).toThrow('"id" is a number');
    expect(() => rig.methods['quarantine-release']({ id: 7 })).toThrow('nothing is quarantined under number 7');
    expect(() => quarantineMethods(undefined).quarantine({})).toThrow('switched off');
    expect(renderListing(rig.desk.list({}))).toEqual(['nothing is quarantined']);
  });

  test('a route that the neighbour replaces is given again', () => {
    rig = new Rig({ narrow: false });
    rig.announce(0, 1, ...PREFIXES);
    rig.die('crash');
    rig.announce(0, 50, PREFIXES[1]);
    rig.desk.apply(9999);
    expect([...rig.held].sort()).toEqual([`0 ${PREFIXES[0]}`, `0 ${PREFIXES[2]}`]);
  });
});
