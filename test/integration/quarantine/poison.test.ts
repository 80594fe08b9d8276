// Messages that kill released daemons, byte for byte, in a running router: a daemon dies of one once, comes back and votes, and is never
// given it again; a trial finds the message among innocent ones; nobody outside notices anything.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../../cli/lab/wait.js';
import type { QuarantineDetail, QuarantineListing, QuarantineReport } from '../../../hypervisor/quarantine/report.js';
import { bytesOf, messagesOf, readCorpus } from '../../bugs/corpus.js';
import { flapWatch, Neighbor } from '../../support/router-neighbors.js';
import {
  asOf,
  localAddress6,
  neighborConfig,
  REPLICAS,
  RouterLab,
  routerProblem,
  type RunningRouter,
} from '../../support/router-lab.js';
import { announcements, prefixAt, routeFor, tableOf } from '../../support/router-routes.js';
import { missing, sharedFile } from '../../support/shared.js';

const problem = sharedFile('bugs') === undefined ? missing('bugs') : routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const POISON_PREFIX = '20.66.0.0/24';

/** What the feeder of a known bug sends after its good routes. */
function poison(bug: string): Uint8Array[] {
  const trigger = readCorpus().find(({ id }) => id === bug)!;
  return messagesOf(trigger, 'trigger').map(({ hex }) => bytesOf(hex));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

let lab: RouterLab;
beforeAll(() => {
  if (problem === undefined) lab = RouterLab.create('quarantine', 2);
});
afterAll(async () => await lab?.destroy());

/** A router with a feeder and a customer; everything is delivered byte for byte. */
class Scene {
  readonly feeder = new Neighbor(1, { families: 3 });
  readonly customer = new Neighbor(2, { families: 3 });
  readonly router: RunningRouter;
  flaps!: () => Promise<string[]>;

  private constructor(router: RunningRouter) {
    this.router = router;
  }

  static async start(run: string, quarantine: Record<string, unknown> = {}, recovery = {}): Promise<Scene> {
    const families = { 'afi-safis': ['ipv4-unicast', 'ipv6-unicast'] };
    const router = await lab.run({
      run,
      neighbors: [1, 2].map((n) => neighborConfig(n, { ...families, 'local-address-ipv6': localAddress6(n) })),
      replicas: REPLICAS.map((replica) => ({ ...replica, deliver: 'raw' })),
      voting: { 'probe-interval': '50ms' },
      more: { quarantine, recovery },
    });
    const scene = new Scene(router);
    await router.untilVoting(3);
    await Promise.all([scene.feeder.connect(), scene.customer.connect()]);
    await scene.feeder.announce(tableOf(asOf(1), 1, 0, 4));
    await scene.settled();
    scene.flaps = await flapWatch(router, [scene.feeder, scene.customer]);
    return scene;
  }

  async settled(): Promise<void> {
    await this.router.untilUnanimous(3);
    await this.customer.untilRight([this.feeder]);
  }

  async restarts(): Promise<Record<string, number>> {
    const { replicas } = await this.router.status();
    return Object.fromEntries(replicas.map(({ name, restarts }) => [name, restarts]));
  }

  async withheld(replica: string): Promise<number> {
    return (await this.router.replica(replica)).abstains.quarantined;
  }

  listing(replica: string): Promise<QuarantineListing> {
    return this.router.request('quarantine', { replica }) as Promise<QuarantineListing>;
  }

  async entries(replica: string): Promise<QuarantineReport[]> {
    return (await this.listing(replica)).entries;
  }

  /** No trial is running or waiting. */
  untilTried(): Promise<unknown> {
    return waitFor(
      async () => {
        const { trials } = await this.listing('frr');
        return trials.running === null && trials.waiting === 0;
      },
      { what: 'all trials are over', deadlineMs: 60_000 },
    );
  }

  /** Everything that was sent before has been worked off by everybody who votes. */
  async marker(i: number): Promise<void> {
    await this.feeder.change(prefixAt(i), routeFor(asOf(1), 90, i));
    await this.settled();
  }

  async stop(): Promise<void> {
    await Promise.all([this.feeder.stop(), this.customer.stop()]);
    await this.router.stop();
  }
}

/** Innocent announcements as bytes, counted as the feeder's. */
function innocent(feeder: Neighbor, from: number, to: number): Uint8Array[] {
  const routes = tableOf(asOf(1), 2, from, to);
  for (const [prefix, route] of routes) feeder.routes.set(prefix, route);
  return [...routes].map((route) => announcements(new Map([route]), () => '10.0.1.2'));
}

/** An announcement whose ORIGIN is 7, which RFC 7606 takes for a withdrawal, and FRR and OpenBGPD for the end of the session. */
function broken(i: number): Uint8Array {
  const route = new Map([[prefixAt(200 + i), routeFor(asOf(1), 80 + i, i)]]);
  const bytes = announcements(route, () => '10.0.1.2');
  const origin = Buffer.from(bytes).indexOf(Buffer.of(0x40, 1, 1));
  return bytes.with(origin + 3, 7);
}

const concat = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

describe.skipIf(problem !== undefined)('poison', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await Scene.start('poison');
  });
  afterAll(async () => await scene?.stop());

  test('FRR 8.4 and OpenBGPD 7.7 die of one message: once, and of nothing else that was under way', async () => {
    const { feeder, router } = scene;
    const [deadly] = poison('mp-reach-empty-nlri-without-attributes');
    await feeder.send(concat([...innocent(feeder, 100, 102), deadly, ...innocent(feeder, 102, 104)]));
    await router.until('two replicas have died', ({ replicas }) => replicas.filter((r) => r.restarts > 0).length === 2);
    await scene.settled();
    expect(await scene.restarts()).toEqual({ frr: 1, bird: 0, openbgpd: 1 });
    await feeder.send(deadly);
    await scene.marker(111);
    await scene.untilTried();
    for (const replica of ['frr', 'openbgpd']) {
      const [only, ...others] = await scene.entries(replica);
      expect(others).toEqual([]);
      expect(only).toMatchObject({ replica, trial: 'convicted', prefixes: 1, sample: [POISON_PREFIX] });
      const detail = (await router.request('quarantine-show', { id: only.id })) as QuarantineDetail;
      expect(detail.hex).toBe(hex(deadly));
      expect(readFileSync(only.file).includes(Buffer.from(deadly))).toBe(true);
    }
    await feeder.send(deadly);
    await scene.marker(112);
    expect(await scene.restarts()).toEqual({ frr: 1, bird: 0, openbgpd: 1 });
    expect([await scene.withheld('frr'), await scene.withheld('openbgpd')]).toEqual([0, 0]);
    expect(scene.customer.table.get(POISON_PREFIX)).toBeUndefined();
    expect(await scene.flaps()).toEqual([]);
  });

  test('OpenBGPD 7.7 dies of a withdrawal in an unusual form: once', async () => {
    const { feeder, router, customer } = scene;
    const [announcement, withdrawal] = poison('ipv4-withdraw-in-mp-unreach');
    await feeder.send(announcement);
    await waitFor(() => customer.table.get(POISON_PREFIX) !== undefined, { what: 'the route', deadlineMs: 10_000 });
    await feeder.send(withdrawal);
    await router.until('it has died', ({ replicas }) => replicas[2].restarts === 2);
    await scene.settled();
    await scene.untilTried();
    await feeder.send(concat([announcement, withdrawal]));
    await scene.marker(113);
    expect(await scene.restarts()).toEqual({ frr: 1, bird: 0, openbgpd: 2 });
    const convicted = (await scene.entries('openbgpd')).filter(({ trial }) => trial === 'convicted');
    expect(convicted).toHaveLength(2);
    expect(await scene.flaps()).toEqual([]);
  });
});

describe.skipIf(problem !== undefined)('suspects without a trial', () => {
  test('are given again when the neighbour replaces the route, and when somebody says so', async () => {
    const scene = await Scene.start('untried', { narrow: false });
    const { feeder, router } = scene;
    await feeder.send(concat(innocent(feeder, 100, 110)));
    await router.signalReplica('bird', 'SIGSEGV');
    await router.until('bird has died', ({ replicas }) => replicas[1].restarts === 1);
    await router.untilVoting(3);
    const before = await scene.withheld('bird');
    expect(before).toBeGreaterThan(1);
    const held = (await scene.entries('bird')).flatMap(({ sample }) => sample);
    const [first] = held;
    const votes = await router.votes({ prefix: first, neighbor: '10.0.2.2' });
    expect(votes[0].votes.map(({ replica, counts }) => [replica, counts])).toEqual([
      ['frr', true],
      ['bird', false],
      ['openbgpd', true],
    ]);
    await feeder.change(first, routeFor(asOf(1), 91, 1));
    await router.until('one less', ({ replicas }) => replicas[1].abstains.quarantined === before - 1);
    await scene.customer.untilRight([feeder]);
    const socket = ['--socket', path.join(router.directory, 'control.sock')];
    expect((await lab.btrOutput(['quarantine', ...socket])).text).toContain('bird: ');
    const { code, text } = await lab.btrOutput(['quarantine', 'release', 'all', ...socket]);
    expect([code, text]).toEqual([0, expect.stringMatching(/^\d+ messages are released$/m) as string]);
    await router.until('nothing is withheld', ({ replicas }) => replicas[1].abstains.quarantined === 0);
    await scene.settled();
    expect(await scene.entries('bird')).toEqual([]);
    expect(await scene.flaps()).toEqual([]);
    await scene.stop();
  });
});

describe.skipIf(problem !== undefined)('one broken message after the other', () => {
  test('kills each daemon three times at most: then it gets them repaired', async () => {
    const scene = await Scene.start('broken', { narrow: false }, { 'longest-restart-delay': '1s' });
    const { feeder, router } = scene;
    for (let i = 0; i < 3; i++) {
      await feeder.send(broken(i));
      await router.until('both have died', ({ replicas }) => replicas.filter((r) => r.restarts === i + 1).length === 2);
      await scene.settled();
    }
    for (let i = 3; i < 6; i++) {
      await feeder.send(broken(i));
      await scene.marker(120 + i);
    }
    expect(await scene.restarts()).toEqual({ frr: 3, bird: 0, openbgpd: 3 });
    expect(await scene.flaps()).toEqual([]);
    await scene.stop();
  });
});

/** An announcement with a next hop that FRR 8.4 answers with NOTIFICATION 3/8, while the others take the route; counted as the feeder's. */
function unwelcome(feeder: Neighbor, i: number): Uint8Array {
  const route = routeFor(asOf(1), 60 + i, i);
  feeder.routes.set(prefixAt(220 + i), route);
  return announcements(new Map([[prefixAt(220 + i), route]]), () => `127.0.0.${i + 1}`);
}

describe.skipIf(problem !== undefined)('sound messages that kill, one after the other', () => {
  test('do not use up the restart budget: each is found, and kept from the replica', async () => {
    const scene = await Scene.start('sound', {}, { 'max-restarts': 1 });
    const { feeder, router } = scene;
    for (let i = 0; i < 2; i++) {
      await feeder.send(unwelcome(feeder, i));
      await router.until('FRR is back', ({ replicas: [frr] }) => frr.restarts === i + 1 && frr.state === 'voting');
      await scene.untilTried();
      const entries = await scene.entries('frr');
      expect(entries.map(({ trial }) => trial)).toEqual(Array.from({ length: i + 1 }, () => 'convicted'));
    }
    await scene.marker(130);
    expect(await scene.restarts()).toEqual({ frr: 2, bird: 0, openbgpd: 0 });
    expect(await scene.flaps()).toEqual([]);
    await scene.stop();
  });
});
