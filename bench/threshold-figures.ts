// What a stability threshold costs and what it buys, from one run: how often a healthy replica is accused, how soon a lie is found, and how
// much of the time of the lies the customer had them. Pure.
import { quantile } from './statistics.js';
import type { FoundDissent, InjectedLie, ThresholdLog } from './threshold-log.js';

export interface StoodLie {
  prefix: string;
  from: number;
  to: number;
}

export interface ThresholdFigures {
  /** Announced and withdrawn prefixes that were played. */
  updates: number;
  /** Dissents of replicas that were not made to lie, over all neighbours, and for each thousand updates. */
  accusations: number;
  perThousand: number;
  /** How long the longest of them lasted, ms; 0 without any. */
  longestMs: number;
  /** Dissents of replicas that told the truth where two others lied at the same time about the same prefix: no vote can be right there. */
  outvoted: number;
  lies: number;
  /** The share of the lies that was found towards the customer while it lasted; how long that took. */
  found: number;
  medianMs: number;
  p90Ms: number;
  /** The share of the time of all lies in which they were not found, and in which the customer had them. */
  unfoundShare: number;
  stoodShare: number;
  oscillations: number;
}

/** A lie may be found, or still be on its way out, so long after it has ended, ms. */
const GRACE_MS = 1000;

/** `customer`: its address; `updates`: how many were played; `end`: when the run ended, ms. */
export function thresholdFigures(
  { lies, dissents, oscillations }: ThresholdLog,
  stood: readonly StoodLie[],
  { customer, updates, end }: { customer: string; updates: number; end: number },
): ThresholdFigures {
  const liesAbout = groupBy(lies, ({ prefix }) => prefix);
  const liars = ({ prefix, from }: FoundDissent): Set<string> => {
    const about = liesAbout.get(prefix) ?? [];
    const told = about.filter((lie) => from >= lie.from && from <= lie.to + GRACE_MS);
    return new Set(told.map(({ replica }) => replica));
  };
  const unjust = dissents.filter((dissent) => !liars(dissent).has(dissent.replica));
  const accusations = unjust.filter((dissent) => liars(dissent).size < 2);
  const towardsCustomer = groupBy(
    dissents.filter(({ neighbor }) => neighbor === customer),
    ({ replica, prefix }) => `${replica} ${prefix}`,
  );
  const delays: number[] = [];
  let [total, unfound] = [0, 0];
  for (const lie of lies) {
    const until = Math.min(lie.to, end);
    const found = (towardsCustomer.get(`${lie.replica} ${lie.prefix}`) ?? []).find(
      ({ from }) => from >= lie.from && from <= until,
    );
    if (found !== undefined) delays.push(found.from - lie.from);
    total += until - lie.from;
    unfound += (found?.from ?? until) - lie.from;
  }
  return {
    updates,
    accusations: accusations.length,
    perThousand: (accusations.length * 1000) / updates,
    longestMs: accusations.reduce((longest, { from, to }) => Math.max(longest, Math.min(to, end) - from), 0),
    outvoted: unjust.length - accusations.length,
    lies: lies.length,
    found: delays.length / lies.length,
    medianMs: quantile(delays, 0.5),
    p90Ms: quantile(delays, 0.9),
    unfoundShare: unfound / total,
    stoodShare: stoodTime(lies, stood, end) / total,
    oscillations,
  };
}

/** How long the customer had routes that were lies, ms. */
function stoodTime(lies: readonly InjectedLie[], stood: readonly StoodLie[], end: number): number {
  const liesAbout = groupBy(lies, ({ prefix }) => prefix);
  let sum = 0;
  for (const { prefix, from, to } of stood) {
    const lie = (liesAbout.get(prefix) ?? []).find((one) => from <= one.to + GRACE_MS && to >= one.from);
    if (lie !== undefined) sum += Math.min(to, end) - from;
  }
  return sum;
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}
