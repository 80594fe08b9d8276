// Stands between the verdicts and the kernel: remembers for every prefix which next hops are wanted and which ones the kernel holds of
// ours, and derives the writes that make them equal. Owns what happens when the kernel refuses (back-off), when others interfere
// (repair, audit), and after a restart (right routes stay untouched, stale ones stay until `sweepStale`). Pure: a backend carries the
// batches out, time is an argument (ms). Prefixes and next-hop sets are opaque ids; no object per prefix (9 bytes, plus 5 to 10 in queues).
//
// Level-triggered like the voters: what is written for a prefix is decided when it is taken into a batch. `next` and `settle` alternate.
import { DirtyQueue } from '../voter/dirty-queue.js';
import { InstallFailures, InstallLog } from './install-log.js';
import type { InstallEvent, InstallFailure } from './install-log.js';
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
  /** Routes of ours that others changed or removed, as told by events and as found by audits. */
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

// Flags of a prefix.
/** The kernel holds a route that no verdict asked for since the start; it stays until `sweepStale`. */
const STALE = 1;
/** During an audit: the dump had it; or it changed meanwhile, so that the dump says nothing about it. */
const SEEN = 2;
const TOUCHED = 4;
/** In the batch that is being written. */
const IN_FLIGHT = 8;
/** Was repaired not long ago: whoever fights over it is answered at the pace of the retries. */
const REPAIRED = 16;

const INITIAL_CAPACITY = 256;

export class Installer {
  readonly counters: InstallerCounters = newCounters();
  /** Routes that the kernel holds and that no verdict asked for since the start. */
  staleCount = 0;
  /** Prefixes for which a route is wanted, and those of them for which the kernel holds it. */
  wantedCount = 0;
  installedCount = 0;
  /** An audit would help: a create met EEXIST, which may be a route of ours that was lost sight of. `beginAudit` clears it. */
  auditWanted = false;
  private wanted = new Uint32Array(INITIAL_CAPACITY);
  private held = new Uint32Array(INITIAL_CAPACITY);
  private flags = new Uint8Array(INITIAL_CAPACITY);
  /** Ids below this may have been used. */
  private limit = 1;
  private readonly queue = new DirtyQueue();
  private readonly news = new DirtyQueue();
  private readonly failures = new InstallFailures();
  private readonly schedule: RetrySchedule;
  private readonly log: InstallLog;
  private readonly firstDelay: number;
  private readonly maxDelay: number;
  private readonly maxReports: number;
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
    this.reach(prefix);
    this.counters.found++;
    this.notice(prefix, hops);
    if (this.isInstalled(prefix)) this.news.add(prefix);
    else this.queue.add(prefix);
  }

  /** The verdict on `prefix` is `hops` (0: no route). */
  want(prefix: number, hops: number, now: number): void {
    this.reach(prefix);
    if (this.wanted[prefix] === hops) return;
    this.set(prefix, hops, this.held[prefix]);
    this.clearStale(prefix);
    this.compare(prefix, now);
  }

  /**
   * Fills the batch with what is to be written now, at most one entry per prefix, new verdicts before retries, and returns how many
   * entries there are. The backend fills in `errors`; then, before anything else, `settle` must be called.
   */
  next(batch: RouteBatch, now: number): number {
    const capacity = batch.op.length;
    batch.count = 0;
    while (batch.count < capacity && this.queue.size > 0) this.fill(batch, this.queue.shift());
    while (batch.count < capacity) {
      const prefix = this.schedule.takeDue(now);
      if (prefix === 0) break;
      this.flags[prefix] &= ~REPAIRED;
      this.fill(batch, prefix);
    }
    return batch.count;
  }

  /** Takes in what became of the batch. */
  settle(batch: RouteBatch, now: number): void {
    for (let i = 0; i < batch.count; i++) {
      const prefix = batch.prefix[i];
      const op = batch.op[i];
      const errno = batch.errors[i];
      this.flags[prefix] = (this.flags[prefix] & ~IN_FLIGHT) | (this.auditing ? TOUCHED : 0);
      if (errno === 0 || (op === OP_DELETE && errno === ESRCH)) {
        this.set(prefix, this.wanted[prefix], op === OP_DELETE ? 0 : batch.hops[i]);
        this.compare(prefix, now);
        if (op === OP_CREATE) this.counters.created++;
        else if (op === OP_REPLACE) this.counters.replaced++;
        else this.counters.deleted++;
      } else {
        this.refused(prefix, op, errno, now);
      }
    }
  }

  /** An event: somebody else changed our route to `hops`, or removed it (0). It is repaired, if that happens often, with delays. */
  external(prefix: number, hops: number, now: number): void {
    this.reach(prefix);
    if (this.auditing) this.flags[prefix] |= TOUCHED;
    if (this.held[prefix] !== hops) this.interfered(prefix, hops, false, now);
  }

  /** Something that may have been the reason of a refusal has changed (a foreign route in the way is gone): try again at once. */
  retry(prefix: number): void {
    if (this.failures.has(prefix)) this.queue.add(prefix);
  }

  /** As `retry` for everything that is failing, say after a link came up. O(all) when anything is failing. */
  retryAll(): void {
    if (this.failures.count > 0) this.failures.forEach((prefix) => this.queue.add(prefix));
  }

  /** All verdicts are in again after a restart: what was found and is not wanted goes. Returns how many routes. O(all). */
  sweepStale(): number {
    const swept = this.staleCount;
    this.keepStale = false;
    for (let prefix = 1; this.staleCount > 0 && prefix < this.limit; prefix++) {
      if ((this.flags[prefix] & STALE) === 0) continue;
      this.clearStale(prefix);
      this.queue.add(prefix);
    }
    this.counters.swept += swept;
    return swept;
  }

  /** Nothing is wanted any more, and nothing of ours is to stay: for a shutdown that removes the routes. O(all). */
  removeAll(now: number): void {
    for (let prefix = 1; prefix < this.limit; prefix++) this.want(prefix, 0, now);
    this.sweepStale();
  }

  /**
   * The kernel's routes of ours are about to be dumped. `auditSeen` for each of them and `endAudit` follow, whatever happens in between:
   * prefixes that are written to or that are told of by events meanwhile are left out of the comparison. A second call starts anew. O(all).
   */
  beginAudit(): void {
    for (let prefix = 1; prefix < this.limit; prefix++) this.flags[prefix] &= ~(SEEN | TOUCHED);
    this.auditing = true;
    this.auditWanted = false;
  }

  /** The dump has our route with `hops`. Differences are repaired. */
  auditSeen(prefix: number, hops: number, now: number): void {
    this.reach(prefix);
    if (!this.auditing || (this.flags[prefix] & (SEEN | TOUCHED)) !== 0) return;
    this.flags[prefix] |= SEEN;
    if (this.held[prefix] !== hops) this.interfered(prefix, hops, true, now);
  }

  /** The dump is complete: routes that it did not have are missing and are written again. O(all). */
  endAudit(now: number): void {
    if (!this.auditing) return;
    this.auditing = false;
    this.counters.audits++;
    for (let prefix = 1; prefix < this.limit; prefix++) {
      if (this.held[prefix] !== 0 && (this.flags[prefix] & (SEEN | TOUCHED)) === 0)
        this.interfered(prefix, 0, true, now);
    }
  }

  /** The dump broke off: nothing follows from what it did not have. */
  abandonAudit(): void {
    this.auditing = false;
  }

  /** Next hops that the verdict wants, 0 for no route. */
  wantedHops(prefix: number): number {
    return prefix < this.limit ? this.wanted[prefix] : 0;
  }

  /** Next hops that the kernel holds in a route of ours as far as we know, 0 for none, UNKNOWN_HOPS for others than we would write. */
  installedHops(prefix: number): number {
    return prefix < this.limit ? this.held[prefix] : 0;
  }

  /** Whether a route is wanted and the kernel holds just that. */
  isInstalled(prefix: number): boolean {
    return prefix < this.limit && this.wanted[prefix] !== 0 && this.wanted[prefix] === this.held[prefix];
  }

  /** Prefixes that wait to be written now (an upper bound). Retries that wait for their time are not among them. */
  get pending(): number {
    return this.queue.size;
  }

  /** Prefixes whose last write was refused. */
  get failing(): number {
    return this.failures.count;
  }

  /** The prefixes whose last write was refused, in id order, at most `limit` (default: as `maxReports`). */
  listFailures(limit: number = this.maxReports): InstallFailure[] {
    return this.failures.list(limit, (prefix) => this.wanted[prefix]);
  }

  /** Fills `out` with prefixes that became installed since they were last taken, each once, and returns how many. */
  takeInstalled(out: Uint32Array): number {
    let taken = 0;
    while (taken < out.length && this.news.size > 0) {
      const prefix = this.news.shift();
      if (this.isInstalled(prefix)) out[taken++] = prefix;
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
    for (const ids of [this.wanted, this.held]) {
      for (let prefix = 1; prefix < this.limit; prefix++) if (ids[prefix] !== 0) used[ids[prefix]] = 1;
    }
  }

  /** Marks used[id] for every prefix id that means something here. */
  markPrefixes(used: Uint8Array): void {
    for (let prefix = 1; prefix < this.limit; prefix++) {
      const inUse = this.wanted[prefix] !== 0 || this.held[prefix] !== 0 || (this.flags[prefix] & IN_FLIGHT) !== 0;
      if (inUse || this.queue.has(prefix) || this.schedule.has(prefix)) used[prefix] = 1;
    }
  }

  private fill(batch: RouteBatch, prefix: number): void {
    const wanted = this.wanted[prefix];
    const held = this.held[prefix];
    if (wanted === held || (this.flags[prefix] & (STALE | IN_FLIGHT)) !== 0) return;
    let op = OP_REPLACE;
    if (held === 0) op = OP_CREATE;
    else if (wanted === 0 || this.failures.attempts(prefix) >= REPLACE_ATTEMPTS) op = OP_DELETE;
    const i = batch.count++;
    batch.op[i] = op;
    batch.prefix[i] = prefix;
    batch.hops[i] = op === OP_DELETE ? held : wanted;
    batch.errors[i] = 0;
    this.flags[prefix] |= IN_FLIGHT;
  }

  private refused(prefix: number, op: number, errno: number, now: number): void {
    const news = this.failures.errno(prefix) !== errno;
    const attempts = this.failures.add(prefix, errno, now);
    this.counters.refused++;
    const delay = Math.min(this.firstDelay * 2 ** Math.min(attempts - 1, 30), this.maxDelay);
    this.schedule.at(prefix, now + delay, now);
    if (!news) return;
    this.log.add({ type: 'refused', prefix, hops: this.wanted[prefix], errno, at: now });
    if (op === OP_CREATE && errno === EEXIST) this.auditWanted = true;
  }

  private interfered(prefix: number, hops: number, audit: boolean, now: number): void {
    this.counters.interfered++;
    if (audit) this.counters.foundByAudit++;
    this.log.add({ type: 'interfered', prefix, hops, audit, at: now });
    this.notice(prefix, hops);
    if (this.wanted[prefix] === this.held[prefix]) this.compare(prefix, now);
    else if ((this.flags[prefix] & (STALE | REPAIRED)) === 0) {
      this.flags[prefix] |= REPAIRED;
      this.schedule.at(prefix, now + this.firstDelay, now);
      this.queue.add(prefix);
    }
  }

  /** The kernel turns out to hold `hops`, and not by our doing. */
  private notice(prefix: number, hops: number): void {
    const isNew = this.held[prefix] === 0;
    this.set(prefix, this.wanted[prefix], hops);
    if (hops === 0) this.clearStale(prefix);
    else if (isNew && this.keepStale && this.wanted[prefix] === 0) {
      this.flags[prefix] |= STALE;
      this.staleCount++;
    }
  }

  /** After a change on either side: is it as it should be, or is there something to write? */
  private compare(prefix: number, now: number): void {
    const wanted = this.wanted[prefix];
    if (wanted !== this.held[prefix]) {
      this.queue.add(prefix);
      return;
    }
    if (wanted !== 0) this.news.add(prefix);
    if (this.failures.clear(prefix)) this.log.add({ type: 'recovered', prefix, hops: wanted, at: now });
  }

  private set(prefix: number, wanted: number, held: number): void {
    if (this.isInstalled(prefix)) this.installedCount--;
    this.wantedCount += (wanted === 0 ? 0 : 1) - (this.wanted[prefix] === 0 ? 0 : 1);
    this.wanted[prefix] = wanted;
    this.held[prefix] = held;
    if (this.isInstalled(prefix)) this.installedCount++;
  }

  private clearStale(prefix: number): void {
    if ((this.flags[prefix] & STALE) === 0) return;
    this.flags[prefix] &= ~STALE;
    this.staleCount--;
  }

  /** Makes room for a prefix id. */
  private reach(prefix: number): void {
    if (prefix < this.limit) return;
    this.limit = prefix + 1;
    let capacity = this.flags.length;
    if (prefix < capacity) return;
    while (capacity <= prefix) capacity *= 2;
    const [wanted, held, flags] = [new Uint32Array(capacity), new Uint32Array(capacity), new Uint8Array(capacity)];
    wanted.set(this.wanted);
    held.set(this.held);
    flags.set(this.flags);
    this.wanted = wanted;
    this.held = held;
    this.flags = flags;
  }
}

function newCounters(): InstallerCounters {
  return {
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
}
