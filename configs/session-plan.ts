// Which BGP sessions a replica has: one per neighbour (or two where the daemon's code needs it), the probe and the tap
// (or two). The generators write exactly these into the native configuration and the hypervisor opens exactly these
// inward; nothing here opens anything.
import type { FamilySet, ReplicaConfig, ReplicaKind, RouterConfig } from './model.js';

const IPV4: FamilySet = 1;
const IPV6: FamilySet = 2;

/** neighbour = stands for a real one; probe = announces the probe prefix; tap = iBGP, gives back the best routes. */
export type SessionRole = 'neighbor' | 'probe' | 'tap';

/** One BGP session as a replica sees it. The replica never learns that the other end is the hypervisor. */
export interface ReplicaSession {
  /** Index in the plan; the same for every replica of a kind with the same `fib`. */
  id: number;
  role: SessionRole;
  /** Index in RouterConfig.neighbors; -1 for probe and tap. */
  neighbor: number;
  /** Source address of the connection the replica accepts; both addresses are of one family. */
  peerAddress: string;
  /** Address the replica is connected to, and the next hop it announces for the transport's family. */
  localAddress: string;
  peerAs: number;
  /** The replica's own AS, as it announces it on this session. */
  localAs: number;
  families: FamilySet;
  /** Identifier that is legal in every daemon's configuration: `neighbor_1`, `neighbor_1_ipv6`, `probe`, `tap`, `tap_ipv6`. */
  name: string;
}

/**
 * Hold time that the hypervisor proposes on these sessions, seconds. A stopped or busy replica must not lose its session, hangs are found
 * by probes; so there is none, but with OpenBGPD: 7.7 starts its send hold timer (RFC 9687) with 240 s when it writes its OPEN, and does not
 * stop it when the hold time turns out to be 0. There it is the longest that RFC 4271 knows.
 */
export const INTERNAL_HOLD_TIME: Record<ReplicaKind, number> = { frr: 0, bird: 0, openbgpd: 65535 };

/** A made-up IPv6 address out of the internal /64, with these last bits. */
function syntheticAddress(range: string, tail: string): string {
  const base = range.slice(0, range.indexOf('/')).replace(/::$/, '');
  return `${base}::${tail}`;
}

/** The ends of the tap over IPv6. Neighbours have the numbers up to their limit (1000) in the same /64. */
export function tapIpv6Ends({ internal }: RouterConfig): { peerAddress: string; localAddress: string } {
  const peerAddress = syntheticAddress(internal.peerRangeIpv6, 'ffff:3');
  return { peerAddress, localAddress: syntheticAddress(internal.peerRangeIpv6, 'ffff:1') };
}

/**
 * The sessions of one replica, neighbours in the order of the configuration, then probe and tap. The tap gives back the
 * probe, and all best routes if the replica's FIB votes come from there.
 * OpenBGPD 7.7 sends next hop ::1 for IPv6 over an IPv4 session, so its IPv6 travels on sessions of its own.
 */
export function planSessions(config: RouterConfig, replica: ReplicaConfig): ReplicaSession[] {
  const sessions: ReplicaSession[] = [];
  const add = (session: Omit<ReplicaSession, 'id' | 'localAs'>): void => {
    sessions.push({ id: sessions.length, localAs: config.router.as, ...session });
  };
  const splits = replica.kind === 'openbgpd';
  config.neighbors.forEach((neighbor, index) => {
    if (neighbor.removed === true) return;
    const { address, localAddress, peerAs, families } = neighbor;
    const name = `neighbor_${index + 1}`;
    const common = { role: 'neighbor', neighbor: index, peerAs } as const;
    const split = splits && !address.includes(':') && (families & IPV6) !== 0;
    const main = split ? families & ~IPV6 : families;
    if (main !== 0) add({ ...common, peerAddress: address, localAddress, families: main, name });
    // The loader requires localAddressIpv6 for exactly these neighbours.
    if (split && neighbor.localAddressIpv6 !== undefined) {
      const peerAddressIpv6 = syntheticAddress(config.internal.peerRangeIpv6, (index + 1).toString(16));
      const ends = { peerAddress: peerAddressIpv6, localAddress: neighbor.localAddressIpv6 };
      add({ ...common, ...ends, families: IPV6, name: `${name}_ipv6` });
    }
  });
  const { probeAddress, tapAddress, localAddress, probeAs } = config.internal;
  const inner = { neighbor: -1, localAddress, families: IPV4 };
  add({ ...inner, role: 'probe', peerAddress: probeAddress, peerAs: probeAs, name: 'probe' });
  const ipv6 =
    replica.fib === 'tap' &&
    config.neighbors.some(({ families, removed }) => removed !== true && (families & IPV6) !== 0);
  const tap = { ...inner, role: 'tap', peerAs: config.router.as } as const;
  add({ ...tap, peerAddress: tapAddress, families: ipv6 && !splits ? IPV4 | IPV6 : IPV4, name: 'tap' });
  if (ipv6 && splits) add({ ...tap, ...tapIpv6Ends(config), families: IPV6, name: 'tap_ipv6' });
  return sessions;
}
