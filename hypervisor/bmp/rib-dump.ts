// Tells a collector all routes of one table as they are now, a part at a time, and End-of-RIB behind them. What changes meanwhile is sent in
// between; a prefix that is reached later is told as it is then, so that what was said last of each is right.
import type { ByteWriter } from '../../wire/byte-writer.js';
import { now, wallTime } from '../clock.js';
import type { Tables } from '../tables.js';
import type { Dump } from './feed.js';
import { BATCH, type RouteBatch } from './route-batch.js';

export interface RibView {
  /** Per-peer header of its messages. */
  header: Uint8Array;
  as4: boolean;
  families: number;
  /** Attribute id of the route to a prefix, 0: there is none. */
  route(prefix: number): number;
  /** False: the session has ended, or another one is there by now: its own messages tell everything. */
  isCurrent(): boolean;
}

/** Prefix ids looked at in one step. */
const STEP = 16_384;

export class RibDump implements Dump {
  private readonly tables: Tables;
  private readonly view: RibView;
  private readonly batch: RouteBatch;
  private next = 1;

  constructor(tables: Tables, view: RibView, batch: RouteBatch) {
    this.tables = tables;
    this.view = view;
    this.batch = batch;
  }

  step(out: ByteWriter): boolean {
    const { view, batch } = this;
    if (!view.isCurrent()) return false;
    const { prefixes } = this.tables;
    const { limit } = prefixes;
    const time = wallTime(now());
    for (let seen = 0, taken = 0; this.next < limit && seen < STEP && taken < BATCH; seen++) {
      const prefix = this.next++;
      if (!prefixes.has(prefix)) continue;
      const route = view.route(prefix);
      if (route === 0) continue;
      batch.add(prefix, route);
      taken++;
    }
    batch.write(out, view.header, time, view.as4);
    if (this.next < limit) return true;
    batch.writeEndOfRib(out, view.header, time, view.families);
    return false;
  }
}
