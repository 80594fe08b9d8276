// The beginning of a prefix's story: what each neighbour said last, and how far that has come to each replica. Owns these two look-ups.
import { familyName } from '../../wire/family.js';
import { now, wallClock } from '../clock.js';
import type { RouterContext } from '../context.js';
import type { NeighborPort } from '../neighbor-port.js';
import type { ReplicaPort } from '../replica-port.js';
import { attributesAsObject } from '../vote-records.js';
import type { DeliveryReport, InputReport } from './types.js';

type Context = Pick<RouterContext, 'tables' | 'replicator' | 'caughtUp'>;

/** What a neighbour said about a prefix (id; 0 for one that nobody knows), and who has it. */
export function inputReport(
  context: Context,
  port: NeighborPort,
  replicas: readonly ReplicaPort[],
  prefix: number,
): InputReport {
  const { replicator, tables } = context;
  const { address, peerAs } = port.config;
  const base = { neighbor: address, as: peerAs, attributes: null, reason: null, deliveries: [], since: null };
  if (port.negotiated === undefined) return { ...base, state: 'down', reason: port.status().lastError };
  const at = now();
  const route = replicator.route(port.index, prefix);
  const age = replicator.routeAge(port.index, prefix, at);
  const changedAt = age === undefined ? -Infinity : at - age;
  const treated = route === 0 ? port.treated.about(prefix, tables.prefixes) : undefined;
  // A message that changed nothing, because there was no route to withdraw, has left no time of its own.
  const isTreated = treated !== undefined && treated.at >= changedAt - 1;
  if (age === undefined && !isTreated) return { ...base, state: 'nothing', ...notNegotiated(context, port, prefix) };
  const since = isTreated ? treated.at : changedAt;
  return {
    ...base,
    state: isTreated ? 'treated-as-withdrawn' : route === 0 ? 'withdrawn' : 'announced',
    since: wallClock(since),
    attributes: attributesAsObject(tables.attributes, route),
    reason: isTreated ? treated.reason : null,
    deliveries: replicas.map((replica) => delivery(context, port.index, replica, prefix, since)),
  };
}

function notNegotiated({ tables }: Context, port: NeighborPort, prefix: number): { reason: string } | undefined {
  if (prefix === 0) return undefined;
  const family = tables.prefixes.family(prefix);
  const known = ((port.negotiated?.families ?? 0) >>> family) & 1;
  return known === 1 ? undefined : { reason: `${familyName(family)} is not negotiated with it` };
}

/** `since`: when the neighbour said it, ms. */
function delivery(
  { replicator, caughtUp }: Context,
  n: number,
  replica: ReplicaPort,
  prefix: number,
  since: number,
): DeliveryReport {
  const r = replica.index;
  const backlog = replica.backlog(n);
  const base = { replica: replica.name, quarantined: [], backlogBytes: Number.isFinite(backlog) ? backlog : 0 };
  if (replicator.withholding.isWithheld(r, n, prefix)) {
    return { ...base, state: 'withheld', quarantined: replicator.withholding.entriesOn(r, prefix).map(({ id }) => id) };
  }
  if (!replica.isAtWork || !Number.isFinite(backlog)) return { ...base, state: 'no-session' };
  if (caughtUp[r] > since) return { ...base, state: 'worked-off' };
  return { ...base, state: backlog > 0 ? 'waiting' : 'delivered' };
}
