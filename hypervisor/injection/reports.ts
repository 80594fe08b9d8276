// What is told of injected faults: the lines of `btr inject list` and those of the vote log. Owns the texts; what is in force is the desk's.
import { now, wallClock } from '../clock.js';
import { plainRecord } from '../vote-records.js';
import type { Campaign } from './campaign.js';
import type { InjectionTargets } from './targets.js';
import { isVoteFault, type InjectionReport, type InjectionRequest } from './types.js';

/** Prefixes that a report shows. */
const SHOWN = 20;

/** A fault in force. */
export interface Entry {
  id: number;
  request: InjectionRequest;
  /** As text; undefined: all, or it is not about prefixes. */
  prefixes: readonly string[] | undefined;
  since: number;
  until: number;
  source: InjectionReport['source'];
  /** The forwarding table's thread was told. */
  inFib: boolean;
}

export function reportOf(
  { id, request, prefixes, since, until, source }: Entry,
  { replicas, neighbors }: Pick<InjectionTargets, 'replicas' | 'neighbors'>,
): InjectionReport {
  const { kind, where, sticky, neighbor } = request;
  return {
    id,
    replica: replicas[request.replica].name,
    kind,
    where: isVoteFault(kind) || kind === 'refuse' ? where : null,
    prefixes: prefixes?.slice(0, SHOWN) ?? [],
    prefixCount: prefixes?.length ?? null,
    neighbor: neighbor === undefined ? null : neighbors[neighbor],
    since: wallClock(since),
    until: until === Infinity ? null : wallClock(until),
    sticky,
    source,
    detail: detailOf(request),
  };
}

export function campaignReport({ id, request, since, until, struck, missed }: Campaign): InjectionReport {
  const { meanInterval, meanDuration, kinds, seed, where, sticky } = request;
  return {
    ...{ id, replica: null, kind: 'random', where, prefixes: [], prefixCount: null, neighbor: null },
    since: wallClock(since),
    until: until === Infinity ? null : wallClock(until),
    sticky,
    source: 'operator',
    detail:
      `${kinds.join(', ')}; every ${meanInterval} ms for ${meanDuration} ms on average; seed ${seed}; ` +
      `${struck} so far, ${missed} missed`,
  };
}

/** A line of the vote log. */
export function recordOf(
  entry: Entry,
  targets: Pick<InjectionTargets, 'replicas' | 'neighbors'>,
  state: 'begins' | 'ends',
  reason?: string,
): string {
  const { id, kind: fault, replica, where, prefixes, prefixCount, neighbor, until, source } = reportOf(entry, targets);
  const fields = { id, state, replica, fault, where, prefixes, prefixCount, neighbor, until, source, reason };
  return plainRecord(now(), 'injection', fields);
}

export function campaignRecord(campaign: Campaign, state: 'begins' | 'ends', reason?: string): string {
  const { id, until, detail } = campaignReport(campaign);
  return plainRecord(now(), 'injection', { id, state, fault: 'random', until, detail, reason });
}

function detailOf({ kind, nextHop, med, delay, errno }: InjectionRequest): string {
  if (kind === 'slow') return `by ${delay} ms`;
  if (kind === 'refuse') return errno;
  if (kind === 'wrong-attribute') return med === undefined ? 'MED + 1000' : `MED ${med}`;
  return nextHop === undefined ? '' : `next hop ${nextHop}`;
}
