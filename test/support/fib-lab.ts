// A router that forwards, and what is around it: scripted neighbours on links of their own, a customer's host behind the router with a
// static default route, and behind the neighbours an Internet that answers from every address of the tests' tables. Packets come back
// by a link of their own: what is counted is the router's forwarding alone.
import { execFileSync } from 'node:child_process';
import { addHost, addRoute, answerForEverything, enableForwarding } from '../../cli/lab/forwarding.js';
import { PacketFlow, describeFlow } from '../../cli/lab/packet-flow.js';
import { waitFor } from '../../cli/lab/wait.js';
import { kernelRoutes, routeDifferences, RouteWatch, type KernelRoutes, type RouteEvent } from './kernel-routes.js';
import {
  address,
  address6,
  linkOf,
  localAddress6,
  neighborConfig,
  ROUTER_AS,
  RouterLab,
  type Config,
  type RouterSetup,
  type RunningRouter,
} from './router-lab.js';
import type { Neighbor } from './router-neighbors.js';
import { expectedRoutes } from './router-routes.js';

export const HOST = 'host';
export const INTERNET = 'internet';
const ROUTER = 'router';
/** The tables of router-routes.ts lie in these. */
const PUBLIC = ['20.0.0.0/8', '2a00::/16'];
/** Host to router, Internet to neighbours (in the test's own namespace), Internet back to host. */
const HOST_LINK = { host: ['10.9.0.2/24', 'fd09::2/64'], router: ['10.9.0.1/24', 'fd09::1/64'] };
const WAN_LINK = { world: ['10.7.0.1/24', 'fd07::1/64'], internet: ['10.7.0.2/24', 'fd07::2/64'] };
const BACK_LINK = { internet: ['10.8.0.1/24', 'fd08::1/64'], host: ['10.8.0.2/24', 'fd08::2/64'] };
const BOTH = { 'afi-safis': ['ipv4-unicast', 'ipv6-unicast'] };
const DEADLINE_MS = 30_000;

/** Neighbour n with both families over its IPv4 session. */
export const bothFamilies = (n: number, more: Config = {}): Config =>
  neighborConfig(n, { ...BOTH, 'local-address-ipv6': localAddress6(n), ...more });

/** An address in a prefix of the tests' tables. */
export function hostIn(prefix: string): string {
  return prefix.includes(':') ? prefix.replace(/::\/\d+$/, '::1') : prefix.replace(/\.0\/\d+$/, '.1');
}

export class FibLab {
  readonly routers: RouterLab;
  private readonly flows: PacketFlow[] = [];

  private constructor(routers: RouterLab) {
    this.routers = routers;
  }

  /** Like RouterLab.create: once per test file, before any socket is opened. */
  static create(name: string, neighbors: number): FibLab {
    const routers = RouterLab.create(name, neighbors, { links: 'each' });
    const { lab } = routers;
    enableForwarding(lab, ROUTER);
    addHost(lab, {
      ...{ name: HOST, addresses: HOST_LINK.host },
      ...{ router: ROUTER, routerAddresses: HOST_LINK.router, routerInterface: 'lan' },
    });
    lab.addNamespace(INTERNET);
    lab.link(
      { namespace: INTERNET, interface: 'back', addresses: BACK_LINK.internet },
      { namespace: HOST, interface: 'back', addresses: BACK_LINK.host },
    );
    joinWorld(lab.namespace(INTERNET));
    answerForEverything(lab, INTERNET);
    addRoute(lab, INTERNET, '10.9.0.0/24', 'via', '10.8.0.2');
    addRoute(lab, INTERNET, 'fd09::/64', 'via', 'fd08::2');
    // Packets that come back by another link than they went are no reason for the host to distrust them.
    enableForwarding(lab, HOST);
    return new FibLab(routers);
  }

  /** Full name of the router's namespace. */
  get namespace(): string {
    return this.routers.lab.namespace(ROUTER);
  }

  /** Starts a router that writes the kernel of its namespace. */
  run(setup: RouterSetup & { fib?: Config }): Promise<RunningRouter> {
    const fib = { backend: 'kernel', 'audit-interval': '5s', ...setup.fib };
    return this.routers.run({ ...setup, more: { fib, ...setup.more } });
  }

  /** `ip` in the router's namespace. */
  ip(...args: string[]): string {
    return this.routers.lab.run(ROUTER, ['ip', ...args]);
  }

  /** Packets from the host, or from another namespace, to addresses of the Internet. */
  async flow(destinations: readonly string[], from: string = HOST): Promise<PacketFlow> {
    const flow = await PacketFlow.start(this.routers.lab, { from, to: INTERNET, destinations });
    this.flows.push(flow);
    return flow;
  }

  /** Ends the flows that a failed test has left. */
  async endFlows(): Promise<void> {
    await Promise.all(this.flows.splice(0).map((flow) => flow.close()));
  }

  watch(): Promise<RouteWatch> {
    return RouteWatch.start(this.routers.lab, ROUTER);
  }

  routes(selector?: readonly string[]): Promise<KernelRoutes> {
    return kernelRoutes(this.namespace, selector);
  }

  /** Polls until the kernel's own routes are exactly these. */
  async untilExactly(expected: KernelRoutes, deadlineMs = DEADLINE_MS): Promise<void> {
    let differences: string[] = [];
    try {
      await waitFor(async () => (differences = routeDifferences(await this.routes(), expected)).length === 0, {
        what: `the kernel holds exactly the ${expected.size} routes that are right`,
        deadlineMs,
        intervalMs: 100,
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${differences.join('\n')}`, { cause: error });
    }
  }

  /** Polls until the kernel holds exactly the best of what these neighbours announce. */
  untilInstalled(feeders: readonly Neighbor[], deadlineMs?: number): Promise<void> {
    return this.untilExactly(expectedFib(feeders), deadlineMs);
  }

  destroy(): Promise<void> {
    return this.routers.destroy();
  }
}

/** What a correct router forwards by: the best route of each prefix, by way of the neighbour that announces it. */
export function expectedFib(feeders: readonly Neighbor[]): KernelRoutes {
  const nobody = 0;
  const best = expectedRoutes(
    feeders.map(({ candidate }) => candidate),
    ROUTER_AS,
    nobody,
  );
  const routes: KernelRoutes = new Map();
  for (const [prefix, { path }] of best) routes.set(prefix, hopOf(prefix, path[1] - ROUTER_AS));
  return routes;
}

/** The route of a prefix by way of neighbour n. */
export function hopOf(prefix: string, n: number): string {
  return `via ${prefix.includes(':') ? address6(n) : address(n)} dev ${linkOf(n)}`;
}

/** Events that put a route into the kernel that none of these tables has. */
export function wrongRoutes(events: readonly RouteEvent[], ...right: readonly KernelRoutes[]): string[] {
  return events
    .filter(({ deleted, prefix, hops }) => !deleted && !right.some((table) => table.get(prefix) === hops))
    .map(({ line }) => line);
}

/** Ends the flow; what was lost, as text, or undefined when nothing was. */
export async function lossesOf(flow: PacketFlow): Promise<string | undefined> {
  const report = await flow.stop();
  if (report.received === 0) return 'nothing came back at all';
  return report.lost === 0 ? undefined : describeFlow(report);
}

/** The test process's namespace passes on what comes for the Internet. */
function joinWorld(internet: string): void {
  const ip = (...args: string[]): void => void execFileSync('ip', args);
  ip('link', 'add', 'name', 'wan', 'type', 'veth', 'peer', 'name', 'wan', 'netns', internet);
  for (const text of WAN_LINK.world) ip('address', 'add', text, 'dev', 'wan', ...(text.includes(':') ? ['nodad'] : []));
  for (const text of WAN_LINK.internet) {
    ip('-n', internet, 'address', 'add', text, 'dev', 'wan', ...(text.includes(':') ? ['nodad'] : []));
  }
  ip('link', 'set', 'wan', 'up');
  ip('-n', internet, 'link', 'set', 'wan', 'up');
  const [via4, via6] = WAN_LINK.internet.map((text) => text.split('/')[0]);
  ip('route', 'add', PUBLIC[0], 'via', via4);
  ip('-6', 'route', 'add', PUBLIC[1], 'via', via6);
  execFileSync('sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding']);
}
