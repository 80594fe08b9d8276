// Namespaces as routers and hosts: forwarding, static routes, hosts behind a router, and a host that answers for the whole
// Internet. Namespaces and links themselves are lab.ts, packets are packet-flow.ts.
import type { Lab } from './lab.js';

/**
 * Makes a namespace forward packets of both families. Sources are not checked against the way back (rp_filter): what is
 * between two routers need not be the same in both directions.
 */
export function enableForwarding(lab: Lab, namespace: string): void {
  lab.run(namespace, ['sh', '-c', FORWARDING]);
}

const FORWARDING = [
  'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done',
  'echo 1 > /proc/sys/net/ipv4/ip_forward',
  'if [ -d /proc/sys/net/ipv6 ]; then echo 1 > /proc/sys/net/ipv6/conf/all/forwarding; fi',
].join('\n');

/** Adds a static route: `addRoute(lab, 'host', 'default', 'via', '10.9.0.1')`. Throws what `ip` says. */
export function addRoute(lab: Lab, namespace: string, prefix: string, ...how: string[]): void {
  const family = `${prefix} ${how.join(' ')}`.includes(':') ? '-6' : '-4';
  lab.run(namespace, ['ip', family, 'route', 'add', prefix, ...how]);
}

export interface HostOptions {
  /** Namespace of the host; made here. */
  name: string;
  /** With prefix lengths, at most one of each family: `10.9.0.2/24`. */
  addresses: readonly string[];
  /** Namespace of the router that it stands behind. */
  router: string;
  /** The router's addresses on that link, in the same order. */
  routerAddresses: readonly string[];
  /** Interface name on the router's side. */
  routerInterface?: string;
  /** Reach everything by way of the router. Default true. */
  defaultRoute?: boolean;
}

/** Adds a host with one link to its router. */
export function addHost(lab: Lab, options: HostOptions): void {
  const { name, addresses, router, routerAddresses } = options;
  lab.addNamespace(name);
  const routerEnd = { namespace: router, addresses: routerAddresses };
  lab.link(options.routerInterface === undefined ? routerEnd : { ...routerEnd, interface: options.routerInterface }, {
    namespace: name,
    addresses,
  });
  if (options.defaultRoute === false) return;
  for (const address of routerAddresses) addRoute(lab, name, 'default', 'via', address.split('/')[0]!);
}

/**
 * Makes a namespace answer to every address that it has no better route to: the Internet behind the upstreams. The route
 * stands in the main table, not in `local`, so that routes back to where packets come from win over it.
 */
export function answerForEverything(lab: Lab, namespace: string): void {
  lab.run(namespace, ['ip', '-4', 'route', 'add', 'local', '0.0.0.0/0', 'dev', 'lo', 'table', 'main']);
  lab.run(namespace, ['sh', '-c', '[ ! -d /proc/sys/net/ipv6 ] || ip -6 route add local ::/0 dev lo table main']);
}
