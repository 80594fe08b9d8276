// Our session's restart as real neighbours see it (RFC 4724, the helper's side): what BIRD, FRR and OpenBGPD keep when the session
// ends without a word, what they drop when it is back, and what a NOTIFICATION does. Only the session is ours here; the whole router
// is graceful-restart.test.ts.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { plainConfig, type PlainKind } from '../../cli/lab/plain-configs.js';
import { startPlainDaemon, type PlainDaemon } from '../../cli/lab/plain-daemons.js';
import { waitFor } from '../../cli/lab/wait.js';
import { NeighborListener } from '../../hypervisor/neighbors/neighbor-listener.js';
import { NeighborSession } from '../../hypervisor/neighbors/neighbor-session.js';
import { makeCapabilities } from '../../wire/bgp/capabilities.js';
import type { GracefulRestart } from '../../wire/bgp/graceful-restart.js';
import type { Family } from '../../wire/family.js';
import { parseUpdate, UpdateView } from '../../wire/bgp/update.js';
import { Recorder } from '../support/neighbor-sides.js';
import { address, address6, asOf, localAddress, ROUTER_AS, RouterLab, routerProblem } from '../support/router-lab.js';
import { announcements, prefix6At, prefixAt, type Routes } from '../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const DEADLINE_MS = 30_000;
const N = 1;
const US = address(N);
const [STAYS, GOES, SIX] = [prefixAt(1), prefixAt(2), prefix6At(3)];
/** End-of-RIB of IPv4 and of IPv6 unicast (RFC 4724 section 2). */
const END_OF_RIB = Buffer.from(`${'ff'.repeat(16)}00170200000000${'ff'.repeat(16)}001d0200000006800f03000201`, 'hex');

const FIRST: GracefulRestart = { restarting: false, notification: false, restartTime: 120, families: 3, forwarding: 0 };
const AGAIN: GracefulRestart = { ...FIRST, restarting: true, forwarding: 3 };

/** Our side of the session, from one start to its end. */
class Life {
  readonly recorder = new Recorder();
  readonly session: NeighborSession;

  constructor(listener: NeighborListener, restart: GracefulRestart) {
    this.session = new NeighborSession({
      neighbor: {
        ...{ address: localAddress(N), localAddress: US, peerAs: ROUTER_AS, remotePort: 179, passive: false },
        ...{ holdTime: 90, keepaliveInterval: 30, connectRetry: 1 },
      },
      router: { as: asOf(N), routerId: US },
      capabilities: makeCapabilities({ families: 3, as: asOf(N), routeRefresh: true }),
      gracefulRestart: () => restart,
      listener,
      callbacks: this.recorder,
    });
    this.session.start();
  }

  async established(): Promise<this> {
    await waitFor(() => this.session.state === 'Established', { what: 'our session is up', deadlineMs: DEADLINE_MS });
    return this;
  }

  announce(...prefixes: string[]): void {
    const routes: Routes = new Map(prefixes.map((prefix) => [prefix, { path: [asOf(N), 7] }]));
    this.session.write(announcements(routes, (family: Family) => (family === 0 ? US : address6(N))));
  }

  /** Families whose End-of-RIB has come. */
  get told(): number {
    const view = new UpdateView();
    return this.recorder.updates.reduce((told, update) => {
      parseUpdate(update, 0, update.length, { as4: true, ebgp: true, families: 3 }, view);
      return view.endOfRib === undefined ? told : told | (1 << view.endOfRib);
    }, 0);
  }
}

const TABLES: Record<PlainKind, string[][]> = {
  bird: [['show', 'route']],
  frr: [['show bgp ipv4 unicast'], ['show bgp ipv6 unicast']],
  openbgpd: [['show', 'rib']],
};

describe.skipIf(problem !== undefined)('a neighbour that helps us over a restart', () => {
  let lab: RouterLab;
  let listener: NeighborListener;
  let daemon: PlainDaemon | undefined;
  let life: Life | undefined;

  beforeAll(async () => {
    lab = RouterLab.create('helper', 1);
    listener = new NeighborListener({ port: 179, addresses: [US], warn: () => undefined });
    await listener.open();
  });
  afterEach(async () => {
    await life?.session.stop(3);
    await daemon?.stop();
    life = daemon = undefined;
  });
  afterAll(async () => {
    await listener?.close();
    await lab?.destroy();
  });

  let started = 0;
  async function start(kind: PlainKind): Promise<void> {
    const neighbors = [{ address: US, as: asOf(N), localAddress: localAddress(N) }];
    const router = { as: ROUTER_AS, routerId: '10.0.0.1', neighbors, ipv6: kind !== 'openbgpd' };
    const config = (directory: string): string => plainConfig(kind, router, directory);
    daemon = await startPlainDaemon(lab.lab, 'router', kind, config, `${kind}-${started++}`);
  }

  async function live(restart: GracefulRestart, ...prefixes: string[]): Promise<Life> {
    life = await new Life(listener, restart).established();
    life.announce(...prefixes);
    return life;
  }

  /** Which of these the daemon has a route for. */
  async function held(): Promise<string[]> {
    const tables = await Promise.all(TABLES[daemon!.kind].map((words) => daemon!.query(...words)));
    return [STAYS, GOES, SIX].filter((prefix) => tables.some((table) => table.includes(prefix)));
  }

  const holds = (what: string, ...prefixes: string[]) =>
    waitFor(async () => (await held()).join() === prefixes.join(), {
      what: `${daemon!.kind} ${what}: ${prefixes.join(', ') || 'nothing'}`,
      deadlineMs: DEADLINE_MS,
    });
  const isDown = () =>
    waitFor(async () => !(await daemon!.sessions()).some(({ established }) => established), {
      what: 'the daemon has noticed the end of the session',
      deadlineMs: DEADLINE_MS,
    });

  // OpenBGPD has no IPv6 over an IPv4 session here: its IPv6 next hops would be wrong.
  const kinds: [PlainKind, string[]][] = [
    ['bird', [STAYS, GOES, SIX]],
    ['frr', [STAYS, GOES, SIX]],
    ['openbgpd', [STAYS, GOES]],
  ];

  test.each(kinds)(
    '%s keeps everything over a silent end, and after End-of-RIB only what came again',
    async (kind, all) => {
      await start(kind);
      const first = await live(FIRST, ...all);
      expect(first.recorder.established[0].gracefulRestart).toBeDefined();
      await holds('has learned', ...all);
      await waitFor(() => first.told === first.recorder.established[0].families, {
        what: 'its End-of-RIB',
        deadlineMs: DEADLINE_MS,
      });
      await first.session.stop(2, 'shutting down', true);
      await isDown();
      expect(await held()).toEqual(all);
      const second = await live(AGAIN, ...all.filter((prefix) => prefix !== GOES));
      expect(await held()).toEqual(all);
      second.session.write(END_OF_RIB.subarray(0, kind === 'openbgpd' ? 23 : undefined));
      await holds('keeps what was told again', ...all.filter((prefix) => prefix !== GOES));
    },
  );

  test.each(kinds.slice(0, 2))('%s drops the family whose forwarding state was not preserved', async (kind, all) => {
    await start(kind);
    const first = await live(FIRST, ...all);
    await holds('has learned', ...all);
    await first.session.stop(2, 'shutting down', true);
    await isDown();
    await live({ ...AGAIN, forwarding: 1 });
    await holds('keeps the other one', STAYS, GOES);
  });

  test.each(kinds)('%s drops everything after a NOTIFICATION', async (kind, all) => {
    await start(kind);
    const first = await live(FIRST, ...all);
    await holds('has learned', ...all);
    await first.session.stop(2, 'shutting down');
    await holds('has dropped', ...[]);
  });
});
