// The section neighbors: of the configuration file.
import type { AcceptanceDefaults } from './acceptance.js';
import type { InternalConfig, NeighborConfig, PolicyDefinition, RouterSettings } from '../model.js';
import { address, addressFamily, asNumber, covers, ipv6Address, name, password, plainText } from '../parsers.js';
import { didYouMean } from '../diagnostics.js';
import { oneOfWords } from '../yaml-reader.js';
import type { MapReader } from '../yaml-reader.js';
import { NEXT_HOP_RULES } from './acceptance.js';

const FAMILY_NAMES = ['ipv4-unicast', 'ipv6-unicast'] as const;
/** Replicas know a neighbour by its index, and the internal IPv6 addresses have room for so many. */
const MAX_NEIGHBORS = 1000;

export interface NeighborContext {
  router: RouterSettings;
  internal: InternalConfig;
  defaults: AcceptanceDefaults;
  definitions: PolicyDefinition[];
}

export function readNeighbors(root: MapReader, context: NeighborContext): NeighborConfig[] {
  const readers = root.maps('neighbors');
  if (!root.has('neighbors')) root.error('neighbors', 'is missing: expected a list of at least one neighbour');
  else if (readers.length === 0) root.error('neighbors', 'expected at least one neighbour');
  if (readers.length > MAX_NEIGHBORS) root.error('neighbors', `expected at most ${MAX_NEIGHBORS} neighbours`);
  const neighbors = readers.map((reader) => readNeighbor(reader, context));
  const first = new Map<string, number>();
  neighbors.forEach((neighbor, i) => {
    if (neighbor.address === '') return;
    const earlier = first.get(neighbor.address);
    if (earlier === undefined) first.set(neighbor.address, i);
    else readers[i].error('neighbor-address', `${neighbor.address} is already neighbors[${earlier}]`);
  });
  return neighbors;
}

function readNeighbor(reader: MapReader, context: NeighborContext): NeighborConfig {
  const { defaults } = context;
  const neighborAddress = reader.text('neighbor-address', address, "the neighbour's IP address") ?? '';
  const timers = readTimers(reader);
  const description = reader.text('description', plainText);
  const authPassword = reader.secret('auth-password', password);
  const ttlSecurityHops = readTtlSecurity(reader);
  const localAddressIpv6 = reader.text('local-address-ipv6', ipv6Address);
  const neighbor: NeighborConfig = {
    address: neighborAddress,
    peerAs: reader.text('peer-as', asNumber, "the neighbour's AS number") ?? 0,
    localAddress: reader.text('local-address', address, "this router's address on the session") ?? '',
    ...(localAddressIpv6 === undefined ? {} : { localAddressIpv6 }),
    ...(description === undefined ? {} : { description }),
    passive: reader.boolean('passive-mode', false),
    remotePort: reader.integer('remote-port', { min: 1, max: 65535, what: 'a TCP port' }, 179),
    ...timers,
    connectRetry: reader.integer('connect-retry', { min: 1, max: 65535, what: 'seconds from 1 to 65535' }, 5),
    ...(authPassword === undefined ? {} : { authPassword }),
    ...(ttlSecurityHops === undefined ? {} : { ttlSecurityHops }),
    families: readFamilies(reader, neighborAddress),
    maximumPrefixes: reader.integer('maximum-prefixes', { min: 0, max: 100_000_000 }, 0),
    importPolicy: readPolicyNames(reader, 'import-policy', context.definitions),
    exportPolicy: readPolicyNames(reader, 'export-policy', context.definitions),
    enforceFirstAs: reader.boolean('enforce-first-as', defaults.enforceFirstAs),
    nextHop: reader.oneOf('next-hop', NEXT_HOP_RULES, defaults.nextHop),
  };
  reader.finish();
  checkNeighbor(reader, neighbor, context);
  return neighbor;
}

function readTimers(reader: MapReader): { holdTime: number; keepaliveInterval: number } {
  const what = 'seconds: 0 (off) or 3 to 65535 (RFC 4271, section 4.2)';
  let holdTime = reader.integer('hold-time', { min: 0, max: 65535, what }, 90);
  if (holdTime === 1 || holdTime === 2) {
    reader.error('hold-time', `expected ${what}, found ${holdTime}`);
    holdTime = 90;
  }
  const third = Math.floor(holdTime / 3);
  const keepaliveInterval = reader.integer(
    'keepalive-interval',
    { min: 0, max: 65535, what: 'whole seconds up to 65535' },
    third,
  );
  if (holdTime > 0 && (keepaliveInterval === 0 || keepaliveInterval >= holdTime)) {
    reader.error('keepalive-interval', `expected seconds from 1 to less than hold-time (${holdTime})`);
  }
  return { holdTime, keepaliveInterval: holdTime === 0 ? 0 : keepaliveInterval };
}

function readTtlSecurity(reader: MapReader): number | undefined {
  return reader.text('ttl-security', (text): number | undefined | { expected: string } => {
    if (text === 'false') return undefined;
    if (text === 'true') return 1;
    const hops = /^\d{1,3}$/.test(text) ? Number(text) : 0;
    return hops >= 1 && hops <= 254 ? hops : { expected: 'true, false or a number of hops from 1 to 254' };
  });
}

function readFamilies(reader: MapReader, neighborAddress: string): number {
  if (!reader.has('afi-safis')) {
    reader.get('afi-safis');
    return 1 << addressFamily(neighborAddress);
  }
  const items = reader.list('afi-safis');
  let families = 0;
  for (const item of items) {
    const family = reader.parseItem(item, oneOfWords(FAMILY_NAMES));
    if (family !== undefined) families |= 1 << FAMILY_NAMES.indexOf(family);
  }
  if (items.length === 0) reader.error('afi-safis', `expected at least one of ${FAMILY_NAMES.join(', ')}`);
  return families;
}

function readPolicyNames(reader: MapReader, key: string, definitions: PolicyDefinition[]): string[] {
  const names = definitions.map((definition) => definition.name);
  const found: string[] = [];
  for (const item of reader.list(key)) {
    const text = reader.parseItem(item, name);
    if (text === undefined) continue;
    const definition = definitions.find((d) => d.name === text);
    if (definition === undefined) {
      reader.source.report(item, `there is no policy definition "${text}"${didYouMean(text, names)}`);
    } else if (key === 'import-policy') {
      const { statements } = definition;
      if (statements.some((statement) => statement.prepend > 0)) {
        const reason = 'because a path that begins with our own AS is a loop';
        reader.source.report(item, `"${text}" prepends to the AS path, which only an export policy may, ${reason}`);
      }
      if (statements.some((statement) => statement.setMed !== undefined)) {
        const reason = 'because OpenBGPD would pass it on to other neighbours and the others would not';
        reader.source.report(item, `"${text}" sets the MED, which only an export policy may, ${reason}`);
      }
    }
    found.push(text);
  }
  return found;
}

/** Rules between keys: families of addresses, our own AS, addresses already in use. */
function checkNeighbor(reader: MapReader, neighbor: NeighborConfig, context: NeighborContext): void {
  const { address: remote, localAddress, families } = neighbor;
  const { router, internal } = context;
  if (remote !== '' && localAddress !== '') {
    const family = addressFamily(remote);
    if (addressFamily(localAddress) !== family) {
      reader.error('local-address', `expected an IPv${family === 0 ? 4 : 6} address like neighbor-address ${remote}`);
    } else if (localAddress === remote) {
      reader.error('local-address', "expected this router's own address, found the neighbour's");
    }
    if (family === 0 && (families & 2) !== 0 && neighbor.localAddressIpv6 === undefined) {
      const reason = 'the next hop of IPv6 routes sent over this IPv4 session';
      reader.error('local-address-ipv6', `is missing: expected an IPv6 address of this router, ${reason}`);
    }
    if (family === 1 && (families & 1) !== 0) {
      reader.error('afi-safis', 'ipv4-unicast needs an IPv4 session: expected ipv6-unicast only for an IPv6 neighbour');
    }
  }
  if (neighbor.peerAs !== 0 && neighbor.peerAs === router.as) {
    reader.error(
      'peer-as',
      `expected another AS than the router's own (${router.as}): only eBGP neighbours are supported`,
    );
  }
  if ([internal.localAddress, internal.probeAddress, internal.tapAddress].includes(remote)) {
    reader.error('neighbor-address', `${remote} is used inside (section internal:)`);
  }
  if (covers(internal.probeNextHops, remote)) {
    reader.error('neighbor-address', `${remote} lies in internal.probe-next-hops (${internal.probeNextHops})`);
  }
  if (remote.includes(':') && covers(internal.peerRangeIpv6, remote)) {
    reader.error('neighbor-address', `${remote} lies in internal.peer-range-ipv6 (${internal.peerRangeIpv6})`);
  }
}
