// What a router with healthy daemons held against them while a trace was played: all of it would be a false accusation. Owns what counts as
// one; playing is trace-lab.ts's.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FindingReport, RouterStatus } from '../../hypervisor/status.js';
import { TraceLab, type Outcome, type TraceScenario } from './trace-lab.js';

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
  /** By replica: the longest that a probe was seen out while the trace played, ms. */
  lags: Record<string, number>;
}

/** How often it is looked how far behind the replicas are, ms. */
const LAG_INTERVAL_MS = 250;

/** Plays the scenario to the whole router. */
export async function playHealthy(scenario: TraceScenario): Promise<Health> {
  const lags: Record<string, number> = {};
  const outcome = await TraceLab.run(scenario, 'router', async ({ control, played }) => {
    const over = played.then(() => true);
    do {
      const { replicas } = (await control.request('status')) as RouterStatus;
      for (const { name, lagMs } of replicas) lags[name] = Math.max(lags[name] ?? 0, Math.round(lagMs));
    } while (!(await Promise.race([over, sleep(LAG_INTERVAL_MS, false)])));
  });
  return { ...healthOf(outcome), lags };
}

function healthOf({ faults, status, log, played, playedSeconds }: Outcome): Omit<Health, 'lags'> {
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
    `  longest probe: ${Object.entries(health.lags)
      .map(([name, ms]) => `${name} ${ms} ms`)
      .join(', ')}`,
    ...accusations.map(finding),
    ...[...habits].map(([habit, total]) => `  known difference: ${habit}, ${total} times`),
    ...warnings.map((line) => `    ${line}`),
  ].join('\n');
}
