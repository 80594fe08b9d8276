// The link that only replicas see: on it are the ends of the probe's and the tap's sessions and the probe's next hops. Owns its addresses and
// networks; showing it to a replica is the virtual kernel's work (fib/virtual-kernel/).
import { formatAddress, parseIpv4 } from '../wire/ip.js';
import type { RouterConfig } from './model.js';

/** The last octet of the router's own address among the probe's next hops, which end at 250. */
const OWN_OCTET = 254;

export interface InternalLinkAddresses {
  /** With prefix length. */
  addresses: string[];
  /** Prefixes with a route of scope link. */
  connected: string[];
}

/**
 * What the link is to show. The probe's next hops lie in the network of an address and not only in a route's, because BIRD takes no
 * gateway for a neighbour, not even in a route that it wrote itself, unless the network of an address covers it.
 */
export function internalLinkAddresses({ internal }: RouterConfig): InternalLinkAddresses {
  const { localAddress, probeAddress, tapAddress, probeNextHops } = internal;
  const [base, length] = probeNextHops.split('/');
  const own = parseIpv4(base) ?? new Uint8Array(4);
  own[3] = OWN_OCTET;
  return {
    addresses: [`${localAddress}/32`, `${formatAddress(own)}/${length}`],
    connected: [`${probeAddress}/32`, `${tapAddress}/32`, probeNextHops],
  };
}
