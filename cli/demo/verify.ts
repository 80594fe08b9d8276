// The demo's proofs: that the customer's table is what was voted, and that its session never went down. Both are taken from
// the customer's own BIRD, not from the hypervisor's word for it.
import type { BallotReport } from '../../hypervisor/status.js';

/** A route as BIRD shows it. */
export interface BirdRoute {
  asPath: string;
  nextHop: string;
}

/** From `birdc show route all`: prefix to its best route. */
export function parseBirdRoutes(text: string): Map<string, BirdRoute> {
  const routes = new Map<string, BirdRoute>();
  let current: BirdRoute | undefined;
  for (const line of text.split('\n')) {
    const prefix = /^([0-9a-f.:]+\/\d+)\s/.exec(line)?.[1];
    if (prefix !== undefined) routes.set(prefix, (current = { asPath: '', nextHop: '' }));
    const [, name, value] = /^\s+BGP\.(as_path|next_hop): (.*)$/.exec(line) ?? [];
    if (current === undefined || value === undefined) continue;
    if (name === 'as_path') current.asPath = value.trim();
    else current.nextHop = value.trim();
  }
  return routes;
}

export interface TableCheck {
  /** Prefixes in the customer's table. */
  held: number;
  /** How many of them were compared route by route with the verdict on them. */
  compared: number;
  /** Those that are not what was voted, as text for people; at most `MOST_SHOWN`. */
  differences: string[];
  different: number;
}

const MOST_SHOWN = 10;
/** Questions under way at a time. */
const BATCH = 500;

/**
 * Compares the customer's routes with the verdicts, `sample` of them spread evenly over the table. That it holds nothing
 * besides is seen from the count: as many prefixes as the hypervisor says it has sent.
 */
export async function compareTable(
  routes: ReadonlyMap<string, BirdRoute>,
  ballot: (prefix: string) => Promise<BallotReport | undefined>,
  sample: number,
): Promise<TableCheck> {
  const step = Math.max(1, Math.ceil(routes.size / sample));
  const chosen = [...routes].filter((_, index) => index % step === 0);
  const differences: string[] = [];
  let different = 0;
  for (let at = 0; at < chosen.length; at += BATCH) {
    const batch = chosen.slice(at, at + BATCH);
    const ballots = await Promise.all(batch.map(([prefix]) => ballot(prefix)));
    for (const [index, [prefix, route]] of batch.entries()) {
      const difference = differs(route, ballots[index]);
      if (difference === undefined) continue;
      if (different++ < MOST_SHOWN) differences.push(`${prefix}: ${difference}`);
    }
  }
  return { held: routes.size, compared: chosen.length, differences, different };
}

/** What is different between a held route and the verdict; undefined when nothing is. */
export function differs(route: BirdRoute, ballot: BallotReport | undefined): string | undefined {
  const verdict = ballot?.verdict;
  if (!verdict) return 'held, but voted absent';
  for (const [name, held] of [
    ['AS_PATH', route.asPath],
    ['NEXT_HOP', route.nextHop],
  ] as const) {
    const voted = verdict[name] ?? '';
    if (normalised(voted) !== normalised(held)) return `${name} held ${held}, voted ${voted}`;
  }
  return undefined;
}

/** AS_SETs are written with blanks by one, with commas by the other. */
function normalised(text: string): string {
  return text
    .replace(/[{},]/g, (mark) => (mark === ',' ? ' ' : ` ${mark} `))
    .trim()
    .replace(/\s+/g, ' ');
}

/** Since when the customer's BIRD has had its session, from `birdc show protocols all`; undefined when it is not up. */
export function establishedSince(text: string): string | undefined {
  const line = /^n0\s+BGP\s+\S+\s+up\s+(\S+(?: \S+)?)\s+Established/m.exec(text);
  return line?.[1];
}
