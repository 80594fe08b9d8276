// The liar of the demo: a replica whose routes get a wrong next hop on their way to the voters (`btr inject`), towards the customer and in the
// forwarding table, on exactly the prefixes that packets flow to. It is found out, outvoted, restarted, and speaks the truth again.
import type { FindingReport, RouterStatus } from '../../hypervisor/status.js';
import type { DemoNetwork } from './network.js';
import type { Screen } from './screen.js';
import { CUSTOMER, REPLICAS } from './topology.js';
import { watch } from './watch.js';

export interface Lie {
  replica: string;
  /** Prefixes that it lied about. */
  prefixes: number;
  /** Ballots on these prefixes in which it said something else than the verdict while it lied, and how many verdicts were right. */
  outvoted: number;
  right: number;
  /** What was found against it: kinds and places. */
  findings: string[];
  /** From the lie to the finding, and until it was restarted and voted again, ms. */
  foundAfterMs: number;
  backAfterMs: number;
}

const FOUND_DEADLINE_MS = 60_000;
const RETURN_DEADLINE_MS = 180_000;

/** Makes one replica lie that is neither `killed` nor the master, and waits until that is over. */
export async function letOneLie(
  network: DemoNetwork,
  screen: Screen,
  prefixes: number | undefined,
  killed: string,
): Promise<Lie> {
  const { master } = await network.status();
  const replica = [...REPLICAS].reverse().find((name) => name !== killed && name !== master)!;
  const about = network.hostPrefixes;
  const before = restartsOf(await network.status(), replica);
  await network.inject({ replica, kind: 'wrong-nexthop', prefixes: about });
  const startMs = performance.now();
  screen.event(
    `${replica} lies from now on: a wrong next hop for ${about.length} prefixes, the ones that packets go to`,
  );
  const { outvoted, right } = await countVerdicts(network, replica, about);
  const findings = await watch(network, screen, prefixes, {
    what: `${replica} is found out`,
    deadlineMs: FOUND_DEADLINE_MS,
    until: async () => {
      const found = await network.findings(replica);
      return wrongAt(found, CUSTOMER.address) && wrongAt(found, 'fib') && found;
    },
  });
  const foundAfterMs = performance.now() - startMs;
  screen.event(`${replica} is found out: ${wordsFor(findings)}; the others outvote it`);
  await watch(network, screen, prefixes, {
    what: `${replica} is restarted`,
    deadlineMs: RETURN_DEADLINE_MS,
    until: (status) => restartsOf(status, replica) > before && status.electorate.includes(replica),
  });
  screen.event(`${replica} has been restarted, votes again and tells the truth`);
  return {
    replica,
    prefixes: about.length,
    outvoted,
    right,
    findings: findings.map(({ kind, place }) => `${kind} at ${place ?? 'all'}`),
    foundAfterMs,
    backAfterMs: performance.now() - startMs,
  };
}

function restartsOf({ replicas }: RouterStatus, name: string): number {
  return replicas.find((replica) => replica.name === name)?.restarts ?? 0;
}

/** Of the ballots towards the customer: where the liar differs, and where what is decided is what the router should say. */
async function countVerdicts(network: DemoNetwork, replica: string, prefixes: readonly string[]) {
  const ballots = await Promise.all(prefixes.map((prefix) => network.ballot(prefix)));
  const differs = ballots.filter((ballot) => ballot?.votes.some((vote) => vote.replica === replica && !vote.agrees));
  const right = ballots.filter((ballot) => ballot?.verdict?.NEXT_HOP === CUSTOMER.routerAddress);
  return { outvoted: differs.length, right: right.length };
}

function wrongAt(findings: readonly FindingReport[], place: string): boolean {
  return findings.some((finding) => finding.kind === 'different' && finding.place === place);
}

function wordsFor(findings: readonly FindingReport[]): string {
  const towards = findings.find(({ kind, place }) => kind === 'different' && place === CUSTOMER.address);
  const { attribute, majority, vote } = towards?.example?.diff[0] ?? {};
  const example = attribute === undefined ? '' : ` (${attribute} ${vote}, the others ${majority})`;
  return `different on ${towards?.total ?? 0} prefixes to the customer${example}, and in the forwarding table`;
}
