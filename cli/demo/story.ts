// What happens in the demo, in order: the router starts, two upstreams feed it, packets flow by the first routes in its kernel,
// one replica is killed in the middle and comes back from history, another one lies and is found out, and then everything is compared.
// Returns findings; judging and printing them is summary.ts.
import process from 'node:process';
import type { FibVerification } from '../../hypervisor/fib/status.js';
import type { RouterStatus } from '../../hypervisor/status.js';
import { UserError } from '../errors.js';
import { describeFlow } from '../lab/packet-flow.js';
import type { FlowReport } from '../lab/packet-flow.js';
import { send } from '../lab/process.js';
import { waitFor } from '../lab/wait.js';
import { count } from '../output/table.js';
import { HOSTS } from './forwarding.js';
import { letOneLie } from './lie.js';
import type { Lie } from './lie.js';
import type { DemoNetwork, UpstreamSummary } from './network.js';
import type { Screen } from './screen.js';
import { REPLICAS, UPSTREAMS } from './topology.js';
import type { DemoTrace } from './trace.js';
import { compareTable, establishedSince, parseBirdRoutes } from './verify.js';
import type { TableCheck } from './verify.js';
import { watch } from './watch.js';

export interface StorySettings {
  trace: DemoTrace;
  /** Prefixes that each upstream plays; undefined: all of the trace. */
  prefixes: number | undefined;
}

export interface Killing {
  replica: string;
  pid: number;
  /** Prefixes that had arrived from the upstreams by then. */
  arrivedBefore: number;
  /** From SIGKILL until it voted again, ms. */
  backAfterMs: number;
}

export interface Findings {
  trace: string;
  status: RouterStatus;
  upstreams: UpstreamSummary[];
  killing: Killing;
  lie: Lie;
  /** From the first prefix that arrived until everything was quiet, ms. */
  convergedMs: number;
  /** Since when the customer's BIRD says it has its session: before the killing, and at the end. */
  customerSince: { before: string | undefined; after: string | undefined };
  table: TableCheck;
  forwarding: Forwarding;
}

/** What the router's kernel held, and what became of the packets that went by it. */
export interface Forwarding {
  /** The router's own routes in the kernel as `ip` counts them: when its replica was killed, and at the end. */
  kernelRoutes: { atKill: number; after: number };
  verification: FibVerification;
  packets: FlowReport;
  /** Hosts that the customer talked to. */
  hosts: number;
}

/** A replica dies when this share of what both upstreams will send has arrived: early, since much more comes until we see it. */
const KILL_AT = 0.1;
/** The same when nobody knows how much there will be, in prefixes. */
const KILL_AT_UNKNOWN = 100_000;
/** Numbers that did not change for so long are taken for final. */
const QUIET_MS = 1200;
const FEED_DEADLINE_MS = 600_000;
const RETURN_DEADLINE_MS = 180_000;
const SESSION_DEADLINE_MS = 30_000;
const ROUTES_DEADLINE_MS = 60_000;
/** Routes compared one by one; of larger tables an even sample. */
const COMPARED = 50_000;

export async function tellStory(network: DemoNetwork, settings: StorySettings, screen: Screen): Promise<Findings> {
  const { trace, prefixes } = settings;
  screen.event(`starting the router with ${REPLICAS.join(', ')}`);
  await network.startRouter(REPLICAS.length);
  const names = (await network.status()).replicas.map(({ kind, version }) => `${kind} ${version}`);
  screen.event(`${names.join(', ')} vote`);
  await network.startCustomer();
  const before = await customerSession(network);
  screen.event('the customer (a BIRD) has its session');
  await network.startUpstreams(trace, prefixes);
  screen.event(`two upstreams play: ${trace.description}; the second one tells other paths`);

  const firstMs = await watch(network, screen, prefixes, {
    what: 'prefixes arrive',
    deadlineMs: FEED_DEADLINE_MS,
    until: (status) => arrived(status) > 0 && performance.now(),
  });
  await watch(network, screen, prefixes, {
    what: 'routes appear in the kernel',
    deadlineMs: ROUTES_DEADLINE_MS,
    until: (status) => (status.fib?.installed ?? 0) >= HOSTS,
  });
  const flow = await network.startPackets();
  screen.event(`the kernel has routes: the customer sends packets to ${HOSTS} hosts behind the upstreams`);
  const killing = await killOne(network, settings, screen);
  const atKill = await network.kernelRoutes();
  screen.event(`the kernel has ${count(atKill)} routes, and keeps them`);
  const upstreams = await watch(network, screen, prefixes, {
    what: 'the upstreams have played everything',
    deadlineMs: FEED_DEADLINE_MS,
    until: () => network.played(),
  });
  screen.event(
    `the upstreams have played everything: ${upstreams.map((one) => count(one.announced)).join(' + ')} prefixes`,
  );
  const backAfterMs = await waitForReturn(network, screen, prefixes, killing);
  const convergedMs = (await settle(network, screen, prefixes)).quietSince - firstMs;
  const lie = await letOneLie(network, screen, prefixes, killing.replica);
  const { status } = await settle(network, screen, prefixes);
  screen.finish();
  screen.event('comparing the kernel and the customer with the verdicts');
  const verification = await network.verifyForwarding();
  const kernelRoutes = { atKill, after: await network.kernelRoutes() };
  const packets = await flow.stop();
  screen.event(describeFlow(packets));
  const routes = parseBirdRoutes(await network.customer!.query('show', 'route', 'all'));
  const table = await compareTable(routes, (prefix) => network.ballot(prefix), COMPARED);
  const after = await customerSession(network);
  return {
    trace: trace.description,
    status,
    upstreams,
    killing: { ...killing, backAfterMs },
    lie,
    convergedMs,
    customerSince: { before, after },
    table,
    forwarding: { kernelRoutes, verification, packets, hosts: HOSTS },
  };
}

async function customerSession(network: DemoNetwork): Promise<string | undefined> {
  return waitFor(async () => establishedSince(await network.customer!.query('show', 'protocols', 'all')), {
    what: "the customer's session is up",
    deadlineMs: SESSION_DEADLINE_MS,
  });
}

type BeforeReturn = Omit<Killing, 'backAfterMs'> & { atMs: number };

/**
 * Waits until the feed is well under way, then SIGKILLs a replica: the master where there is one, else BIRD. All of them must vote by then: on a
 * busy machine one may just have lost its vote, and that another fails then is more than three replicas promise to hide.
 */
async function killOne(network: DemoNetwork, settings: StorySettings, screen: Screen): Promise<BeforeReturn> {
  const { prefixes } = settings;
  const threshold = prefixes === undefined ? KILL_AT_UNKNOWN : KILL_AT * prefixes * UPSTREAMS.length;
  const status = await watch(network, screen, prefixes, {
    what: 'the feed is under way, and all replicas vote',
    deadlineMs: FEED_DEADLINE_MS,
    until: (now) =>
      (arrived(now) >= threshold || network.played() !== undefined) &&
      now.replicas.every(({ state }) => state === 'voting') &&
      now,
  });
  const victim = status.replicas.find(({ name }) => name === (status.master ?? 'bird')) ?? status.replicas[0]!;
  if (victim.pid === null || !send(victim.pid, 'SIGKILL')) {
    throw new UserError(`${victim.name} was to be killed, but it is not running`);
  }
  const killing = { replica: victim.name, pid: victim.pid, arrivedBefore: arrived(status), atMs: performance.now() };
  screen.event(`SIGKILL to ${victim.name} (pid ${victim.pid}) after ${count(killing.arrivedBefore)} prefixes`);
  return killing;
}

async function waitForReturn(
  network: DemoNetwork,
  screen: Screen,
  prefixes: number | undefined,
  killing: BeforeReturn,
): Promise<number> {
  return watch(network, screen, prefixes, {
    what: `${killing.replica} is back`,
    deadlineMs: RETURN_DEADLINE_MS,
    until: (status) => {
      const replica = status.replicas.find(({ name }) => name === killing.replica);
      if (replica?.state !== 'voting' || replica.restarts === 0) return false;
      const tookMs = performance.now() - killing.atMs;
      screen.event(`${killing.replica} is back (pid ${replica.pid}), brought up to date from history, and votes`);
      return tookMs;
    },
  });
}

/** Waits until all replicas vote, all sessions are up and no number changes any more. */
async function settle(network: DemoNetwork, screen: Screen, prefixes: number | undefined) {
  let fingerprint = '';
  let quietSince = performance.now();
  return watch(network, screen, prefixes, {
    what: 'everything is quiet',
    deadlineMs: RETURN_DEADLINE_MS,
    until: (status) => {
      const numbers = status.neighbors.map((one) => [one.state, one.prefixesIn, one.prefixesOut]);
      const now = JSON.stringify([
        numbers,
        status.ballots,
        status.electorate,
        status.replicas.map(({ votes }) => votes),
        [status.fib?.installed, status.fib?.pending],
      ]);
      if (now !== fingerprint) {
        fingerprint = now;
        quietSince = performance.now();
      }
      const whole = status.electorate.length === REPLICAS.length && status.fib?.pending === 0;
      return whole && performance.now() - quietSince >= QUIET_MS && { status, quietSince };
    },
  });
}

/** Prefixes that have come from both upstreams. */
function arrived(status: RouterStatus): number {
  const addresses = UPSTREAMS.map(({ address }) => address);
  return status.neighbors
    .filter(({ address }) => addresses.includes(address))
    .reduce((sum, { prefixesIn }) => sum + prefixesIn, 0);
}

/** Whether this process writes to a terminal that can be drawn on. */
export function isTerminal(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && process.env.TERM !== 'dumb';
}
