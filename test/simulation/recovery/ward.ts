// Stands for the hypervisor's quarantine desk: what was in flight to a replica that failed is withheld from it and tried on disposable
// model instances. Fingerprints, holds, the search, the memory of what was released, what is tried again, and when something comes back
// from probation are the router's own; only their times are shorter.
import { QUARANTINED } from '../../../hypervisor/abstentions.js';
import { GiveBack, nextGroup } from '../../../hypervisor/quarantine/give-back.js';
import { Repeats, type Death } from '../../../hypervisor/quarantine/repeats.js';
import { Unfinished, type UnfinishedDeath } from '../../../hypervisor/quarantine/unfinished.js';
import { Narrowing, type TrialVerdict } from '../../../recovery/narrowing.js';
import type { Suspect } from '../../../replicator/types.js';
import type { SystemCause, SystemFault } from '../../../voter/faults/types.js';
import { Random } from '../random.js';
import { isDeadly } from './host.js';
import { doseIn, type Dose } from './poison.js';
import type { RecoveryWorld } from './world.js';

const CAUSES: ReadonlySet<SystemCause> = new Set(['crash', 'session', 'notification', 'hang', 'broken-update']);
const MAX_WAITING = 16;
const PATIENCE = 8000;
const LIMIT = 20_000;
const START = 40;
const FEED = 15;
/** What is due comes in groups, each after the one before has proven harmless; ms. */
const BACK_WITHIN = 5000;

interface Case extends UnfinishedDeath {
  messages: readonly Suspect[];
}

export function isCausedByInput(cause: SystemCause): boolean {
  return CAUSES.has(cause);
}

export class Ward {
  /** When something was last given back to anybody, ms. */
  givenBackAt = -Infinity;
  readonly counts = { quarantined: 0, convicted: 0, released: 0, trials: 0 };
  private readonly world: RecoveryWorld;
  private readonly random: Random;
  private readonly repeats = new Repeats({ shortest: 1000, longest: 60_000, fade: 10_000 });
  private readonly giveBack: GiveBack;
  private readonly unfinished = new Unfinished({ shortest: 1000, longest: 4000 });
  /** By quarantine number: when it may come back, ms, and how often it has killed. */
  private readonly probations = new Map<number, { ends: number; times: number }>();
  private readonly cases: Case[] = [];
  private readonly explained = new WeakSet<Death>();
  private running = false;
  private closedAt = Infinity;

  constructor(world: RecoveryWorld) {
    this.world = world;
    this.random = new Random(world.scenario.seed, 'ward');
    const options = { calm: 800, memory: 8000, proof: 200, patience: 5000 };
    this.giveBack = new GiveBack(world.scenario.standby.length, options);
  }

  /** Nothing is on trial, or waits for one. */
  get idle(): boolean {
    return !this.running && this.cases.length === 0;
  }

  /**
   * The end: nothing comes back from probation any more. What kills, and no trial shows, would otherwise have somebody come back for ever, and
   * nothing could be said of the rest.
   */
  close(): void {
    this.closedAt = this.world.queue.now;
  }

  /** Whether its probation was not over long enough before the end for it to have come back. */
  isOnProbation(id: number): boolean {
    const { ends } = this.probations.get(id) ?? { ends: -Infinity };
    return ends > this.closedAt - BACK_WITHIN;
  }

  suspect({ replica, cause, neighbor, reason, at }: SystemFault): void {
    if (!isCausedByInput(cause)) return;
    const { replicator, scenario } = this.world;
    const messages = replicator.suspects(replica, cause === 'notification' ? neighbor : undefined);
    if (messages.length === 0 || this.world.is('forgetful')) return;
    const provenUntil = this.giveBack.died(replica, at);
    const ids = replicator.withholding.quarantine(replica, messages, reason, at);
    this.counts.quarantined += ids.filter((id) => id !== 0).length;
    if (!scenario.narrow || ids.every((id) => id === 0)) return;
    const death: Death = { at, suspects: messages.length, provenUntil };
    if (this.cases.length < MAX_WAITING) this.cases.push({ replica, death, messages, ids, tries: 0 });
    else this.unfinished.add({ replica, death, ids, tries: 0 }, at);
  }

  apply(now: number): void {
    const { replicator, abstentions } = this.world;
    for (const { replica, prefix, hold } of replicator.withholding.drainHolds()) {
      if (hold) abstentions.hold(replica, prefix, QUARANTINED, now);
      else if (!this.world.is('sticky-holds')) abstentions.lift(replica, prefix, QUARANTINED, now);
    }
  }

  tick(now: number): void {
    for (const { index } of this.world.hosts) this.review(index, now);
    if (this.running) return;
    const { electorate } = this.world;
    if (this.cases.length === 0) this.retry(now);
    const next = this.cases.findIndex(({ replica, death }) => electorate.has(replica) || now - death.at > PATIENCE);
    if (next < 0) return;
    const [one] = this.cases.splice(next, 1);
    this.running = true;
    this.counts.trials++;
    this.hold(one, new Narrowing(one.messages.length), [], now + LIMIT);
  }

  /** Some of what nothing was found against comes back. */
  private review(r: number, now: number): void {
    const { replicator, caughtUp } = this.world;
    if (this.closedAt <= now || !this.giveBack.isOpen(r, caughtUp[r], now) || this.world.is('unforgiving')) return;
    const due = [...this.probations].flatMap(([id, { ends, times }]) => {
      const entry = replicator.withholding.entry(id);
      return entry?.replica === r && ends <= now ? [{ id, times, prefixes: entry.suspect.prefixes }] : [];
    });
    this.letGo(
      r,
      nextGroup(due).map(({ id }) => id),
    );
  }

  private retry(now: number): void {
    const { electorate, replicator } = this.world;
    const one = this.unfinished.take((r) => electorate.has(r), now);
    const entries = (one?.ids ?? []).flatMap((id) => replicator.withholding.entry(id) ?? []);
    if (one === undefined || entries.length === 0) return;
    this.cases.push({ ...one, ids: entries.map(({ id }) => id), messages: entries.map(({ suspect }) => suspect) });
  }

  /** One step of a trial, and the next ones in their time. `taken`: what the living instance was given. */
  private hold(one: Case, narrowing: Narrowing, taken: Dose[], deadline: number): void {
    const { queue } = this.world;
    const step = queue.now > deadline ? narrowing.giveUp() : narrowing.next();
    if (step === undefined || step.kind === 'done') {
      this.running = false;
      this.judge(one, narrowing.verdicts);
      return;
    }
    const start = step.kind === 'start';
    queue.after(start ? START : FEED, () => {
      if (start) {
        if (this.random.chance(0.05)) narrowing.killed();
        else narrowing.started();
        this.hold(one, narrowing, [], deadline);
        return;
      }
      const dies = step.messages.some((message) => this.kills(one.replica, one.messages[message].bytes, taken));
      if (dies) narrowing.killed();
      else narrowing.survived();
      this.hold(one, narrowing, taken, deadline);
    });
  }

  private kills(r: number, message: Uint8Array, taken: Dose[]): boolean {
    const dose = doseIn(message, this.world.routes);
    if (dose === undefined || !this.world.isVulnerable(r, dose.kind)) return false;
    taken.push(dose);
    return isDeadly(dose, taken);
  }

  private judge({ replica, death, ids, messages, tries }: Case, verdicts: readonly TrialVerdict[]): void {
    const { replicator, queue } = this.world;
    const released: number[] = [];
    const untried: number[] = [];
    const open = messages.filter(
      (_, i) => verdicts[i] === 'not-reproduced' && replicator.withholding.entry(ids[i]) !== undefined,
    );
    const probations = this.repeats.suspected(replica, open, death, queue.now);
    verdicts.forEach((told, i) => {
      let verdict = told;
      if (this.world.is('gullible')) verdict = 'cleared';
      if (this.world.is('vengeful')) verdict = 'convicted';
      const entry = replicator.withholding.entry(ids[i]);
      if (entry === undefined) return;
      const { stays, times } = probations[open.indexOf(messages[i])] ?? { stays: 0, times: 0 };
      const keep = verdict === 'untried' || (verdict === 'not-reproduced' && stays > 0);
      if (verdict === 'convicted') replicator.withholding.convict(entry.id);
      else if (verdict === 'untried') untried.push(entry.id);
      else if (keep) this.probations.set(entry.id, { ends: queue.now + stays, times });
      else released.push(entry.id);
      if (verdict === 'convicted') this.counts.convicted++;
      this.world.judged(replica, entry.suspect, verdict, !keep && verdict !== 'convicted');
    });
    if (verdicts.includes('convicted') && !this.explained.has(death)) {
      this.explained.add(death);
      this.world.desk.explained(replica, death.at);
    }
    if (untried.length > 0) this.unfinished.add({ replica, death, ids: untried, tries: tries + 1 }, queue.now);
    this.letGo(replica, released);
  }

  private letGo(r: number, ids: readonly number[]): void {
    if (ids.length === 0) return;
    const { replicator, queue, hosts } = this.world;
    this.counts.released += ids.length;
    for (const id of ids) {
      const entry = replicator.withholding.entry(id);
      if (entry !== undefined) this.repeats.released(r, entry.suspect, queue.now);
      this.probations.delete(id);
    }
    this.giveBack.given(r, queue.now);
    this.givenBackAt = queue.now;
    replicator.withholding.releaseAll(ids, queue.now);
    hosts[r].wake();
  }
}
