// What is tried, and what follows from it: each death's messages get their trial, what an instance dies of is convicted, what is cleared is
// given back, and what nothing could be shown of is given back once and stays for a while when it is suspected again. A trial that came to
// no end, or that there was no room for, is held (again) when no other waits. Owns that; the queue is trial-queue.ts, when a trial is held
// again unfinished.ts, how long something stays repeats.ts.
import type { ShimHub } from '../../preload/hub.js';
import type { TrialVerdict } from '../../recovery/narrowing.js';
import type { Suspect } from '../../replicator/types.js';
import type { SystemFault } from '../../voter/faults/types.js';
import { now as clock } from '../clock.js';
import type { RouterContext } from '../context.js';
import type { NeighborPort } from '../neighbor-port.js';
import type { Inventory } from './inventory.js';
import type { Death, Probation, Repeats } from './repeats.js';
import type { EntryNotes } from './report.js';
import { routesOfOthers, trialNeighbors, trialProblem } from './surroundings.js';
import type { TrialResult } from './trial.js';
import { TrialQueue, type TrialCase } from './trial-queue.js';
import { Unfinished, type UnfinishedDeath } from './unfinished.js';

/** What cannot be tried stays for so long, ms. */
const PROBATION_MS = 60_000;
/** So many trials that end too early, though nothing died in them, are enough. */
const MAX_TRIES = 3;

export interface TrialDeskParts {
  context: Pick<RouterContext, 'config' | 'log' | 'replicator' | 'tables' | 'electorate'>;
  hub: ShimHub;
  runDirectory: string;
  neighbors: () => readonly NeighborPort[];
  inventory: Inventory;
  repeats: Repeats;
  convicted: (ids: readonly number[], replica: number) => void;
  /** Called once for a death that a trial has shown the cause of; `diedAt` in ms. */
  explained: (replica: number, diedAt: number) => void;
  released: (ids: readonly number[], because: string, now: number) => void;
}

export class TrialDesk {
  private readonly parts: TrialDeskParts;
  private readonly trials: TrialQueue;
  private readonly unfinished = new Unfinished();
  private readonly explained = new WeakSet<Death>();

  constructor(parts: TrialDeskParts) {
    const { context, hub, runDirectory, inventory } = parts;
    this.parts = parts;
    this.trials = new TrialQueue({
      config: context.config,
      hub,
      runDirectory,
      recovered: (r) => context.electorate.has(r),
      began: ({ ids }) => ids.forEach((id) => id !== 0 && inventory.note(id, { trial: 'running', probation: false })),
      ended: (one, result) => this.judge(one, result),
    });
  }

  /** The index of the replica whose messages are on trial, and how many trials wait. */
  get state(): { running: number | undefined; waiting: number } {
    const { running, waiting } = this.trials;
    return { running, waiting };
  }

  /** The messages of a death, and their quarantine numbers. Returns what is to be noted of them. */
  add(
    { replica }: SystemFault,
    death: Death,
    suspects: readonly Suspect[],
    ids: readonly number[],
  ): Partial<EntryNotes> {
    const { config } = this.parts.context;
    if (!config.quarantine.narrow) return { trial: 'off', note: null };
    const untried = { trial: 'untried', probation: true } as const;
    const problem = trialProblem(config.replicas[replica]);
    if (problem !== undefined) return { ...untried, note: problem, probationEnds: death.at + PROBATION_MS };
    if (this.trials.add(this.caseOf(replica, death, suspects, ids, 0))) return { trial: 'waiting', note: null };
    this.putOff({ replica, death, ids, tries: 0 }, death.at);
    return { ...untried, note: 'too many trials wait' };
  }

  tick(now: number): void {
    this.trials.tick(now);
    if (this.trials.running === undefined && this.trials.waiting === 0) this.retry(now);
  }

  async stop(): Promise<void> {
    await this.trials.stop();
  }

  private caseOf(
    replica: number,
    death: Death,
    messages: readonly Suspect[],
    ids: readonly number[],
    tries: number,
  ): TrialCase {
    const neighbors = trialNeighbors(this.parts.neighbors(), messages);
    const before = routesOfOthers(this.parts.context, replica, neighbors, messages);
    return { replica, death, messages, ids, neighbors, before, tries };
  }

  private putOff(one: UnfinishedDeath, now: number): void {
    const givenUp = this.unfinished.add(one, now);
    for (const id of givenUp?.ids ?? []) if (id !== 0) this.parts.inventory.note(id, { probationEnds: now });
  }

  /** Nothing is on trial: a death that is still unexplained has its turn. */
  private retry(now: number): void {
    const { electorate, replicator } = this.parts.context;
    const one = this.unfinished.take((r) => electorate.has(r), now);
    const entries = (one?.ids ?? []).flatMap((id) => replicator.withholding.entry(id) ?? []);
    if (one === undefined || entries.length === 0) return;
    const suspects = entries.map(({ suspect }) => suspect);
    const ids = entries.map(({ id }) => id);
    this.trials.add(this.caseOf(one.replica, one.death, suspects, ids, one.tries));
  }

  /** What kills stays for good, what does not is given back. */
  private judge(one: TrialCase, { verdicts, deaths, died, incomplete, starts }: TrialResult): void {
    const { context, inventory } = this.parts;
    const { replica, death, ids, tries } = one;
    const now = clock();
    const released: number[] = [];
    const convicted: number[] = [];
    const untried: number[] = [];
    const enough = !died && tries + 1 >= MAX_TRIES;
    const probations = this.probationsOf(one, verdicts, now);
    verdicts.forEach((verdict, i) => {
      const entry = context.replicator.withholding.entry(ids[i]);
      if (entry === undefined) return;
      const { stays, times } = probations.get(entry.id) ?? { stays: 0, times: 0 };
      if (verdict === 'convicted') {
        context.replicator.withholding.convict(entry.id);
        convicted.push(entry.id);
        inventory.note(entry.id, { trial: 'convicted', note: deaths[i] ?? null });
      } else if (verdict === 'untried') {
        untried.push(entry.id);
        const probationEnds = enough ? now + PROBATION_MS : Infinity;
        inventory.note(entry.id, { trial: 'untried', note: incomplete ?? null, probation: !died, probationEnds });
      } else if (stays > 0) {
        inventory.note(entry.id, { trial: 'not-reproduced', probation: true, probationEnds: now + stays, times });
      } else released.push(entry.id);
    });
    const { name } = context.config.replicas[replica];
    context.log.info(
      `quarantine: ${verdicts.length} messages that replica ${name} may have died of were tried (${starts} disposable instances): ` +
        `${convicted.length} convicted, ${released.length} released${incomplete === undefined ? '' : `; ${incomplete}`}`,
    );
    if (untried.length > 0 && !enough) this.putOff({ replica, death, ids: untried, tries: tries + 1 }, now);
    if (convicted.length > 0) this.explain(replica, death);
    this.parts.convicted(convicted, replica);
    this.parts.released(released, verdicts.includes('not-reproduced') ? 'not reproduced' : 'cleared', now);
  }

  /** A death can have several trials, and several messages that it is put down to. */
  private explain(replica: number, death: Death): void {
    if (this.explained.has(death)) return;
    this.explained.add(death);
    this.parts.explained(replica, death.at);
  }

  /** How long those stay that nothing could be shown of, by their quarantine numbers. */
  private probationsOf(
    { replica, death, ids }: TrialCase,
    verdicts: readonly TrialVerdict[],
    now: number,
  ): Map<number, Probation> {
    const { context, repeats } = this.parts;
    const entries = ids.flatMap((id, i) => {
      const entry = verdicts[i] === 'not-reproduced' ? context.replicator.withholding.entry(id) : undefined;
      return entry ?? [];
    });
    const messages = entries.map(({ suspect }) => suspect);
    const probations = repeats.suspected(replica, messages, death, now);
    return new Map(entries.map(({ id }, i) => [id, probations[i]]));
  }
}
