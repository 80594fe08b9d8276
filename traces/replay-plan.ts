// From what the user asks for to a list of neighbours: which peers of the trace are played, and by which address and AS number each. Pure, but
// for looking into the files to learn who their peers are.
import { parseAddress, parseIpv4, parseIpv6, formatAddress } from '../wire/ip.js';
import { MrtType, RibSubtype } from '../wire/mrt/types.js';
import { TraceDecoder } from './decoder.js';
import { traceInfo, type PeerInfo } from './info.js';
import { matchesPeer, PeerDirectory, peerName, type TracePeer } from './peers.js';
import { readTrace } from './reader.js';
import { TraceError, type Progress } from './source.js';

/** One neighbour to be played. */
export interface NeighborPlan {
  readonly peer: TracePeer;
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
  readonly as: number;
  readonly routerId: string;
  readonly derive?: number;
}

/** The user's wishes, as texts; lists go with the chosen peers one by one. */
export interface PlanRequest {
  /** Vantage points: `AS30844`, an address, `#3`, `all`. Empty: the peer with the most routes. */
  readonly peers: readonly string[];
  /** Where to: `10.0.1.1`, `10.0.1.1:1179`, `[2001:db8::1]:179`. The last one serves the remaining neighbours too. */
  readonly to: readonly string[];
  /** Own AS numbers; they count up from the last one given. None: each peer's own. */
  readonly as: readonly string[];
  /** Own addresses; they count up from the last one given. */
  readonly local: readonly string[];
  /** `peer=AS30844,local=10.0.1.2,as=65001,to=10.0.1.1,router-id=…,derive=…`: neighbours beside the lists above. */
  readonly map: readonly string[];
  /** Play each peer of the lists a second time, as a derived view with this seed. */
  readonly derive?: number;
}

/** A wish that cannot be met; the message is meant for the user. */
export class PlanError extends Error {}

const MAP_KEYS = new Set(['peer', 'local', 'as', 'to', 'router-id', 'derive']);

function parseTarget(text: string): { host: string; port: number } {
  const match = /^\[(.+)\](?::([0-9]+))?$/.exec(text) ??
    /^([^:]+)(?::([0-9]+))?$/.exec(text) ?? [text, text, undefined];
  const host = match[1] ?? '';
  const port = match[2] === undefined ? 179 : Number(match[2]);
  if (parseAddress(host) === undefined || port < 1 || port > 65535) {
    throw new PlanError(
      `"${text}" is not an address with an optional port (10.0.1.1, 10.0.1.1:1179, [2001:db8::1]:179)`,
    );
  }
  return { host, port };
}

function parseAs(text: string): number {
  const as = Number(text.replace(/^AS/i, ''));
  if (!Number.isInteger(as) || as < 1 || as >= 2 ** 32)
    throw new PlanError(`"${text}" is not an AS number (1..4294967295)`);
  return as;
}

/** The address that comes `steps` after this one. */
function addressPlus(text: string, steps: number): string {
  const bytes = parseAddress(text);
  if (bytes === undefined) throw new PlanError(`"${text}" is not an address`);
  let carry = steps;
  for (let i = bytes.length - 1; i >= 0 && carry > 0; i--) {
    carry += bytes[i];
    bytes[i] = carry & 255;
    carry >>= 8;
  }
  return formatAddress(bytes);
}

/** The item at `index`; behind the end of the list the last one, moved on by `step`. */
function nth<T>(list: readonly T[], index: number, step: (last: T, by: number) => T): T | undefined {
  if (index < list.length) return list[index];
  return list.length === 0 ? undefined : step(list[list.length - 1], index - list.length + 1);
}

/** The AS that spoke. */
function speakerOf(peer: TracePeer): number {
  return peer.sentBy ?? peer.as;
}

function choose(wanted: string, peers: readonly TracePeer[]): TracePeer[] {
  const found = peers.filter((peer) => matchesPeer(wanted, peer));
  if (found.length === 0) {
    const some = peers.slice(0, 20).map(peerName).join(', ');
    throw new PlanError(
      `no peer "${wanted}" with routes in the trace; it has ${some}${peers.length > 20 ? ', …' : ''}`,
    );
  }
  if (found.length > 1 && wanted !== 'all') {
    throw new PlanError(
      `peer "${wanted}" is ambiguous: ${found.map(peerName).join(', ')}; name one by its address, or with received: or sent: in front`,
    );
  }
  return found;
}

function parseMap(text: string): Map<string, string> {
  const map = new Map<string, string>();
  for (const part of text.split(',')) {
    const [key, ...value] = part.split('=');
    if (!MAP_KEYS.has(key) || value.length === 0) {
      throw new PlanError(`"${part}" in --map: expected one of ${[...MAP_KEYS].join(', ')}, each as key=value`);
    }
    map.set(key, value.join('='));
  }
  return map;
}

/** Makes the plan out of the wishes and the trace's peers (busiest first). Throws PlanError. */
export function planNeighbors(request: PlanRequest, peers: readonly TracePeer[]): NeighborPlan[] {
  if (peers.length === 0) throw new PlanError('there are no routes in the trace');
  const wanted = request.peers.length > 0 || request.map.length > 0 ? request.peers : [`#${peers[0].index}`];
  const chosen = wanted.flatMap((text) => choose(text, peers));
  const twice = chosen.flatMap((peer) =>
    request.derive === undefined
      ? [{ peer, derive: undefined }]
      : [
          { peer, derive: undefined },
          { peer, derive: request.derive },
        ],
  );
  const plans = twice.map(({ peer, derive }, i): NeighborPlan => {
    const to = nth(request.to, i, (last) => last);
    if (to === undefined) throw new PlanError('say where to play it: --to ADDRESS');
    const as = nth(request.as.map(parseAs), i, (last, by) => last + by) ?? speakerOf(peer);
    const local = nth(request.local, i, addressPlus);
    return { peer, derive, as, ...parseTarget(to), ...endOf(local, i) };
  });
  for (const text of request.map) {
    const map = parseMap(text);
    const peer = map.has('peer') ? choose(map.get('peer')!, peers)[0] : peers[0];
    const to = map.get('to') ?? request.to[request.to.length - 1];
    if (to === undefined) throw new PlanError(`--map "${text}" does not say where to (to=ADDRESS), nor does --to`);
    const derive = map.has('derive') ? Number(map.get('derive')) : undefined;
    const as = map.has('as') ? parseAs(map.get('as')!) : speakerOf(peer);
    plans.push({
      peer,
      derive,
      as,
      ...parseTarget(to),
      ...endOf(map.get('local'), plans.length, map.get('router-id')),
    });
  }
  return plans;
}

/** Own end of the session. Without an IPv4 address of its own a neighbour has an identifier out of 203.0.113.0/24. */
function endOf(
  local: string | undefined,
  index: number,
  routerId?: string,
): { localAddress?: string; routerId: string } {
  if (local !== undefined && parseAddress(local) === undefined) throw new PlanError(`"${local}" is not an address`);
  if (routerId !== undefined && parseIpv4(routerId) === undefined)
    throw new PlanError(`router-id "${routerId}" is not dotted`);
  const own = local !== undefined && parseIpv6(local) === undefined ? local : `203.0.113.${(index % 254) + 1}`;
  return { localAddress: local, routerId: routerId ?? own };
}

/** The peers of one file. That it ends too early is said when it is played. */
async function peersOf(file: string, progress?: Progress): Promise<PeerInfo[]> {
  let peers: PeerInfo[] = [];
  await traceInfo(file, { progress }, (info) => (peers = info.peers)).catch((error: unknown) => {
    if (!(error instanceof TraceError && error.cut)) throw error;
  });
  return peers;
}

/**
 * The peers of the files, busiest first. Reads only the beginning when the first file is a RIB whose index names all that is wanted, else
 * all of every file. Throws TraceError.
 */
export async function findPeers(
  files: readonly string[],
  wanted: readonly string[],
  progress?: Progress,
): Promise<TracePeer[]> {
  const directory = new PeerDirectory();
  const decoder = new TraceDecoder({ wants: () => false, route: () => undefined, message: () => undefined }, directory);
  await readTrace(files[0], (record) => {
    if (record.type === MrtType.TABLE_DUMP_V2 && record.subtype === RibSubtype.PEER_INDEX_TABLE) decoder.visit(record);
    return 'stop';
  });
  const unique = (text: string) =>
    text !== 'all' && directory.peers.filter((peer) => matchesPeer(text, peer)).length === 1;
  if (wanted.length > 0 && wanted.every(unique)) return directory.peers;
  const all = new Map<string, PeerInfo>();
  for (const file of files) {
    // Several files are one trace: the same peer may have another index in each.
    for (const peer of await peersOf(file, progress)) {
      if (peer.routesV4 + peer.routesV6 + peer.withdrawn === 0) continue;
      const known = all.get(peerName(peer));
      if (known === undefined) all.set(peerName(peer), peer);
      else known.routesV4 += peer.routesV4 + peer.routesV6;
    }
  }
  const weight = (peer: PeerInfo) => peer.routesV4 + peer.routesV6;
  return [...all.values()].sort((a, b) => weight(b) - weight(a) || a.index - b.index);
}
