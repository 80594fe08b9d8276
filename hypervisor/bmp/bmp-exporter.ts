// BMP export (docs/bmp.md): to each collector one connection for the router, with Adj-RIB-In, Adj-RIB-Out and Loc-RIB, and one for each
// replica, with what it wants to send. Owns what is said on which connection; a connection is feed.ts, the bytes are wire/bmp/.
import os from 'node:os';
import type { BmpCollector, BmpView } from '../../configs/model.js';
import type { DownReason, Negotiated } from '../../session/types.js';
import { UNKNOWN } from '../../voter/ballots.js';
import { writePeerDown, writePeerUp, writeRouteMonitoring, writeStatistics } from '../../wire/bmp/encode.js';
import { BmpInformation, BmpStatistic } from '../../wire/bmp/types.js';
import { ByteWriter } from '../../wire/byte-writer.js';
import { ALL_FAMILIES } from '../../wire/family.js';
import { u16 } from '../../wire/mrt/types.js';
import { now, wallTime } from '../clock.js';
import type { RouterContext } from '../context.js';
import type { NeighborPort } from '../neighbor-port.js';
import type { MessageTap } from '../taps.js';
import { BmpFeed, type FeedStats } from './feed.js';
import { LocRib } from './loc-rib.js';
import { bmpNeighbor, downReason, locRibPeer, REPLICA_DOWN, type BmpNeighbor } from './peers.js';
import { RibDump, type RibView } from './rib-dump.js';
import { RouteBatch } from './route-batch.js';

export type BmpStats = FeedStats[];

/** RFC 9069 section 4.4: the name of the only table. */
const TABLE_NAME = 'global';

/** Attribute id of what the neighbour holds, 0: nothing. While it is being told everything anew that is the verdict. */
function held(port: NeighborPort, prefix: number): number {
  if (!port.holds(prefix)) return 0;
  const advertised = port.voter.advertised(prefix);
  return advertised === UNKNOWN ? port.voter.verdict(prefix) : advertised;
}

type Context = Pick<RouterContext, 'config' | 'log' | 'tables' | 'replicator'>;

export class BmpExporter implements MessageTap {
  private readonly context: Context;
  private readonly neighbors: () => readonly NeighborPort[];
  private readonly batch: RouteBatch;
  private readonly locRib: LocRib;
  private readonly locRibPeer: ReturnType<typeof locRibPeer>;
  /** By view; `replicas` by index of the replica. */
  private readonly feeds: Record<Exclude<BmpView, 'replicas'>, BmpFeed[]> & { replicas: BmpFeed[][] };
  /** Connections on which the neighbours themselves are peers. */
  private readonly sessionFeeds: BmpFeed[] = [];
  private readonly all: BmpFeed[] = [];
  /** By neighbour; undefined while its session is down. */
  private readonly peers: (BmpNeighbor | undefined)[];
  /** By replica and neighbour: its sessions that are up (two where families are split). */
  private readonly sessions: number[][];
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly scratch = new ByteWriter(1 << 16);
  private locRibScheduled = false;

  constructor(context: Context, neighbors: () => readonly NeighborPort[]) {
    const { config, tables, replicator } = context;
    this.context = context;
    this.neighbors = neighbors;
    this.batch = new RouteBatch(tables);
    this.locRib = new LocRib({ as: config.router.as, tables, replicator, neighbors });
    this.locRibPeer = locRibPeer(config.router);
    this.peers = config.neighbors.map(() => undefined);
    this.sessions = config.replicas.map(() => config.neighbors.map(() => 0));
    this.feeds = { 'pre-policy': [], 'post-policy': [], 'local-rib': [], replicas: config.replicas.map(() => []) };
    for (const collector of config.bmp.collectors) this.open(collector);
  }

  neighborUp(n: number, negotiated: Negotiated, at: number): void {
    const { config } = this.context;
    const peer = bmpNeighbor(config.neighbors[n], config.router, negotiated);
    this.peers[n] = peer;
    for (const feed of this.sessionFeeds) this.peerUp(feed, peer, at);
    this.noteAllChanged();
  }

  neighborDown(n: number, reason: DownReason, at: number): void {
    const peer = this.peers[n];
    this.peers[n] = undefined;
    if (peer === undefined) return;
    for (const feed of this.sessionFeeds) {
      if (!feed.ready) continue;
      writePeerDown(feed.out, peer.received, wallTime(at), downReason(reason));
      feed.touch();
    }
    // Its replicas' sessions follow, and find no neighbour any more.
    this.sessions.forEach((sessions, r) => {
      if (sessions[n] > 0) this.replicaPeerDown(r, peer, at);
      sessions[n] = 0;
    });
    this.noteAllChanged();
  }

  received(n: number, buffer: Uint8Array, start: number, end: number, at: number): void {
    const peer = this.peers[n];
    if (peer === undefined) return;
    this.update(this.feeds['pre-policy'], peer.received, buffer, start, end, at);
    this.noteChanged(buffer, start, end, peer.negotiated.as4);
  }

  advertised(n: number, messages: Uint8Array, at: number): void {
    const peer = this.peers[n];
    if (peer === undefined) return;
    for (let start = 0; start < messages.length;) {
      const end = start + u16(messages, start + 16);
      this.update(this.feeds['post-policy'], peer.sent, messages, start, end, at);
      this.noteChanged(messages, start, end, peer.negotiated.as4);
      start = end;
    }
  }

  replicaUp(r: number, n: number, at: number): void {
    const peer = this.peers[n];
    if (peer === undefined || ++this.sessions[r][n] > 1) return;
    for (const feed of this.feeds.replicas[r]) this.replicaPeerUp(feed, peer, at);
  }

  replicaDown(r: number, n: number, at: number): void {
    const peer = this.peers[n];
    if (peer === undefined || this.sessions[r][n] === 0 || --this.sessions[r][n] > 0) return;
    this.replicaPeerDown(r, peer, at);
  }

  voted(r: number, n: number, buffer: Uint8Array, start: number, end: number, at: number): void {
    const peer = this.peers[n];
    if (peer !== undefined) this.update(this.feeds.replicas[r], peer.replicaSent, buffer, start, end, at);
  }

  stats(): BmpStats {
    return this.all.map((feed) => feed.status());
  }

  async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await Promise.all(this.all.map((feed) => feed.close()));
  }

  private open(collector: BmpCollector): void {
    const { config, log } = this.context;
    const { views, address, port, bufferSize } = collector;
    const add = (sysName: string, greet: (feed: BmpFeed) => void): BmpFeed => {
      const feed = new BmpFeed({ address, port, sysName, bufferSize, log, greet });
      this.all.push(feed);
      return feed;
    };
    const name = os.hostname();
    if (views.some((view) => view !== 'replicas')) {
      const feed = add(name, (connected) => this.greet(connected, views));
      for (const view of views) if (view !== 'replicas') this.feeds[view].push(feed);
      if (views.includes('pre-policy') || views.includes('post-policy')) this.sessionFeeds.push(feed);
      if (collector.statisticsInterval > 0) {
        this.timers.push(setInterval(() => this.report(feed, views), collector.statisticsInterval).unref());
      }
    }
    if (!views.includes('replicas')) return;
    config.replicas.forEach((replica, r) => {
      const feed = add(`${name}/${replica.name}`, (connected) => this.greetForReplica(connected, r));
      this.feeds.replicas[r].push(feed);
    });
  }

  /** The present state of the router: its sessions, then one table after the other. */
  private greet(feed: BmpFeed, views: readonly BmpView[]): void {
    const at = now();
    const { tables, replicator } = this.context;
    const dump = (view: RibView): void => feed.dump(new RibDump(tables, view, this.batch));
    if (views.includes('local-rib')) {
      const { header, session } = this.locRibPeer;
      writePeerUp(feed.out, header, wallTime(at), session, [[BmpInformation.VR_TABLE_NAME, TABLE_NAME]]);
    }
    this.peers.forEach((peer, n) => {
      if (peer === undefined || !this.sessionFeeds.includes(feed)) return;
      this.peerUp(feed, peer, at);
      const { as4, families } = peer.negotiated;
      const isCurrent = (): boolean => this.peers[n] === peer;
      const port = this.neighbors()[n];
      if (views.includes('pre-policy')) {
        const route = (prefix: number): number => replicator.route(n, prefix);
        dump({ header: peer.received, as4, families, isCurrent, route });
      }
      if (views.includes('post-policy')) {
        const route = (prefix: number): number => held(port, prefix);
        dump({ header: peer.sent, as4, families, isCurrent, route });
      }
    });
    if (!views.includes('local-rib')) return;
    const route = (prefix: number): number => this.locRib.route(prefix);
    dump({ header: this.locRibPeer.header, as4: true, families: ALL_FAMILIES, isCurrent: () => true, route });
  }

  private greetForReplica(feed: BmpFeed, r: number): void {
    const at = now();
    this.peers.forEach((peer, n) => {
      if (peer === undefined || this.sessions[r][n] === 0) return;
      this.replicaPeerUp(feed, peer, at);
      const view: RibView = {
        header: peer.replicaSent,
        as4: true,
        families: peer.negotiated.families,
        isCurrent: () => this.peers[n] === peer && this.sessions[r][n] > 0,
        route: (prefix) => this.neighbors()[n].voter.currentVote(r, prefix),
      };
      feed.dump(new RibDump(this.context.tables, view, this.batch));
    });
  }

  private peerUp(feed: BmpFeed, peer: BmpNeighbor, at: number): void {
    if (!feed.ready) return;
    writePeerUp(feed.out, peer.received, wallTime(at), peer.session);
    feed.touch();
  }

  private replicaPeerUp(feed: BmpFeed, peer: BmpNeighbor, at: number): void {
    if (!feed.ready) return;
    writePeerUp(feed.out, peer.replicaPeer, wallTime(at), peer.replicaSession);
    feed.touch();
  }

  private replicaPeerDown(r: number, peer: BmpNeighbor, at: number): void {
    for (const feed of this.feeds.replicas[r]) {
      if (!feed.ready) continue;
      writePeerDown(feed.out, peer.replicaPeer, wallTime(at), REPLICA_DOWN);
      feed.touch();
    }
  }

  private update(
    feeds: readonly BmpFeed[],
    header: Uint8Array,
    buffer: Uint8Array,
    start: number,
    end: number,
    at: number,
  ): void {
    for (const feed of feeds) {
      if (!feed.ready) continue;
      writeRouteMonitoring(feed.out, header, wallTime(at), buffer, start, end);
      feed.touch();
    }
  }

  private report(feed: BmpFeed, views: readonly BmpView[]): void {
    if (!feed.ready) return;
    const time = wallTime(now());
    this.peers.forEach((peer, n) => {
      if (peer === undefined) return;
      const { prefixesIn, prefixesOut } = this.neighbors()[n].status();
      const statistics: [number, number][] = [];
      if (views.includes('pre-policy')) statistics.push([BmpStatistic.ADJ_RIB_IN_ROUTES, prefixesIn]);
      if (views.includes('post-policy')) statistics.push([BmpStatistic.ADJ_RIB_OUT_POST_POLICY_ROUTES, prefixesOut]);
      if (statistics.length > 0) writeStatistics(feed.out, peer.received, time, statistics);
    });
    feed.touch();
  }

  private noteChanged(message: Uint8Array, start: number, end: number, as4: boolean): void {
    if (!this.feeds['local-rib'].some(({ ready }) => ready)) return;
    this.locRib.note(message, start, end, as4);
    this.scheduleLocRib();
  }

  private noteAllChanged(): void {
    if (!this.feeds['local-rib'].some(({ ready }) => ready)) return;
    this.locRib.noteAll();
    this.scheduleLocRib();
  }

  /** After this turn of the event loop, when what has come in is in the tables. */
  private scheduleLocRib(): void {
    if (this.locRibScheduled) return;
    this.locRibScheduled = true;
    setImmediate(() => {
      this.locRibScheduled = false;
      this.tellLocRib();
    });
  }

  private tellLocRib(): void {
    const { batch, locRib, scratch } = this;
    let prefix = 0;
    while (!batch.isFull && (prefix = locRib.next()) !== 0) batch.add(prefix, locRib.route(prefix));
    scratch.reset();
    batch.write(scratch, this.locRibPeer.header, wallTime(now()), true);
    for (const feed of this.feeds['local-rib']) {
      if (!feed.ready) continue;
      feed.out.bytes(scratch.buffer, 0, scratch.length);
      feed.touch();
    }
    if (prefix !== 0) this.scheduleLocRib();
  }
}
