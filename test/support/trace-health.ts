// What a router with healthy daemons held against them while a trace was played: all of it would be a false accusation. Owns what counts as
// one; playing is trace-lab.ts's.
import type { FindingReport } from '../../hypervisor/status.js';
import type { Outcome } from './trace-lab.js';

export interface Health {
  /** Findings that are no known differences, open or over. */
  accusations: FindingReport[];
  knownDifferences: FindingReport[];
  /** Of all replicas. */
  restarts: number;
  /** Lines of the log of the levels warn and error. */
  warnings: string[];
  /** Ballots that did not come to rest. */
  oscillating: number;
  ballots: number;
  announced: number;
  withdrawn: number;
  seconds: number;
}

export function healthOf({ faults, status, log, played, playedSeconds }: Outcome): Health {
  const isKnown = ({ kind }: FindingReport): boolean => kind === 'known-difference';
  return {
    accusations: faults!.findings.filter((finding) => !isKnown(finding)),
    knownDifferences: faults!.findings.filter(isKnown),
    restarts: status!.replicas.reduce((sum, { restarts }) => sum + restarts, 0),
    warnings: log.split('\n').filter((line) => /^\S+ (warn|error) /.test(line)),
    oscillating: faults!.oscillating,
    ballots: status!.ballots.total,
    ...played,
    seconds: playedSeconds,
  };
}

/** For people. */
export function describeHealth(health: Health): string {
  const { accusations, knownDifferences, restarts, warnings, oscillating, ballots, announced, withdrawn } = health;
  const finding = ({ replica, kind, cause, place, prefixes, total, samples, text }: FindingReport): string =>
    `    ${replica} ${cause ?? kind} ${place ?? ''}: ${prefixes} now, ${total} in all; ${samples.slice(0, 3).join(' ')} ${text}`;
  const habits = new Map<string, number>();
  for (const { replica, text, total } of knownDifferences) {
    const key = `${replica} ${text}`;
    habits.set(key, (habits.get(key) ?? 0) + total);
  }
  return [
    `${announced} announcements and ${withdrawn} withdrawals in ${health.seconds.toFixed(1)} s, ${ballots} ballots`,
    `  ${accusations.length} accusations, ${restarts} restarts, ${warnings.length} warnings, ${oscillating} ballots oscillate`,
    ...accusations.map(finding),
    ...[...habits].map(([habit, total]) => `  known difference: ${habit}, ${total} times`),
    ...warnings.map((line) => `    ${line}`),
  ].join('\n');
}
