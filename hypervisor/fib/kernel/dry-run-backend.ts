// A backend for those who may not, or do not want to, change the kernel: routes are kept in memory, while links, addresses and other
// people's routes are the real kernel's, which everybody may read. Owns that memory; answers as the kernel would.
import { OP_CREATE, OP_DELETE, OP_REPLACE } from '../../../fib/route-batch.js';
import type { RouteBatch } from '../../../fib/route-batch.js';
import { EEXIST, EINVAL, ENOBUFS, ESRCH } from '../../../wire/netlink/constants.js';
import { MAX_HOPS_LENGTH } from '../../../wire/netlink/next-hop-set.js';
import { emptyStats } from './backend.js';
import type { FibBackend, MessageVisitor, OwnDump, OwnRoutes, OwnRouteVisitor, RouteTables } from './backend.js';
import { KernelReader } from './kernel-reader.js';

/** Prefix ids looked at in one step of a walk. */
const SLICE = 4096;

export interface DryRunOptions {
  /** Routes kept at most; one more is refused with ENOBUFS. Default 4,000,000. */
  maxRoutes?: number;
}

export class DryRunBackend implements FibBackend {
  readonly name = 'dry-run';
  readonly stats = emptyStats();
  private readonly tables: RouteTables;
  private readonly reader: KernelReader;
  private readonly maxRoutes: number;
  /** By prefix id: the id of its next-hop set, 0 for none. */
  private routes = new Uint32Array(1024);
  private routeCount = 0;
  private walk = 0;

  constructor(own: OwnRoutes, tables: RouteTables, options: DryRunOptions = {}) {
    this.tables = tables;
    this.reader = new KernelReader(own.protocol, this.stats);
    this.maxRoutes = options.maxRoutes ?? 4_000_000;
  }

  get eventFd(): number {
    return this.reader.eventFd;
  }

  open(): void {
    this.reader.open(undefined);
  }

  loadMirror(apply: MessageVisitor): void {
    this.reader.load(apply);
  }

  readEvents(apply: MessageVisitor): 'ok' | 'overrun' {
    return this.reader.readEvents(apply);
  }

  write(batch: RouteBatch): void {
    const { stats } = this;
    for (let i = 0; i < batch.count; i++) {
      const op = batch.op[i];
      const errno = this.change(op, batch.prefix[i], batch.hops[i]);
      batch.errors[i] = errno;
      if (errno !== 0 && !(op === OP_DELETE && errno === ESRCH)) stats.refused++;
      else if (op === OP_CREATE) stats.created++;
      else if (op === OP_REPLACE) stats.replaced++;
      else if (errno === 0) stats.deleted++;
    }
  }

  /** The next-hop sets are those that were written, by id: they must not be swept as long as they are in use here. */
  startDump(visit: OwnRouteVisitor): OwnDump {
    const walk = ++this.walk;
    const hops = new Uint8Array(MAX_HOPS_LENGTH);
    const nlri = new Uint8Array(17);
    const dst = nlri.subarray(1);
    let next = 1;
    const current = (): boolean => walk === this.walk;
    return {
      step: () => {
        const end = Math.min(next + SLICE, this.routes.length);
        if (!current()) return false;
        for (; next < end; next++) this.visitRoute(next, nlri, dst, hops, visit);
        return next < this.routes.length;
      },
      get error() {
        return current() ? undefined : 'given up for another one';
      },
    };
  }

  /** Nothing outlives the process here. */
  removeStrays(): number {
    return 0;
  }

  refusal(): undefined {
    return undefined;
  }

  close(): void {
    this.walk++;
    this.reader.close();
  }

  private change(op: number, prefix: number, hops: number): number {
    const { tables } = this;
    if (!tables.prefixes.has(prefix)) return EINVAL;
    if (prefix >= this.routes.length) this.grow(prefix);
    const held = this.routes[prefix];
    if (op === OP_DELETE) {
      if (held === 0) return ESRCH;
      this.routes[prefix] = 0;
      this.routeCount--;
      return 0;
    }
    if (!tables.hops.has(hops)) return EINVAL;
    if (op === OP_CREATE && held !== 0) return EEXIST;
    if (held === 0) {
      if (this.routeCount >= this.maxRoutes) return ENOBUFS;
      this.routeCount++;
    }
    this.routes[prefix] = hops;
    return 0;
  }

  private visitRoute(
    prefix: number,
    nlri: Uint8Array,
    dst: Uint8Array,
    hops: Uint8Array,
    visit: OwnRouteVisitor,
  ): void {
    const held = this.routes[prefix];
    if (held === 0) return;
    const { prefixes, hops: hopTable } = this.tables;
    nlri.fill(0);
    prefixes.writeNlri(prefix, nlri, 0);
    visit(prefixes.family(prefix), dst, prefixes.bits(prefix), hops, hopTable.copyTo(held, hops, 0));
  }

  private grow(prefix: number): void {
    const grown = new Uint32Array(Math.max(prefix + 1, this.routes.length * 2));
    grown.set(this.routes);
    this.routes = grown;
  }
}
