// Stands between the verdicts and the kernel: remembers for every prefix which next hops are wanted and which ones the kernel holds of
// ours, and derives the writes that make them equal. Owns what happens when the kernel refuses (back-off), when others interfere
// (repair, audit), and after a restart (right routes stay untouched, stale ones stay until `sweepStale`). Pure: a backend carries the
// batches out, time is an argument (ms), prefixes and next-hop sets are opaque ids. The memory is install-state.ts.
//
// Level-triggered like the voters: what is written for a prefix is decided when it is taken into a batch. `next` and `settle` alternate.
import { DirtyQueue } from '../voter/dirty-queue.js';
import { InstallFailures, InstallLog } from './install-log.js';
import type { InstallEvent, InstallFailure } from './install-log.js';
import { DAMPED, IN_FLIGHT, InstallState, SEEN, STALE, TOUCHED } from './install-state.js';
import { RetrySchedule } from './retry-schedule.js';
import { OP_CREATE, OP_DELETE, OP_REPLACE } from './route-batch.js';
import type { RouteBatch } from './route-batch.js';

/** In `found`, `external` and `auditSeen`: the kernel holds a route of ours whose next hops cannot be expressed, so not the wanted ones. */
export const UNKNOWN_HOPS = 0xffffffff;

export interface InstallerOptions {
  /** Distance between the first refusal and the second attempt; doubles with every attempt up to `maxMs`. Defaults 1000 and 60000. */
  retry?: { firstMs?: number; maxMs?: number };
  /** Events kept until somebody drains them, and failures listed at most. Default 1000. */
  maxReports?: number;
}

/** Running totals. */
export interface InstallerCounters {
  /** Writes that succeeded, by kind. */
  created: number;
  replaced: number;
  deleted: number;
  /** Writes that were refused. */
  refused: number;
  /** Routes of ours that others changed or removed, as told by events or found by audits; and those found by audits alone. */
  interfered: number;
  foundByAudit: number;
  audits: number;
  /** Own routes found at the start, and stale ones that were swept. */
  found: number;
  swept: number;
}

const EEXIST = 17;
const ESRCH = 3;

/** Attempts to replace a route before the old one goes: an obsolete route must not stay for good because the new one is refused. */
const REPLACE_ATTEMPTS = 3;

/** An odd number: its multiples modulo a power of two are all numbers below that, each once. */
const SCATTER = 0x9e3779b1;

export class Installer {
  readonly counters: InstallerCounters = {
    created: 0,
    replaced: 0,
    deleted: 0,
    refused: 0,
    interfered: 0,
    foundByAudit: 0,
    audits: 0,
    found: 0,
    swept: 0,
  };
  /** Refused writes by errno. */
  readonly refusals = new Map<number, number>();
  /** An audit would help: there may be a route of ours that was lost sight of (a create met EEXIST, an event). `beginAudit` clears it. */
  auditWanted = false;
  private readonly state = new InstallState();
  private readonly queue = new DirtyQueue();
  private readonly news = new DirtyQueue();
  private readonly failures = new InstallFailures();
  private readonly schedule: RetrySchedule;
  private readonly log: InstallLog;
  private readonly firstDelay: number;
  private readonly maxDelay: number;
  private readonly maxReports: number;
  private retryAllAt = Infinity;
  private lastRetryAll = -Infinity;
  private auditing = false;
  private keepStale = true;

  constructor(options: InstallerOptions = {}) {
    this.firstDelay = options.retry?.firstMs ?? 1000;
    this.maxDelay = options.retry?.maxMs ?? 60_000;
    this.maxReports = options.maxReports ?? 1000;
    this.schedule = new RetrySchedule(this.firstDelay);
    this.log = new InstallLog(this.maxReports);
  }

  /** At the start: the kernel holds `hops` of ours. That stays until something else is wanted, or until `sweepStale`. */
  found(prefix: number, hops: number): void {
    this.state.reach(prefix);
    this.counters.found++;
    this.notice(prefix, hops);
    if (this.state.isInstalled(prefix)) this.news.add(prefix);
    else if (this.state.differs(prefix)) this.queue.add(prefix);
  }

  /** The verdict on `prefix` is `hops` (0: no route). */
  want(prefix: number, hops: number, now: number): void {
    const { state } = this;
    state.reach(prefix);
    if (state.wanted[prefix] === hops) return;
    state.set(prefix, hops, state.held[prefix]);
    state.clearStale(prefix);
    this.compare(prefix, now);
  }

  /**
   * Fills the batch with what is to be written now, at most one entry per prefix, new verdicts before retries, and returns how many
   * entries there are. The backend fills in `errors`; then, before anything else, `settle` must be called.
   */
  next(batch: RouteBatch, now: number): number {
    const capacity = batch.op.length;
    batch.count = 0;
    if (now >= this.retryAllAt) this.queueAllWaiting(now);
    while (batch.count < capacity && this.queue.size > 0) this.fill(batch, this.queue.shift());
    while (batch.count < capacity) {
      const prefix = this.schedule.takeDue(now);
      if (prefix === 0) break;
      if (this.state.has(prefix, DAMPED)) this.endDamping(prefix, now);
      this.fill(batch, prefix);
    }
    return batch.count;
  }

  /** Takes in what became of the batch. */
  settle(batch: RouteBatch, now: number): void {
    const { state, counters } = this;
    for (let i = 0; i < batch.count; i++) {
      const prefix = batch.prefix[i];
      const op = batch.op[i];
      const errno = batch.errors[i];
      state.flags[prefix] &= ~IN_FLIGHT;
      this.touch(prefix);
      if (errno !== 0 && !(op === OP_DELETE && errno === ESRCH)) {
        this.refused(prefix, op, errno, now);
        continue;
      }
      state.set(prefix, state.wanted[prefix], op === OP_DELETE ? 0 : batch.hops[i]);
      this.compare(prefix, now);
      if (op === OP_CREATE) counters.created++;
      else if (op === OP_REPLACE) counters.replaced++;
      else counters.deleted++;
    }
  }

  /**
   * An event: somebody else changed our route to `hops`, or removed it (0). It is repaired at once, but not over and over at once.
   * That a route of ours appeared where there was none is not believed before a dump says so: events may be old, and to replace what
   * is not ours would harm others.
   */
  external(prefix: number, hops: number, now: number): void {
    const { state } = this;
    state.reach(prefix);
    if (hops !== 0 && state.held[prefix] === 0) {
      this.auditWanted = true;
      return;
    }
    this.touch(prefix);
    if (state.held[prefix] !== hops) this.interfered(prefix, hops, false, now);
  }

  /**
   * The kernel dropped our route together with the link that it went by (which it does without a word for IPv4). The verdict will hardly
   * outlive the link, so the route is written again only after the first delay, or with `retryAll`.
   */
  lost(prefix: number, now: number): void {
    const { state } = this;
    state.reach(prefix);
    this.touch(prefix);
    if (state.held[prefix] === 0) return;
    this.notice(prefix, 0);
    if (state.wanted[prefix] === 0) this.compare(prefix, now);
    else this.damp(prefix, now);
  }

  /** What may have been the reason of a refusal has changed (a foreign route in the way is gone): try again at once. */
  retry(prefix: number): void {
    if (this.failures.has(prefix)) this.queue.add(prefix);
  }

  /** As `retry` for everything that waits, say after a link came up; carried out by `next`, at most once per first delay. */
  retryAll(now: number): void {
    this.retryAllAt = Math.min(this.retryAllAt, Math.max(now, this.lastRetryAll + this.firstDelay));
  }

  /** All verdicts are in again after a restart: what was found and is not wanted goes. Returns how many routes. O(all). */
  sweepStale(): number {
    const { state } = this;
    const swept = state.stale;
    this.keepStale = false;
    for (let prefix = 1; state.stale > 0 && prefix < state.limit; prefix++) {
      if (!state.has(prefix, STALE)) continue;
      state.clearStale(prefix);
      this.queue.add(prefix);
    }
    this.counters.swept += swept;
    return swept;
  }

  /** Nothing is wanted any more, and nothing of ours is to stay: for a shutdown that removes the routes. O(all). */
  removeAll(now: number): void {
    // Scattered: Linux's trie takes three times as long to remove prefixes in ascending order.
    const mask = 2 ** Math.ceil(Math.log2(this.state.limit + 1)) - 1;
    for (let i = 0; i <= mask; i++) {
      const prefix = Math.imul(i, SCATTER) & mask;
      if (prefix > 0 && prefix < this.state.limit) this.want(prefix, 0, now);
    }
    this.sweepStale();
  }

  /**
   * The kernel's routes of ours are about to be dumped. `auditSeen` for each of them and `endAudit` follow, whatever happens in between:
   * prefixes that are written to or that are told of by events meanwhile are left out of the comparison. A second call starts anew. O(all).
   */
  beginAudit(): void {
    const { flags, limit } = this.state;
    for (let prefix = 1; prefix < limit; prefix++) flags[prefix] &= ~(SEEN | TOUCHED);
    this.auditing = true;
    this.auditWanted = false;
  }

  /** The dump has our route with `hops`. A difference is repaired. */
  auditSeen(prefix: number, hops: number, now: number): void {
    const { state } = this;
    state.reach(prefix);
    if (!this.auditing || state.has(prefix, SEEN | TOUCHED)) return;
    state.flags[prefix] |= SEEN;
    if (state.held[prefix] !== hops) this.interfered(prefix, hops, true, now);
  }

  /** The dump is complete: routes that it did not have are missing and are written again. O(all). */
  endAudit(now: number): void {
    const { state } = this;
    if (!this.auditing) return;
    this.auditing = false;
    this.counters.audits++;
    for (let prefix = 1; prefix < state.limit; prefix++) {
      if (state.held[prefix] !== 0 && !state.has(prefix, SEEN | TOUCHED)) this.interfered(prefix, 0, true, now);
    }
  }

  /** The dump broke off: nothing follows from what it did not have. */
  abandonAudit(): void {
    this.auditing = false;
  }

  /** Next hops that the verdict wants, 0 for no route. */
  wantedHops(prefix: number): number {
    return prefix < this.state.limit ? this.state.wanted[prefix] : 0;
  }

  /** Next hops that the kernel holds in a route of ours as far as we know, 0 for none, UNKNOWN_HOPS for others than we would write. */
  installedHops(prefix: number): number {
    return prefix < this.state.limit ? this.state.held[prefix] : 0;
  }

  /** Whether a route is wanted and the kernel holds just that. */
  isInstalled(prefix: number): boolean {
    return this.state.isInstalled(prefix);
  }

  /** Prefixes for which a route is wanted. */
  get wantedCount(): number {
    return this.state.wantedCount;
  }

  /** Prefixes for which `isInstalled` holds. */
  get installedCount(): number {
    return this.state.installedCount;
  }

  /** Routes that the kernel holds and that no verdict asked for since the start; 0 after `sweepStale`. */
  get staleCount(): number {
    return this.state.stale;
  }

  /** Prefixes that wait to be written now (an upper bound). Retries that wait for their time are not among them. */
  get pending(): number {
    return this.queue.size;
  }

  /** Prefixes whose last write was refused. */
  get failing(): number {
    return this.failures.count;
  }

  /** Errno of the last write for the prefix; 0: it was not refused. */
  refusedWith(prefix: number): number {
    return this.failures.errno(prefix);
  }

  /** The prefixes whose last write was refused, in id order, at most `limit` (default: as `maxReports`). */
  listFailures(limit: number = this.maxReports): InstallFailure[] {
    return this.failures.list(limit, (prefix) => this.state.wanted[prefix]);
  }

  /** Fills `out` with prefixes that became installed since they were last taken, each once, and returns how many. */
  takeInstalled(out: Uint32Array): number {
    let taken = 0;
    while (taken < out.length && this.news.size > 0) {
      const prefix = this.news.shift();
      if (this.state.isInstalled(prefix)) out[taken++] = prefix;
    }
    return taken;
  }

  /** What happened since the last call, oldest first. */
  drainEvents(): InstallEvent[] {
    return this.log.drain();
  }

  /** Events that did not fit, ever. */
  get eventsDropped(): number {
    return this.log.dropped;
  }

  /** Marks used[id] for every next-hop set held here; ids beyond the array are left out. */
  markHops(used: Uint8Array): void {
    this.state.markHops(used);
  }

  /** Marks used[id] for every prefix id that means something here. */
  markPrefixes(used: Uint8Array): void {
    for (let prefix = 1; prefix < this.state.limit; prefix++) {
      if (this.state.inUse(prefix) || this.queue.has(prefix) || this.schedule.has(prefix)) used[prefix] = 1;
    }
  }

  private fill(batch: RouteBatch, prefix: number): void {
    const { state } = this;
    if (!state.differs(prefix) || state.has(prefix, IN_FLIGHT)) return;
    const wanted = state.wanted[prefix];
    const held = state.held[prefix];
    let op = OP_REPLACE;
    if (held === 0) op = OP_CREATE;
    else if (wanted === 0 || this.failures.attempts(prefix) >= REPLACE_ATTEMPTS) op = OP_DELETE;
    const i = batch.count++;
    batch.op[i] = op;
    batch.prefix[i] = prefix;
    batch.hops[i] = op === OP_DELETE ? held : wanted;
    batch.errors[i] = 0;
    state.flags[prefix] |= IN_FLIGHT;
  }

  private refused(prefix: number, op: number, errno: number, now: number): void {
    const isNews = this.failures.errno(prefix) !== errno;
    // What was tried before its time had come proves nothing: neither does it count nor does the next attempt move away.
    const early = this.failures.has(prefix) && this.schedule.isAhead(prefix, now);
    const attempts = this.failures.add(prefix, errno, now, early ? 0 : 1);
    this.counters.refused++;
    this.refusals.set(errno, (this.refusals.get(errno) ?? 0) + 1);
    if (!early) {
      const delay = Math.min(this.firstDelay * 2 ** Math.min(attempts - 1, 30), this.maxDelay);
      this.schedule.at(prefix, now + delay, now);
    }
    if (!isNews) return;
    this.log.add({ type: 'refused', prefix, hops: this.state.wanted[prefix], errno, at: now });
    if (op === OP_CREATE && errno === EEXIST) this.auditWanted = true;
  }

  private interfered(prefix: number, hops: number, audit: boolean, now: number): void {
    const { state } = this;
    this.counters.interfered++;
    if (audit) this.counters.foundByAudit++;
    this.log.add({ type: 'interfered', prefix, hops, audit, at: now });
    this.notice(prefix, hops);
    if (!state.differs(prefix)) this.compare(prefix, now);
    else if (!state.has(prefix, DAMPED)) {
      this.damp(prefix, now);
      this.queue.add(prefix);
    }
  }

  /** The kernel turns out to hold `hops`, and not by our doing. */
  private notice(prefix: number, hops: number): void {
    const { state } = this;
    const isNew = state.held[prefix] === 0;
    state.set(prefix, state.wanted[prefix], hops);
    if (hops === 0) state.clearStale(prefix);
    else if (isNew && this.keepStale && state.wanted[prefix] === 0) state.markStale(prefix);
  }

  /** After a change on either side: is it as it should be, or is there something to write? */
  private compare(prefix: number, now: number): void {
    const { state } = this;
    if (state.differs(prefix)) {
      this.queue.add(prefix);
      return;
    }
    const hops = state.wanted[prefix];
    if (hops !== 0) this.news.add(prefix);
    if (this.failures.clear(prefix)) this.log.add({ type: 'recovered', prefix, hops, at: now });
  }

  /** Until the first delay is over, nothing but a new verdict makes it written. */
  private damp(prefix: number, now: number): void {
    this.state.flags[prefix] |= DAMPED;
    this.schedule.at(prefix, now + this.firstDelay, now);
  }

  /** The delay is over. If that leads to another repair, the delay begins again; if repairs are refused, that has delays of its own. */
  private endDamping(prefix: number, now: number): void {
    if (this.state.differs(prefix) && !this.failures.has(prefix)) this.damp(prefix, now);
    else this.state.flags[prefix] &= ~DAMPED;
  }

  private queueAllWaiting(now: number): void {
    this.lastRetryAll = now;
    this.retryAllAt = Infinity;
    for (let prefix = 1; prefix < this.state.limit; prefix++) if (this.state.differs(prefix)) this.queue.add(prefix);
  }

  private touch(prefix: number): void {
    if (this.auditing) this.state.flags[prefix] |= TOUCHED;
  }
}
