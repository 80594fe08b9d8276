// Judges what the demo found and prints it. The exit status of the demo is decided here and nowhere else.
import { describeFlow } from '../lab/packet-flow.js';
import { count, duration, table } from '../output/table.js';
import { share } from './screen.js';
import type { Findings } from './story.js';
import { NEIGHBORS, REPLICAS } from './topology.js';

export interface Check {
  what: string;
  ok: boolean;
  detail: string;
}

/** What must hold for the demo to have succeeded. `upstreamsKept`: both upstreams ended without having lost their session. */
export function judge(found: Findings, upstreamsKept: boolean): Check[] {
  const { status, killing, customerSince, table: held } = found;
  const flaps = status.neighbors.reduce((sum, { flaps: lost }) => sum + lost, 0);
  const up = status.neighbors.filter(({ state }) => state === 'Established').length;
  const customer = status.neighbors.find(({ address }) => address === NEIGHBORS.at(-1)!.address);
  return [
    {
      what: 'no session flapped',
      ok: flaps === 0 && up === NEIGHBORS.length && upstreamsKept && sameSession(customerSince),
      detail: `${up} of ${NEIGHBORS.length} up, ${flaps} flaps; ${describeSince(customerSince)}${upstreamsKept ? '' : '; an upstream lost its own'}`,
    },
    {
      what: `${killing.replica} was killed and votes again`,
      ok: status.electorate.includes(killing.replica),
      detail: `after ${count(killing.arrivedBefore)} prefixes; back in ${(killing.backAfterMs / 1000).toFixed(1)} s`,
    },
    lieCheck(found),
    {
      what: 'all replicas vote',
      ok: status.electorate.length === REPLICAS.length,
      detail: status.electorate.join(', '),
    },
    {
      what: "the customer's table is what was voted",
      ok: held.different === 0 && held.held === customer?.prefixesOut && held.held > 0,
      detail: `${count(held.held)} prefixes held, ${count(customer?.prefixesOut ?? 0)} sent, ${count(held.compared)} compared, ${count(held.different)} different`,
    },
    kernelCheck(found),
    packetCheck(found.forwarding),
  ];
}

function lieCheck({ lie, status }: Findings): Check {
  const { replica, prefixes, outvoted, right, foundAfterMs, backAfterMs } = lie;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  return {
    what: `${replica} lied, was outvoted and restarted`,
    ok: prefixes > 0 && outvoted === prefixes && right === prefixes && status.electorate.includes(replica),
    detail: `wrong next hops for ${prefixes} prefixes, ${right} verdicts right; found in ${seconds(foundAfterMs)}, voting again in ${seconds(backAfterMs)}`,
  };
}

/** The kernel's table is counted by `ip`; that each route is right is the hypervisor's own comparison. */
function kernelCheck({ status, forwarding: { kernelRoutes, verification } }: Findings): Check {
  const wanted = status.fib?.routes ?? 0;
  return {
    what: 'the kernel forwards by what was voted',
    ok: verification.ok && kernelRoutes.after === wanted && wanted > 0,
    detail: `${count(kernelRoutes.after)} routes in the kernel, ${count(wanted)} voted, ${count(verification.total)} different; ${count(kernelRoutes.atKill)} when the replica died`,
  };
}

function packetCheck({ packets, hosts }: Findings['forwarding']): Check {
  return {
    what: 'no packet was lost',
    ok: packets.received > 0 && packets.lost === 0,
    detail: `${describeFlow(packets)}; from the customer to ${hosts} hosts and back`,
  };
}

/** BIRD works its times out of two clocks when it is asked, so the same one may be told a little earlier or later, ms. */
const SAME_TIME_MS = 1000;

function sameSession({ before, after }: Findings['customerSince']): boolean {
  if (before === undefined || after === undefined) return false;
  const [from, to] = [before, after].map((time) => Date.parse(`1970-01-01T${time}Z`));
  return before === after || Math.abs(to - from) < SAME_TIME_MS;
}

function describeSince({ before, after }: Findings['customerSince']): string {
  return `the customer's since ${after ?? '(down)'}${before === after ? '' : `, before ${before ?? '(down)'}`}`;
}

/** The summary as text. */
export function formatSummary(found: Findings, checks: readonly Check[], seconds: number): string {
  const { status } = found;
  const sessions = NEIGHBORS.map((neighbor) => {
    const one = status.neighbors.find(({ address }) => address === neighbor.address);
    return [
      ...[neighbor.role, `${neighbor.address} AS${neighbor.as}`, one?.state ?? 'Idle', duration(one?.uptime ?? 0)],
      ...[one?.flaps ?? 0, one?.prefixesIn ?? 0, one?.prefixesOut ?? 0],
    ];
  });
  const replicas = status.replicas.map((one) => [
    ...[one.name, `${one.kind} ${one.version}`, one.state, one.restarts, one.votes, one.dissents],
  ]);
  const { total, unanimous, contested, withoutMajority } = status.ballots;
  return [
    table(['neighbour', 'address', 'session', 'up', 'flaps', 'prefixes in', 'prefixes out'], sessions, 2),
    table(['replica', 'daemon', 'state', 'restarts', 'votes', 'dissents'], replicas, 2),
    `  ${count(total)} ballots by ${status.strategy}: ${share(unanimous, total)} unanimous, ${count(contested)} contested, ${count(withoutMajority)} without a majority`,
    `  quiet ${(found.convergedMs / 1000).toFixed(1)} s after the first prefix; the whole demo took ${seconds.toFixed(0)} s`,
    [
      ...checks.map(({ what, ok, detail }) => `  ${ok ? 'yes' : 'NO '}  ${what} (${detail})`),
      ...found.table.differences.map((text) => `       ${text}`),
    ].join('\n'),
  ].join('\n\n');
}
