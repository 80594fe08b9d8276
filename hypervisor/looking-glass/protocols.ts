// Sessions as birdwatcher's protocols: two for each neighbour, what it announces (`received_ADDRESS`) and what it is told (`sent_ADDRESS`),
// because readers know only one list per protocol. Owns these shapes, and the one of the status.
import { now } from '../clock.js';
import type { HttpParts } from '../http/routes.js';
import type { NeighborPort } from '../neighbor-port.js';
import type { RouterStatus } from '../status.js';
import { birdTime, receivedId, sentId, type RouteList, type View } from './views.js';

export interface BirdProtocol {
  protocol: string;
  bird_protocol: 'BGP';
  table: 'master';
  state: 'up' | 'down';
  state_changed: string;
  uptime: string;
  connection: string;
  description: string;
  neighbor_address: string;
  neighbor_as: number;
  last_error: string;
  routes: { imported: number; filtered: number; exported: number; preferred: number };
}

/** Neighbours that there are; a reload may have removed some. */
export function portsOf({ neighbors }: HttpParts): NeighborPort[] {
  return neighbors.filter(({ config }) => config.removed !== true);
}

export interface Protocol {
  id: string;
  port: NeighborPort;
  /** What `/routes/protocol` shows, and `/routes/filtered` and `/routes/noexport` beside it. */
  shown: RouteList;
  filtered: RouteList | undefined;
  held: RouteList | undefined;
}

export function protocolsOf(parts: HttpParts): Protocol[] {
  return portsOf(parts).flatMap((port): Protocol[] => {
    const { address } = port.config;
    return [
      { id: receivedId(address), port, shown: 'received', filtered: 'withheld', held: undefined },
      { id: sentId(address), port, shown: 'sent', filtered: undefined, held: 'held-back' },
    ];
  });
}

export async function birdProtocols(parts: HttpParts, view: View): Promise<Record<string, BirdProtocol>> {
  const found: [string, BirdProtocol][] = [];
  for (const protocol of protocolsOf(parts)) found.push([protocol.id, await birdProtocol(parts, view, protocol)]);
  return Object.fromEntries(found);
}

async function birdProtocol(
  { context }: HttpParts,
  view: View,
  { id, port, shown, filtered }: Protocol,
): Promise<BirdProtocol> {
  const { address, peerAs, description } = port.config;
  const status = port.status();
  const up = status.state === 'Established';
  const changed = birdTime(up ? port.upSince : now());
  const inward = shown === 'received';
  const withheld =
    filtered === undefined ||
    view.replica === undefined ||
    context.replicator.withholding.stats(view.replica).withheld === 0
      ? 0
      : await view.count([{ port, list: filtered }]);
  const size = inward ? status.prefixesIn - withheld : sentCount(view, port, status.prefixesOut);
  return {
    ...{ protocol: id, bird_protocol: 'BGP', table: 'master' },
    ...{ state: up ? 'up' : 'down', state_changed: changed, uptime: changed, connection: status.state },
    description: `${description ?? `AS${peerAs}`} (${inward ? 'announces' : 'is told'})`,
    ...{ neighbor_address: address, neighbor_as: peerAs, last_error: status.lastError ?? '' },
    routes: { imported: size, filtered: withheld, exported: inward ? 0 : size, preferred: inward ? 0 : size },
  };
}

/** Of a replica: the prefixes for which it has a route towards the neighbour. */
function sentCount({ replica }: View, { voter }: NeighborPort, held: number): number {
  return replica === undefined ? held : (voter.stats().present[replica] ?? 0);
}

/** The shape of `/status`. Of a replica it is the daemon's version and life. */
export async function birdStatus({ context, methods }: HttpParts, view: View): Promise<Record<string, string>> {
  const status = (await methods.status({})) as RouterStatus;
  const name = view.replica === undefined ? undefined : context.records.replicas[view.replica];
  const replica = status.replicas.find((one) => one.name === name);
  const started = birdTime(0);
  const reloaded = status.reload?.ended;
  return {
    router_id: status.routerId,
    current_server: birdTime(now()),
    last_reboot: replica === undefined ? started : birdText(replica.since),
    last_reconfig: reloaded === undefined || reloaded === null ? started : birdText(reloaded),
    version: replica === undefined ? `btr ${status.version}` : `${replica.kind} ${replica.version}`,
    message: replica === undefined ? `${status.electorate.length} replicas vote` : replica.state,
  };
}

/** ISO 8601 to `YYYY-MM-DD HH:MM:SS`. */
const birdText = (iso: string): string => iso.slice(0, 19).replace('T', ' ');
