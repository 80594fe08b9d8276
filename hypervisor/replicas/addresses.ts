// Addresses as a replica is told them: the list that a preloaded getifaddrs() answers with (the machine's own addresses at
// the time of the start, and the sessions' local ones that exist only behind the hypervisor), and link-local scopes.
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { addressFamily, isLinkLocal, withoutZone } from '../../preload/address.js';

/** Interface that addresses belong to which no real interface has. */
const VIRTUAL_INTERFACE = 'btr0';

function interfaceIndex(name: string): number {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'));
  } catch {
    return 0;
  }
}

/** Value of BTR_ADDRESSES (format: ifaddrs.c). */
export function addressList(localAddresses: Iterable<string>): string {
  const entries: string[] = [];
  const known = new Set<string>();
  for (const [name, addresses] of Object.entries(os.networkInterfaces())) {
    for (const { address, cidr } of addresses ?? []) {
      if (cidr === null) continue;
      known.add(address);
      entries.push(`${name}/${interfaceIndex(name)}/${cidr}`);
    }
  }
  for (const local of new Set([...localAddresses].map(withoutZone))) {
    if (known.has(local)) continue;
    entries.push(`${VIRTUAL_INTERFACE}/0/${local}/${addressFamily(local) === 4 ? 32 : 128}`);
  }
  return entries.join(' ');
}

/** Interface index for a session between link-local addresses, out of a zone in either of them; 0 for all others. */
export function scopeIdOf(peerAddress: string, localAddress: string): number {
  if (!isLinkLocal(peerAddress)) return 0;
  const zone = peerAddress.split('%')[1] ?? localAddress.split('%')[1];
  if (zone === undefined) return 0;
  return /^\d+$/.test(zone) ? Number(zone) : interfaceIndex(zone);
}
