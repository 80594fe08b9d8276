// Plays one scenario against the router and against each daemon alone, and says what came of it: is what the customer holds what the majority of
// the lone daemons say, who disagrees with whom on what, what was refused by which rule. Knows the disagreements that are understood.
import type { BallotReport, BallotVote } from '../../hypervisor/status.js';
import { differences, explain, majorityOf, type Difference } from './route-tables.js';
import { refusedPrefixes, UNEXPLAINED } from './trace-content.js';
import { CUSTOMER_AS, KINDS, ROUTER_AS, TraceLab, type Outcome, type TraceScenario } from './trace-lab.js';

interface DiffLine {
  attribute: string;
  left?: string;
  right?: string;
}

interface KnownDisagreement {
  replica: string;
  reason: string;
  matches(lines: readonly DiffLine[]): boolean;
}

/** Flag octet of an attribute in the text of a difference, "… (0xe020…)". */
const flags = (text: string | undefined): number =>
  Number.parseInt(/\(0x([0-9a-f]{2})/.exec(text ?? '')?.[1] ?? '0', 16);
const PARTIAL = 0x20;
const RECOGNISED = new Set(['AGGREGATOR', 'COMMUNITIES', 'EXTENDED_COMMUNITIES', 'LARGE_COMMUNITIES']);

/** What daemons do differently for good. Each has its paragraph in docs/results.md. */
export const KNOWN: readonly KnownDisagreement[] = [
  {
    replica: 'frr',
    reason: 'FRR clears the partial bit of attributes that it knows',
    matches: (lines) =>
      lines.every(
        ({ attribute, left, right }) => RECOGNISED.has(attribute) && (flags(left) ^ flags(right)) === PARTIAL,
      ),
  },
  {
    replica: 'openbgpd',
    reason: 'OpenBGPD does not pass on attribute 255',
    matches: (lines) => lines.every(({ attribute, right }) => attribute === 'attr 255' && right === undefined),
  },
];

export interface Judgement {
  scenario: string;
  router: Outcome;
  alone: Outcome[];
  /** Ballots of all neighbours with a route as verdict, and the part of them on which all replicas agree, 0..1. */
  ballots: number;
  unanimous: number;
  /** Contested ballots by the known reason, or by who dissents. */
  contested: Map<string, BallotReport[]>;
  /** Contested ballots that no known reason explains. */
  unexplained: BallotReport[];
  /** Where the customer of the router does not hold what the majority of the lone daemons gave theirs. */
  againstMajority: Difference[];
  undecided: string[];
  /** Where it does not hold what the customer of BIRD alone got. */
  againstBird: Difference[];
  /** Prefixes that were played and refused, by rule. */
  refused: Map<string, string[]>;
}

/**
 * Plays the scenario to the router and to the lone daemons, all three at once. `together`: the router as well, which saves time where its own
 * figures do not matter.
 */
export async function judge(scenario: TraceScenario, together = false): Promise<Judgement> {
  const running = TraceLab.run(scenario, 'router');
  if (!together) await running;
  const [router, ...alone] = await Promise.all([running, ...KINDS.map((kind) => TraceLab.run(scenario, kind))]);
  const { routes, undecided } = majorityOf(alone.map((outcome) => outcome.routes));
  const bird = alone.find(({ system }) => system === 'bird')!;
  const refused = new Map<string, string[]>();
  for (const { prefix, reasons } of await refusedPrefixes(scenario, router.routes, [ROUTER_AS, CUSTOMER_AS])) {
    const key = reasons.join(', ');
    refused.set(key, [...(refused.get(key) ?? []), prefix]);
  }
  const contested = new Map<string, BallotReport[]>();
  const unexplained: BallotReport[] = [];
  for (const ballot of router.contested!) {
    const reason = reasonOf(ballot);
    if (reason === undefined) unexplained.push(ballot);
    const key =
      reason ??
      dissenters(ballot)
        .map(({ replica }) => replica)
        .join(' and ');
    contested.set(key, [...(contested.get(key) ?? []), ballot]);
  }
  const { total, unanimous } = router.status!.ballots;
  return {
    scenario: scenario.name,
    router,
    alone,
    ballots: total,
    unanimous: total === 0 ? 1 : unanimous / total,
    contested,
    unexplained,
    againstMajority: differences(routes, router.routes),
    undecided,
    againstBird: differences(bird.routes, router.routes),
    refused,
  };
}

function dissenters({ votes }: BallotReport): BallotVote[] {
  return votes.filter(({ agrees }) => !agrees);
}

function reasonOf(ballot: BallotReport): string | undefined {
  const reasons = dissenters(ballot).map(({ replica, diff }) => {
    const lines = diff as DiffLine[] | undefined;
    return lines && KNOWN.find((known) => known.replica === replica && known.matches(lines))?.reason;
  });
  return reasons.includes(undefined) ? undefined : reasons.join('; ');
}

/** One paragraph for people, also the raw material of docs/results.md. */
export function describe(judgement: Judgement): string {
  const { scenario, router, alone, ballots, unanimous, contested, againstMajority, againstBird, refused } = judgement;
  const lines = [
    `${scenario}: played ${router.played.announced} announcements and ${router.played.withdrawn} withdrawals`,
    `  customer holds ${router.routes.size} prefixes; ${ballots} ballots, ${(unanimous * 100).toFixed(3)} % unanimous`,
    `  against the majority of the daemons alone: ${againstMajority.length} differences; against BIRD: ${againstBird.length}`,
    ...againstMajority.slice(0, 20).map((difference) => `    ${explain(difference)}`),
    ...againstBird.slice(0, 20).map((difference) => `    BIRD: ${explain(difference)}`),
    ...[...contested].map(
      ([reason, list]) => `  contested: ${list.length}, ${reason}: ${unique(list.map(({ prefix }) => prefix))}`,
    ),
    ...[...refused].map(([reason, list]) => `  refused: ${list.length}, ${reason}: ${unique(list)}`),
  ];
  for (const { system, completeSeconds, playedSeconds, usage } of [router, ...alone]) {
    const used = usage.map(
      ({ name, cpuSeconds, peakBytes }) => `${name} ${cpuSeconds.toFixed(1)} s ${(peakBytes / 1e6).toFixed(0)} MB`,
    );
    const seconds = `played in ${playedSeconds.toFixed(1)} s, complete after ${completeSeconds.toFixed(1)} s`;
    lines.push(`  ${system}: ${seconds}; CPU and peak memory: ${used.join(', ')}`);
  }
  return lines.join('\n');
}

function unique(prefixes: readonly string[]): string {
  const list = [...new Set(prefixes)];
  return `${list.slice(0, 60).join(' ')}${list.length > 60 ? ` … (${list.length})` : ''}`;
}

/** A prefix the neighbours hold and the customer does not, without a rule that says so. */
export function unexplainedRefusals({ refused }: Judgement): string[] {
  return refused.get(UNEXPLAINED) ?? [];
}
