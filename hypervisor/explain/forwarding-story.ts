// The end of a prefix's story: what is decided about the forwarding table, and what the kernel makes of it. Owns the wording; the facts come
// from the forwarding table's thread (fib/reports.ts).
import type { FibRouteReport, NextHopsReport } from '../fib/status.js';
import type { ForwardingStory } from './types.js';

/** `dryRun`: the table is in memory, and nothing forwards by it. */
export function forwardingStory(route: FibRouteReport, dryRun: boolean): ForwardingStory {
  return { ...route, text: `${textOf(route, dryRun ? 'the table in memory (dry run)' : 'the kernel')}` };
}

function textOf({ state, verdict, kernel, error }: FibRouteReport, who: string): string {
  switch (state) {
    case 'installed':
      return `${who} has the verdict: ${hopsWords(verdict)}`;
    case 'pending':
      return `${who} has ${hopsWords(kernel)}; the verdict (${hopsWords(verdict)}) is about to be written`;
    case 'failing':
      return (
        `${who} refuses the verdict (${hopsWords(verdict)}): ${error ?? 'unknown error'}` +
        `${error === 'EEXIST' ? ', another route with the same metric is in the way' : ''}; it has ${hopsWords(kernel)}, and ` +
        'it is tried again'
      );
    case 'stale':
      return `${who} has ${hopsWords(kernel)} from an earlier run; nobody has asked for it yet`;
    case 'absent':
      return `${who} has no route of ours, as decided`;
  }
}

/** `via 10.0.1.2 dev eth0`, `blackhole`, `no route`. */
export function hopsWords(hops: NextHopsReport | null): string {
  if (hops === null) return 'no route';
  if (hops.type !== 'unicast') return hops.type;
  return hops.nextHops
    .map(({ gateway, interface: link, weight }) =>
      [
        ...(gateway === undefined ? [] : ['via', gateway]),
        'dev',
        link,
        ...(weight === 1 ? [] : ['weight', weight]),
      ].join(' '),
    )
    .join(', ');
}
