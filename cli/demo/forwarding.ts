// The demo's packets and the routes they go by: an Internet behind both upstreams that answers from every address, packets from
// the customer through the router to it, and the router's kernel as `ip` sees it. When what happens is story.ts.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Lab } from '../lab/lab.js';
import { addRoute, answerForEverything, enableForwarding } from '../lab/forwarding.js';
import { PacketFlow } from '../lab/packet-flow.js';
import { CUSTOMER, UPSTREAMS } from './topology.js';

const execute = promisify(execFile);
const OUTPUT_BYTES = 1 << 28;
const INTERNET = 'internet';
/** How `ip` tells the router's own routes. */
const OWN = ['proto', '179'];
/** Hosts that the customer talks to, spread over what the kernel holds by then. */
export const HOSTS = 20;
/** Packets in a row that are enough to say that they flow: the replica is to die while the table is still filled. */
const ENOUGH = 10;
const CUSTOMER_NETWORK = `${CUSTOMER.address.replace(/\.\d+$/, '.0')}/24`;

/** Adds the Internet behind the upstreams, and the static routes of everybody but the router. */
export function connectInternet(lab: Lab, router: string): void {
  enableForwarding(lab, router);
  lab.addNamespace(INTERNET);
  for (const [index, { name, routerAddress }] of UPSTREAMS.entries()) {
    const [near, far] = [`10.1.${index + 1}.1`, `10.1.${index + 1}.2`];
    lab.link(
      { namespace: name, interface: 'internet', addresses: [`${near}/24`] },
      { namespace: INTERNET, interface: name, addresses: [`${far}/24`] },
    );
    enableForwarding(lab, name);
    addRoute(lab, name, 'default', 'via', far);
    addRoute(lab, name, CUSTOMER_NETWORK, 'via', routerAddress);
  }
  enableForwarding(lab, INTERNET);
  answerForEverything(lab, INTERNET);
  addRoute(lab, INTERNET, CUSTOMER_NETWORK, 'via', '10.1.1.1');
  addRoute(lab, CUSTOMER.name, 'default', 'via', CUSTOMER.routerAddress);
}

/** IPv4 prefixes of the router's own routes in its kernel, as `ip route` lists them. `namespace`: full name. */
export async function ownPrefixes(namespace: string): Promise<string[]> {
  const words = ['-n', namespace, '-N', '-4', 'route', 'show', ...OWN];
  const { stdout } = await execute('ip', words, { maxBuffer: OUTPUT_BYTES });
  // Lines of further next hops are indented; types other than unicast (blackhole) stand in front of the prefix.
  return stdout.split('\n').flatMap((line) => /^([\d.]+\.\d+(?:\/\d+)?) /.exec(line)?.[1] ?? []);
}

/** Gets ready to send packets from the customer; to whom is `talk`'s. */
export function openFlow(lab: Lab): Promise<PacketFlow> {
  return PacketFlow.start(lab, { from: CUSTOMER.name, to: INTERNET });
}

/** Sends to hosts in prefixes that the router has routes for, of which there are HOSTS by now; resolves to these once packets come back. */
export async function talk(flow: PacketFlow, namespace: string): Promise<string[]> {
  const prefixes = await ownPrefixes(namespace);
  const step = Math.floor(prefixes.length / HOSTS);
  const chosen = Array.from({ length: HOSTS }, (_, index) => prefixes[index * step]!);
  await flow.sendTo(chosen.map(hostIn));
  await flow.untilFlowing(ENOUGH);
  return chosen.map((prefix) => (prefix.includes('/') ? prefix : `${prefix}/32`));
}

/** The first address behind the network's own, or the address itself of a host route. */
function hostIn(prefix: string): string {
  const [address = '', length] = prefix.split('/');
  return length === undefined
    ? address
    : address.replace(/\d+$/, (last) => String(Number(last) + (length === '32' ? 0 : 1)));
}
