// Stands for the hypervisor's quarantine desk: what was in flight to a replica that failed is withheld from it and tried on disposable
// model instances. Fingerprints, holds, the search and the memory of what was released are the router's own.
import { QUARANTINED } from '../../../hypervisor/abstentions.js';
import { Repeats } from '../../../hypervisor/quarantine/repeats.js';
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

interface Case {
  replica: number;
  at: number;
  messages: readonly Suspect[];
  ids: readonly number[];
}

export function isCausedByInput(cause: SystemCause): boolean {
  return CAUSES.has(cause);
}

export class Ward {
  readonly counts = { quarantined: 0, convicted: 0, released: 0, trials: 0 };
  private readonly world: RecoveryWorld;
  private readonly random: Random;
  private readonly repeats = new Repeats();
  private readonly cases: Case[] = [];
  private running = false;

  constructor(world: RecoveryWorld) {
    this.world = world;
    this.random = new Random(world.scenario.seed, 'ward');
  }

  /** Nothing is on trial, or waits for one. */
  get idle(): boolean {
    return !this.running && this.cases.length === 0;
  }

  suspect({ replica, cause, neighbor, reason, at }: SystemFault): void {
    if (!isCausedByInput(cause)) return;
    const { replicator, scenario } = this.world;
    const messages = replicator.suspects(replica, cause === 'notification' ? neighbor : undefined);
    if (messages.length === 0 || this.world.is('forgetful')) return;
    const ids = replicator.quarantine(replica, messages, reason, at);
    this.counts.quarantined += ids.filter((id) => id !== 0).length;
    if (!scenario.narrow || ids.every((id) => id === 0) || this.cases.length >= MAX_WAITING) return;
    this.cases.push({ replica, at, messages, ids });
  }

  apply(now: number): void {
    const { replicator, abstentions } = this.world;
    for (const { replica, prefix, hold } of replicator.drainHolds()) {
      if (hold) abstentions.hold(replica, prefix, QUARANTINED, now);
      else if (!this.world.is('sticky-holds')) abstentions.lift(replica, prefix, QUARANTINED, now);
    }
  }

  tick(now: number): void {
    if (this.running) return;
    const { electorate } = this.world;
    const next = this.cases.findIndex(({ replica, at }) => electorate.has(replica) || now - at > PATIENCE);
    if (next < 0) return;
    const [one] = this.cases.splice(next, 1);
    this.running = true;
    this.counts.trials++;
    this.hold(one, new Narrowing(one.messages.length), [], now + LIMIT);
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

  private judge({ replica, ids, messages }: Case, verdicts: readonly TrialVerdict[]): void {
    const { replicator, queue, hosts } = this.world;
    const again = messages.map((message) => this.repeats.has(replica, message, queue.now));
    const released: number[] = [];
    verdicts.forEach((told, i) => {
      let verdict = told;
      if (this.world.is('gullible')) verdict = 'cleared';
      if (this.world.is('vengeful')) verdict = 'convicted';
      const entry = replicator.entry(ids[i]);
      if (entry === undefined) return;
      const keep = verdict === 'untried' || (verdict === 'not-reproduced' && again[i]);
      if (verdict === 'convicted') replicator.convict(entry.id);
      else if (!keep) {
        this.repeats.released(replica, entry.suspect, queue.now);
        released.push(entry.id);
      }
      if (verdict === 'convicted') this.counts.convicted++;
      this.world.judged(replica, entry.suspect, verdict, !keep && verdict !== 'convicted');
    });
    this.counts.released += released.length;
    replicator.releaseAll(released, queue.now);
    hosts[replica].wake();
  }
}
