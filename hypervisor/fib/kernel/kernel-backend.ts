// The real kernel as a backend: one socket that writes, one that listens, and one for each dump. Owns putting them together and their
// order: who writes must be known before who listens, because the listener's filter names the writer.
import type { RouteBatch } from '../../../fib/route-batch.js';
import { BackendError, emptyStats } from './backend.js';
import type { FibBackend, MessageVisitor, OwnDump, OwnRoutes, OwnRouteVisitor, RouteTables } from './backend.js';
import { KernelReader } from './kernel-reader.js';
import { OwnRoutesDump } from './own-routes.js';
import { RouteWriter } from './route-writer.js';
import { removeStrays } from './stray-routes.js';

export class KernelBackend implements FibBackend {
  readonly name = 'kernel';
  readonly stats = emptyStats();
  private readonly own: OwnRoutes;
  private readonly tables: RouteTables;
  private readonly reader: KernelReader;
  private writer: RouteWriter | undefined;
  private dump: OwnRoutesDump | undefined;

  constructor(own: OwnRoutes, tables: RouteTables) {
    this.own = own;
    this.tables = tables;
    this.reader = new KernelReader(own.protocol, this.stats);
  }

  get eventFd(): number {
    return this.reader.eventFd;
  }

  open(): void {
    this.writer = new RouteWriter(this.own, this.tables, this.stats);
    this.reader.open(this.writer.portId);
  }

  loadMirror(apply: MessageVisitor): void {
    this.reader.load(apply);
  }

  readEvents(apply: MessageVisitor): 'ok' | 'overrun' {
    return this.reader.readEvents(apply);
  }

  write(batch: RouteBatch): void {
    if (this.writer === undefined) throw new BackendError('the backend is not open');
    this.writer.write(batch);
  }

  startDump(visit: OwnRouteVisitor): OwnDump {
    this.dump?.close();
    this.dump = new OwnRoutesDump(this.own, () => this.writer?.ipv6Removals ?? 0, visit);
    return this.dump;
  }

  removeStrays(): number {
    return removeStrays(this.own);
  }

  refusal(errno: number): string | undefined {
    return this.writer?.refusal(errno);
  }

  close(): void {
    this.dump?.close();
    this.writer?.close();
    this.reader.close();
    this.dump = undefined;
    this.writer = undefined;
  }
}
