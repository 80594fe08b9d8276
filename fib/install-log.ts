// What the installer has to tell the operator: refusals, their end, and what others did to our routes. Bounded: a full kernel table can
// refuse half a million routes at once, and the rest is then a number.

/** A route that the kernel refuses, with the errno of the last attempt. */
export interface InstallFailure {
  prefix: number;
  /** Next-hop set that is wanted, 0 when a deletion is refused. */
  hops: number;
  errno: number;
  /** First refusal since the prefix was last as it should be, ms. */
  since: number;
  /** Writes refused since then, less those that were tried before their time (a new verdict, `retry`); at most 65535. */
  attempts: number;
}

export type InstallEvent =
  /** The first refusal of a prefix, or one with another errno than before. EEXIST: somebody else's route is in the way. */
  | { type: 'refused'; prefix: number; hops: number; errno: number; at: number }
  /** A prefix that had been refused is as it should be. */
  | { type: 'recovered'; prefix: number; hops: number; at: number }
  /** Somebody else changed our route to `hops` (0: removed it); found by an event or by an audit. */
  | { type: 'interfered'; prefix: number; hops: number; audit: boolean; at: number };

export class InstallLog {
  /** Events that did not fit, ever. */
  dropped = 0;
  private events: InstallEvent[] = [];
  private readonly maxEvents: number;

  constructor(maxEvents: number) {
    this.maxEvents = maxEvents;
  }

  add(event: InstallEvent): void {
    if (this.events.length < this.maxEvents) this.events.push(event);
    else this.dropped++;
  }

  /** What happened since the last call, oldest first. */
  drain(): InstallEvent[] {
    const { events } = this;
    if (events.length > 0) this.events = [];
    return events;
  }
}

/** The refused prefixes. Arrays as long as the highest prefix id that was ever refused, none while nothing was. */
export class InstallFailures {
  /** Prefixes that are failing. */
  count = 0;
  private errnos = new Uint16Array(0);
  private attemptCounts = new Uint16Array(0);
  private since = new Float64Array(0);

  has(prefix: number): boolean {
    return prefix < this.errnos.length && this.errnos[prefix] !== 0;
  }

  /** Errno of the last refusal; 0: not failing. */
  errno(prefix: number): number {
    return prefix < this.errnos.length ? this.errnos[prefix] : 0;
  }

  attempts(prefix: number): number {
    return prefix < this.errnos.length ? this.attemptCounts[prefix] : 0;
  }

  /** Another refusal; `counted`: 1, or 0 if it does not count as an attempt. Returns the attempts by now. */
  add(prefix: number, errno: number, now: number, counted: number): number {
    if (prefix >= this.errnos.length) this.grow(prefix);
    if (this.errnos[prefix] === 0) {
      this.count++;
      this.since[prefix] = now;
    }
    this.errnos[prefix] = errno;
    if (this.attemptCounts[prefix] < 0xffff) this.attemptCounts[prefix] += counted;
    return this.attemptCounts[prefix];
  }

  /** Returns false when the prefix was not failing. */
  clear(prefix: number): boolean {
    if (!this.has(prefix)) return false;
    this.errnos[prefix] = 0;
    this.attemptCounts[prefix] = 0;
    this.count--;
    return true;
  }

  /** The first `limit` in the order of ids; `wanted` names the next hops of each. */
  list(limit: number, wanted: (prefix: number) => number): InstallFailure[] {
    const failures: InstallFailure[] = [];
    const left = Math.min(limit, this.count);
    for (let prefix = 1; failures.length < left; prefix++) {
      const errno = this.errnos[prefix];
      if (errno === 0) continue;
      failures.push({
        prefix,
        hops: wanted(prefix),
        errno,
        since: this.since[prefix],
        attempts: this.attemptCounts[prefix],
      });
    }
    return failures;
  }

  private grow(prefix: number): void {
    let length = Math.max(256, this.errnos.length);
    while (length <= prefix) length *= 2;
    const [errnos, attempts, since] = [new Uint16Array(length), new Uint16Array(length), new Float64Array(length)];
    errnos.set(this.errnos);
    attempts.set(this.attemptCounts);
    since.set(this.since);
    this.errnos = errnos;
    this.attemptCounts = attempts;
    this.since = since;
  }
}
