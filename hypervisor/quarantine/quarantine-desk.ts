// Poison messages in the running router: when a replica dies of something, what was in flight to it is withheld from it and kept on disk until
// it is given back. Owns this wiring, and what the operator sees and can do about it; what is found out about it is trial-desk.ts, which
// messages and prefixes are meant, and that they never reach the replica again, replicator/.
import type { ShimHub } from '../../preload/hub.js';
import type { Delivery, QuarantineEntry, Suspect } from '../../replicator/types.js';
import type { SystemCause, SystemFault } from '../../voter/faults/types.js';
import { parseAddress } from '../../wire/ip.js';
import type { SessionEnds } from '../../wire/mrt/encode.js';
import { QUARANTINED } from '../abstentions.js';
import { now as clock, wallClock } from '../clock.js';
import type { RouterContext } from '../context.js';
import { causeOf } from '../faults/fault-desk.js';
import type { NeighborPort } from '../neighbor-port.js';
import { plainRecord } from '../vote-records.js';
import { BrokenFeeds, ENOUGH_DEATHS } from './broken-feeds.js';
import { Evidence } from './evidence.js';
import { GiveBack, nextGroup } from './give-back.js';
import { Inventory } from './inventory.js';
import { Repeats } from './repeats.js';
import type { QuarantineDetail, QuarantineListing, QuarantineQuery } from './report.js';
import { TrialDesk } from './trial-desk.js';
import { Uncarried } from './uncarried.js';
import { nlriOf } from './withheld-prefixes.js';

/** What input can cause. Not: a signal from outside, a kernel that is not read, a start that fails, a session that is not taken. */
const CAUSES: ReadonlySet<SystemCause> = new Set(['crash', 'session', 'notification', 'hang', 'broken-update']);
/** Changes of abstentions taken from the replicator in one turn of the main loop: each is told to every neighbour's voter. */
const HOLDS = 4096;
/** Between two looks at who is due for something, when nobody was; ms. */
const REVIEW_MS = 15_000;
/** Most quarantine numbers in one line of the vote log. */
const LOGGED_IDS = 100;

export interface QuarantineParts {
  context: Pick<
    RouterContext,
    'config' | 'log' | 'meters' | 'replicator' | 'tables' | 'electorate' | 'abstentions' | 'caughtUp' | 'voteLog'
  > & {
    schedule(): void;
  };
  hub: ShimHub;
  runDirectory: string;
  neighbors: () => readonly NeighborPort[];
  /** What replica `r` died of at `diedAt` (ms) is known now. */
  explained: (r: number, diedAt: number) => void;
}

export class QuarantineDesk {
  private readonly context: QuarantineParts['context'];
  private readonly evidence: Evidence;
  private readonly trials: TrialDesk;
  private readonly repeats = new Repeats();
  private readonly giveBack: GiveBack;
  private readonly brokenFeeds = new BrokenFeeds();
  /** Replicas whose session closed while a process of theirs was ending, and what was on its way to them. */
  private readonly dying = new Map<number, { fault: SystemFault; suspects: readonly Suspect[] }>();
  private readonly inventory: Inventory;
  private readonly uncarried: Uncarried;
  private nextReview = 0;
  /** By replica: when it is looked at again what is due for it, ms. */
  private readonly nextLook: number[];

  constructor({ context, hub, runDirectory, neighbors, explained }: QuarantineParts) {
    const { config, log } = context;
    this.context = context;
    this.inventory = new Inventory(context);
    this.uncarried = new Uncarried(context, (id) => this.inventory.isOnProbation(id));
    this.evidence = new Evidence(config.quarantine.directory, log);
    this.giveBack = new GiveBack(config.replicas.length);
    this.nextLook = config.replicas.map(() => 0);
    this.trials = new TrialDesk({
      context,
      hub,
      runDirectory,
      neighbors,
      inventory: this.inventory,
      repeats: this.repeats,
      explained,
      convicted: (ids, r) => this.record('convicted', this.entriesOf(ids), r, 'a disposable instance died of it'),
      released: (ids, because, now) => this.letGo(ids, because, now),
    });
  }

  /** Called while the replica's feeds are still open. */
  suspect(fault: SystemFault): void {
    if (!CAUSES.has(fault.cause)) return;
    const { config, replicator } = this.context;
    const { replica } = fault;
    // Only a NOTIFICATION says which session it is about. One that is just closed may be the first sign of a crash, and a broken UPDATE
    // goes to one neighbour because of what came from another.
    const neighbor = fault.cause === 'notification' ? fault.neighbor : undefined;
    // They wait for their trial in memory. One more than there may be entries tells the replicator that there were too many.
    const suspects = replicator.suspects(replica, neighbor, config.quarantine.maxMessages + 1);
    if (fault.dying === true) this.dying.set(replica, { fault, suspects });
    else this.withhold(fault, suspects);
  }

  /**
   * The processes of replica `r` have ended. When one was on its way out as its session closed, only now it is known of what: somebody who
   * kills a replica under load does not make suspects of all that was on its way to it.
   */
  exited(r: number, signal: NodeJS.Signals | null, text: string): void {
    const death = this.dying.get(r);
    if (death === undefined) return;
    this.dying.delete(r);
    const fault = causeOf(death.fault, signal, text);
    if (CAUSES.has(fault.cause)) this.withhold(fault, death.suspects);
  }

  private withhold(fault: SystemFault, suspects: readonly Suspect[]): void {
    if (suspects.length === 0) return;
    const { replicator } = this.context;
    const { replica, reason, at } = fault;
    const provenUntil = this.giveBack.died(replica, at);
    this.repair(fault, suspects);
    const ids = replicator.withholding.quarantine(replica, suspects, reason, at);
    const held = suspects.flatMap((suspect, i) => (ids[i] === 0 ? [] : [{ suspect, id: ids[i] }]));
    if (held.length === 0) return this.tellCareful(fault, suspects);
    this.inventory.forgetEvicted();
    const file = this.keep(fault, held);
    const trial = this.trials.add(fault, { at, suspects: suspects.length, provenUntil }, suspects, ids);
    for (const { id } of held) this.inventory.note(id, { cause: fault.cause, file, ...trial });
    this.tell(fault, held, file);
  }

  /** In which form replica `r` is given what neighbour `n` sends, when their session opens. */
  formOf(r: number, n: number): Delivery {
    const { deliver } = this.context.config.replicas[r];
    return deliver === 'raw' && this.brokenFeeds.isRepaired(r, n, clock()) ? 'repaired' : deliver;
  }

  private repair({ replica, at }: SystemFault, suspects: readonly Suspect[]): void {
    const { config, log, voteLog } = this.context;
    const { name, deliver } = config.replicas[replica];
    if (deliver !== 'raw') return;
    for (const n of this.brokenFeeds.died(replica, suspects, at)) {
      const reason =
        `failed ${ENOUGH_DEATHS} times while broken messages of neighbour ${config.neighbors[n].address} were under way: from now on it ` +
        'gets them repaired (deliver: repaired), until that has not happened for an hour';
      log.warn(`replica ${name} ${reason}`);
      voteLog.append(plainRecord(at, 'replica', { replica: name, state: 'given-repaired', reason }));
    }
  }

  /** Once per turn of the main loop: takes what the replicator has held back or lifted since. */
  apply(now: number): void {
    const { abstentions, replicator, schedule } = this.context;
    const changes = replicator.withholding.drainHolds(HOLDS);
    for (const { replica, prefix, hold } of changes) {
      if (hold) abstentions.hold(replica, prefix, QUARANTINED, now);
      else abstentions.lift(replica, prefix, QUARANTINED, now);
    }
    // A replica that died of so much does not vote again before the rest has been told.
    if (changes.length >= HOLDS) schedule();
  }

  tick(now: number): void {
    this.trials.tick(now);
    this.context.config.replicas.forEach((_, r) => this.review(r, now));
    if (now < this.nextReview) return;
    this.nextReview = now + REVIEW_MS;
    this.letGo(this.uncarried.due(now), 'no replica had it', now);
  }

  async stop(): Promise<void> {
    await this.trials.stop();
    await this.evidence.flush();
  }

  /** `btr quarantine list`. Throws an Error for the user. */
  list(query: QuarantineQuery): QuarantineListing {
    return this.inventory.list(query, this.trials.state);
  }

  /** `btr quarantine show`. Throws an Error for the user. */
  show(id: number): QuarantineDetail {
    return this.inventory.show(id);
  }

  /** `btr quarantine release`: by somebody who knows better. Returns how many were released; throws an Error for the user. */
  release(id: number | undefined, replica?: string): number {
    const { replicator } = this.context;
    const r = replica === undefined ? undefined : this.inventory.indexOf(replica);
    const entries = id === undefined ? replicator.withholding.entries(r) : [this.inventory.entry(id)];
    for (const { suspect, replica: of } of entries) this.repeats.forget(of, suspect);
    this.free(
      entries.map((entry) => entry.id),
      'by command',
    );
    return entries.length;
  }

  private tellCareful({ replica, reason }: SystemFault, suspects: readonly Suspect[]): void {
    const { config, log, replicator } = this.context;
    if (!replicator.withholding.isCareful(replica)) return;
    log.warn(
      `replica ${config.replicas[replica].name}: ${suspects.length} messages or more were under way when it failed (${reason}), too many ` +
        'to suspect them all: next time it gets its tables in small parts',
    );
  }

  private keep({ replica, cause, reason, at }: SystemFault, held: readonly { suspect: Suspect; id: number }[]): string {
    const death = { replica: this.context.config.replicas[replica].name, cause, reason, at: wallClock(at) };
    const messages = held.map(({ id, suspect: { neighbor, time, bytes, prefixes } }) => ({
      id,
      ends: this.endsOf(neighbor),
      time: Date.parse(wallClock(time)),
      bytes,
      prefixes,
    }));
    return this.evidence.keep(death, messages);
  }

  private tell(
    { replica, cause, reason, at }: SystemFault,
    held: readonly { suspect: Suspect; id: number }[],
    file: string,
  ): void {
    const { config, log, meters, voteLog } = this.context;
    const { name } = config.replicas[replica];
    for (const { suspect } of held) meters.quarantined.add(`${replica} ${suspect.neighbor} ${cause}`);
    const prefixes = held.reduce((sum, { suspect }) => sum + suspect.prefixes, 0);
    log.warn(
      `replica ${name}: ${held.length} messages (${prefixes} prefixes) were under way when it failed: it is not given them again ` +
        `(btr quarantine list; kept in ${file})`,
    );
    const ids = held.slice(0, LOGGED_IDS).map(({ id }) => id);
    const about = { messages: held.length, prefixes, nlri: nlriOf(held.map(({ suspect }) => suspect)), ids };
    const fields = { replica: name, state: 'withheld', cause, reason, ...about, file };
    voteLog.append(plainRecord(at, 'quarantine', fields));
  }

  /** Gives replica `r` the next part of what nothing was found against, if it is well enough for that. */
  private review(r: number, now: number): void {
    if (!this.giveBack.isOpen(r, this.context.caughtUp[r], now) || now < this.nextLook[r]) return;
    const group = nextGroup(this.inventory.probationOver(r, now));
    if (group.length === 0) this.nextLook[r] = now + REVIEW_MS;
    this.letGo(
      group.map(({ id }) => id),
      'nothing was found',
      now,
    );
  }

  /** Though nothing may be proven: should the replica die of it after all, that is remembered. */
  private letGo(ids: readonly number[], because: string, now: number): void {
    const { replicator } = this.context;
    for (const id of ids) {
      const entry = replicator.withholding.entry(id);
      if (entry === undefined) continue;
      this.repeats.released(entry.replica, entry.suspect, now);
      this.giveBack.given(entry.replica, now);
    }
    this.free(ids, because);
  }

  private free(ids: readonly number[], because: string): void {
    const { replicator, schedule } = this.context;
    if (ids.length === 0) return;
    const byReplica = new Map<number, QuarantineEntry[]>();
    for (const id of ids) {
      const entry = replicator.withholding.entry(id);
      if (entry === undefined) continue;
      const freed = byReplica.get(entry.replica);
      if (freed === undefined) byReplica.set(entry.replica, [entry]);
      else freed.push(entry);
      this.inventory.forget(id);
    }
    replicator.withholding.releaseAll(ids, clock());
    for (const [replica, freed] of byReplica) this.record('released', freed, replica, because);
    schedule();
  }

  private record(state: string, entries: readonly QuarantineEntry[], replica: number, because: string): void {
    if (entries.length === 0) return;
    const { config, voteLog } = this.context;
    const at = clock();
    const { name } = config.replicas[replica];
    const ids = entries.map(({ id }) => id);
    const suspects = entries.map(({ suspect }) => suspect);
    const prefixes = suspects.reduce((sum, suspect) => sum + suspect.prefixes, 0);
    const about = { messages: ids.length, prefixes, nlri: nlriOf(suspects), ids: ids.slice(0, LOGGED_IDS) };
    voteLog.append(plainRecord(at, 'quarantine', { replica: name, state, because, ...about }));
    this.evidence.note(state, wallClock(at), { replica: name, because, ids });
  }

  private entriesOf(ids: readonly number[]): QuarantineEntry[] {
    return ids.flatMap((id) => this.context.replicator.withholding.entry(id) ?? []);
  }

  private endsOf(neighbor: number): SessionEnds {
    const { config } = this.context;
    const { peerAs, address, localAddress } = config.neighbors[neighbor];
    const bytes = (text: string): Uint8Array => parseAddress(text) ?? new Uint8Array(4);
    return { peerAs, localAs: config.router.as, peerAddress: bytes(address), localAddress: bytes(localAddress) };
  }
}
