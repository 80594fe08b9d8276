// A check of the whole table: walks over our own routes in the kernel, a slice per turn, and has the installer repair what differs.
// Owns when to walk and when to give a walk up; comparing is the installer's.
import type { FibEngine } from '../../fib/engine.js';
import { UNKNOWN_HOPS } from '../../fib/installer.js';
import type { FibBackend, OwnDump, OwnRouteVisitor } from './kernel/backend.js';

/** After an event that may have cost us routes the check waits this long, ms: such events come in crowds. */
const SETTLE_MS = 300;
/** And two checks are at least so far apart, ms: each reads the whole table. */
const APART_MS = 5000;

/** Interns the prefix and the next hops of a visited route. */
export function visitor(engine: FibEngine, visit: (prefix: number, hops: number) => void): OwnRouteVisitor {
  return (family, dst, bits, hops, length) => {
    const prefix = engine.prefixes.intern(family, dst, 0, bits);
    if (prefix === 0) return;
    visit(prefix, (length > 0 && engine.hops.intern(hops, 0, length)) || UNKNOWN_HOPS);
  };
}

export class Audit {
  count = 0;
  differences = 0;
  private readonly engine: FibEngine;
  private readonly backend: FibBackend;
  private interval: number;
  private readonly failed: (text: string) => void;
  private dump: OwnDump | undefined;
  private dueAt: number;
  private startedAt = -Infinity;
  private foundBefore = 0;

  constructor(engine: FibEngine, backend: FibBackend, interval: number, now: number, failed: (text: string) => void) {
    this.engine = engine;
    this.backend = backend;
    this.interval = interval;
    this.failed = failed;
    this.dueAt = now + interval;
  }

  configure(interval: number, now: number): void {
    this.interval = interval;
    this.dueAt = Math.min(this.dueAt, now + interval);
  }

  get running(): boolean {
    return this.dump !== undefined;
  }

  /** Something happened that the kernel does not tell the whole of. */
  hurry(now: number): void {
    this.dueAt = Math.min(this.dueAt, Math.max(now + SETTLE_MS, this.startedAt + APART_MS));
  }

  /** One slice, or the beginning of a walk that is due. */
  step(now: number): void {
    if (this.dump === undefined) {
      if (now < this.dueAt) return;
      this.begin(now);
    }
    if (this.dump?.step() !== false) return;
    this.end(now);
  }

  /** Somebody else needs the walk. */
  abandon(now: number): void {
    if (this.dump === undefined) return;
    this.dump = undefined;
    this.engine.installer.abandonAudit();
    this.dueAt = now + SETTLE_MS;
  }

  private begin(now: number): void {
    const { installer } = this.engine;
    this.startedAt = now;
    this.dueAt = now + this.interval;
    this.foundBefore = installer.counters.foundByAudit;
    installer.beginAudit();
    this.dump = this.backend.startDump(
      visitor(this.engine, (prefix, hops) => installer.auditSeen(prefix, hops, this.startedAt)),
    );
  }

  private end(now: number): void {
    const { installer } = this.engine;
    const error = this.dump?.error;
    this.dump = undefined;
    if (error !== undefined) {
      installer.abandonAudit();
      this.failed(`the check of the forwarding table broke off: ${error}`);
      return;
    }
    installer.endAudit(now);
    this.count++;
    this.differences += installer.counters.foundByAudit - this.foundBefore;
  }
}
