// What the main thread asks the forwarding table's thread: answers at once, or in slices where there is much to look at. Owns which
// answers are under way; what is in them is reports.ts, listing.ts and verification.ts.
import type { FibEngine, FibSource } from '../../fib/engine.js';
import type { Refusal } from '../../fib/virtual-kernel/types.js';
import { acknowledgeWrites } from '../../preload/native.js';
import { now } from '../clock.js';
import type { Audit } from './audit.js';
import { parseInjection } from './injections.js';
import type { FibBackend } from './kernel/backend.js';
import { Listing } from './listing.js';
import type { FibRequest, FromFib } from './protocol.js';
import type { FibReports } from './reports.js';
import type { ReplicaSockets } from './sockets.js';
import { Verification } from './verification.js';

/** Listings under way at once; each is a `btr fib` of somebody. */
const MAX_LISTINGS = 16;

export interface AnswersParts {
  engine: FibEngine;
  backend: FibBackend;
  reports: FibReports;
  sockets: ReplicaSockets;
  audit: Audit;
  /** By replica index. */
  sources: readonly FibSource[];
  overruns(): number;
  freeze(): void;
  tell(message: FromFib): void;
}

export class Answers {
  private readonly parts: AnswersParts;
  private verification: Verification | undefined;
  private listings: Listing[] = [];
  /** By replica: which of its injections refuses its writes. */
  private readonly refusals = new Map<number, number>();

  constructor(parts: AnswersParts) {
    this.parts = parts;
  }

  /** Something is under way: `step` has work, and ids must stay what they are. */
  get busy(): boolean {
    return this.verification !== undefined || this.listings.length > 0;
  }

  /** The kernel's table is being read: nobody else can read it. */
  get verifying(): boolean {
    return this.verification !== undefined;
  }

  take(id: number, request: FibRequest): void {
    try {
      const result = this.answer(id, request);
      if (result !== undefined) this.parts.tell({ kind: 'answer', id, result });
    } catch (error) {
      this.parts.tell({ kind: 'answer', id, error: (error as Error).message });
    }
  }

  /** One slice of each sort of answer that is under way. */
  step(): void {
    const outcome = this.verification?.step();
    if (outcome !== undefined) {
      this.verification = undefined;
      this.parts.tell({ kind: 'answer', ...outcome });
    }
    const listing = this.listings[0];
    if (listing === undefined) return;
    const { id } = listing;
    const { routes, total } = listing.step();
    if (total === undefined) {
      if (routes.length > 0) this.parts.tell({ kind: 'part', id, routes });
      return;
    }
    this.listings.shift();
    this.parts.tell({ kind: 'answer', id, result: { routes, total } });
  }

  /** The answer; undefined when it comes later. Throws an Error for the user. */
  private answer(id: number, request: FibRequest): unknown {
    const { engine, backend, reports, sockets, audit, overruns } = this.parts;
    switch (request.what) {
      case 'status':
        return reports.status(backend, sockets, audit, overruns());
      case 'routes':
        if (this.listings.length >= MAX_LISTINGS) throw new Error('too many look at the forwarding table at once');
        this.listings.push(new Listing(id, engine, reports, request.query));
        return undefined;
      case 'verify':
        this.verify(id, request.advertised);
        return undefined;
      case 'inject':
        return this.inject(request);
      case 'freeze':
        this.parts.freeze();
        return null;
    }
  }

  private verify(id: number, advertised: readonly [Uint8Array, Uint8Array]): void {
    if (this.verifying) throw new Error('a verification is under way');
    const { engine, backend, reports, audit } = this.parts;
    audit.abandon(now());
    this.verification = new Verification(id, engine, backend, reports, advertised);
  }

  private inject({ replica, id, injection }: FibRequest & { what: 'inject' }): null {
    const { engine } = this.parts;
    if (this.parts.sources[replica] === 'none' || this.parts.sources[replica] === undefined)
      throw new Error('this replica has no say in the forwarding table');
    const parsed = injection === null ? undefined : parseInjection(injection, engine);
    const refusal = parsed !== undefined && 'refusal' in parsed ? parsed.refusal : undefined;
    if (refusal !== undefined || this.refusals.get(replica) === id) this.refuseWrites(replica, id, refusal);
    engine.votes.inject(replica, id, parsed !== undefined && 'fault' in parsed ? parsed.fault : undefined, now());
    return null;
  }

  private refuseWrites(replica: number, id: number, refusal: Refusal | undefined): void {
    const { engine, sockets } = this.parts;
    const kernel = engine.kernels[replica];
    if (kernel === undefined) throw new Error('only the writes of a replica that writes to its kernel can be refused');
    kernel.refuse(refusal);
    if (refusal === undefined) this.refusals.delete(replica);
    else this.refusals.set(replica, id);
    if (kernel.acksWrites) sockets.forEach(replica, (fd) => acknowledgeWrites(fd));
  }
}
