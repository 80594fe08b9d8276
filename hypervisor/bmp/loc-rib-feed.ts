// Tells collectors the Loc-RIB (RFC 9069): owns who listens, which prefixes are to be looked at again, and what was told last of each.
// What the route of a prefix is, is loc-rib.ts.
import { DirtyQueue } from '../../voter/dirty-queue.js';
import { NlriCursor } from '../../wire/bgp/nlri.js';
import { writePeerUp, writeStatistics } from '../../wire/bmp/encode.js';
import { BmpInformation, BmpStatistic } from '../../wire/bmp/types.js';
import { ByteWriter } from '../../wire/byte-writer.js';
import { ALL_FAMILIES } from '../../wire/family.js';
import { now, wallTime } from '../clock.js';
import type { IdHolder, Tables } from '../tables.js';
import type { BmpFeed } from './feed.js';
import type { LocRib } from './loc-rib.js';
import { locRibPeer, type Self } from './peers.js';
import { RibDump } from './rib-dump.js';
import { BATCH, type RouteBatch } from './route-batch.js';
import type { UpdateScreen } from './update-screen.js';

/** RFC 9069 section 4.4: the name of the only table. */
const TABLE_NAME = 'global';

export interface LocRibFeedParts {
  self: Self;
  tables: Tables;
  routes: LocRib;
  batch: RouteBatch;
}

export class LocRibFeed implements IdHolder {
  private readonly parts: LocRibFeedParts;
  private readonly peer: ReturnType<typeof locRibPeer>;
  private readonly feeds: BmpFeed[] = [];
  private readonly changed = new DirtyQueue();
  private readonly nlri = new NlriCursor();
  private readonly scratch = new ByteWriter(1 << 16);
  /** By prefix id: attribute id of the route that collectors hold, 0: none. */
  private told = new Uint32Array(1 << 12);
  private count = 0;
  /** Prefix ids from here on are to be looked at again because a session came or went. */
  private rescan = Infinity;
  private scheduled = false;

  constructor(parts: LocRibFeedParts) {
    this.parts = parts;
    this.peer = locRibPeer(parts.self);
  }

  add(feed: BmpFeed): void {
    this.feeds.push(feed);
  }

  /** A collector is there: the peer that stands for the Loc-RIB, and all routes. */
  greet(feed: BmpFeed): void {
    // While nobody listened nothing was looked at.
    if (this.isAlone(feed)) this.forget();
    const { header, session } = this.peer;
    writePeerUp(feed.out, header, wallTime(now()), session, [[BmpInformation.VR_TABLE_NAME, TABLE_NAME]]);
  }

  dump(feed: BmpFeed): void {
    const route = (prefix: number): number => {
      const id = this.parts.routes.route(prefix);
      if (id !== this.held(prefix)) {
        // The others have not been told of it yet.
        if (id !== 0 && this.isAlone(feed)) this.hold(prefix, id);
        else this.lookAgain(prefix);
      }
      return id;
    };
    const view = { header: this.peer.header, as4: true, families: ALL_FAMILIES, isCurrent: () => true, route };
    feed.dump(new RibDump(this.parts.tables, view, this.parts.batch));
  }

  report(feed: BmpFeed, time: number): void {
    writeStatistics(feed.out, this.peer.header, time, [[BmpStatistic.LOC_RIB_ROUTES, this.count]]);
  }

  /** The message that was judged last says something of its prefixes. */
  note({ message, view }: UpdateScreen): void {
    if (!this.isActive) return;
    const { nlri } = this;
    const { prefixes } = this.parts.tables;
    for (let i = 0; i < view.sectionCount; i++) {
      const section = view.sections[i];
      nlri.reset(message, section.start, section.end, section.family);
      while (nlri.next()) {
        const prefix = prefixes.find(section.family, message, nlri.at, nlri.bits);
        if (prefix !== 0) this.changed.add(prefix);
      }
    }
    this.schedule();
  }

  /** A session came up or ended: every route may be another one. */
  noteAll(): void {
    if (!this.isActive) return;
    this.rescan = 1;
    this.schedule();
  }

  /** A prefix that collectors hold a route of keeps its id until they have been told that it is gone. */
  markPrefixes(used: Uint8Array): void {
    if (!this.isActive) return;
    const { told } = this;
    for (let id = Math.min(told.length, used.length) - 1; id > 0; id--) if (told[id] !== 0) used[id] = 1;
  }

  markAttributes(used: Uint8Array): void {
    if (!this.isActive) return;
    const { told } = this;
    for (let id = told.length - 1; id > 0; id--) if (told[id] !== 0) used[told[id]] = 1;
  }

  private get isActive(): boolean {
    return this.feeds.some(({ ready }) => ready);
  }

  private isAlone(feed: BmpFeed): boolean {
    return this.feeds.every((other) => other === feed || !other.ready);
  }

  private lookAgain(prefix: number): void {
    this.changed.add(prefix);
    this.schedule();
  }

  private forget(): void {
    this.told.fill(0);
    this.count = 0;
    this.changed.clear();
    this.rescan = Infinity;
  }

  /** After this turn of the event loop, when what has come in is in the tables. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.tell();
    });
  }

  private tell(): void {
    const { batch, routes } = this.parts;
    const { scratch } = this;
    let prefix = 0;
    for (let seen = 0; seen < BATCH && (prefix = this.next()) !== 0; seen++) {
      const route = routes.route(prefix);
      if (route === this.held(prefix)) continue;
      batch.add(prefix, route);
      this.hold(prefix, route);
    }
    scratch.reset();
    batch.write(scratch, this.peer.header, wallTime(now()), true);
    for (const feed of this.feeds) {
      if (!feed.ready) continue;
      feed.out.bytes(scratch.buffer, 0, scratch.length);
      feed.touch();
    }
    if (prefix !== 0) this.schedule();
  }

  /** The next prefix that may have changed; 0: none. */
  private next(): number {
    if (this.changed.size > 0) return this.changed.shift();
    const { prefixes } = this.parts.tables;
    while (this.rescan < prefixes.limit) {
      const prefix = this.rescan++;
      if (prefixes.has(prefix)) return prefix;
    }
    this.rescan = Infinity;
    return 0;
  }

  private held(prefix: number): number {
    return prefix < this.told.length ? this.told[prefix] : 0;
  }

  private hold(prefix: number, route: number): void {
    if (prefix >= this.told.length) {
      const grown = new Uint32Array(Math.max(prefix + 1, 2 * this.told.length));
      grown.set(this.told);
      this.told = grown;
    }
    if (this.told[prefix] === 0) this.count++;
    if (route === 0) this.count--;
    this.told[prefix] = route;
  }
}
