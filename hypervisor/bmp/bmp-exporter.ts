// BMP export (docs/bmp.md): to each collector one connection for the router, with Adj-RIB-In, Adj-RIB-Out and Loc-RIB, and one for each
// replica, with what it wants to send. Owns what is said on which connection; a connection is feed.ts, the bytes are wire/bmp/.
import os from 'node:os';
import type { BmpCollector, BmpView } from '../../configs/model.js';
import type { DownReason, Negotiated } from '../../session/types.js';
import { UNKNOWN } from '../../voter/ballots.js';
import { writePeerDown, writePeerUp, writeRouteMonitoring, writeStatistics } from '../../wire/bmp/encode.js';
import { BmpStatistic } from '../../wire/bmp/types.js';
import { u16 } from '../../wire/mrt/types.js';
import { now, wallTime } from '../clock.js';
import type { RouterContext } from '../context.js';
import type { NeighborPort } from '../neighbor-port.js';
import type { MessageTap } from '../taps.js';
import { BmpFeed, type FeedStats } from './feed.js';
import { LocRibFeed } from './loc-rib-feed.js';
import { LocRib } from './loc-rib.js';
import { bmpNeighbor, downReason, REPLICA_DOWN, type BmpNeighbor } from './peers.js';
import { RibDump, type RibView } from './rib-dump.js';
import { RouteBatch } from './route-batch.js';
import { UpdateScreen } from './update-screen.js';

export type BmpStats = FeedStats[];

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
  private readonly screen = new UpdateScreen();
  /** Holds ids of prefixes. */
  readonly locRib: LocRibFeed;
  /** By view; `replicas` by index of the replica. */
  private readonly feeds: Record<'pre-policy' | 'post-policy', BmpFeed[]> & { replicas: BmpFeed[][] };
  /** Connections on which the neighbours themselves are peers. */
  private readonly sessionFeeds: BmpFeed[] = [];
  private readonly all: BmpFeed[] = [];
  /** By neighbour; undefined while its session is down. */
  private readonly peers: (BmpNeighbor | undefined)[];
  /** By replica and neighbour: its sessions that are up (two where families are split); undefined: none has ever been. */
  private readonly sessions: (number | undefined)[][];
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(context: Context, neighbors: () => readonly NeighborPort[]) {
    const { config, tables, replicator } = context;
    this.context = context;
    this.neighbors = neighbors;
    this.batch = new RouteBatch(tables);
    const routes = new LocRib({ as: config.router.as, tables, replicator, neighbors });
    this.locRib = new LocRibFeed({ self: config.router, tables, routes, batch: this.batch });
    this.peers = config.neighbors.map(() => undefined);
    this.sessions = config.replicas.map(() => []);
    this.feeds = { 'pre-policy': [], 'post-policy': [], replicas: config.replicas.map(() => []) };
    for (const collector of config.bmp.collectors) this.open(collector);
  }

  neighborUp(n: number, negotiated: Negotiated, at: number): void {
    const { config } = this.context;
    const peer = bmpNeighbor(config.neighbors[n], config.router, negotiated);
    this.peers[n] = peer;
    for (const feed of this.sessionFeeds) this.peerUp(feed, peer, at);
    this.locRib.noteAll();
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
      if (this.isUp(r, n)) this.replicaPeerDown(r, peer, at);
      sessions[n] = 0;
    });
    this.locRib.noteAll();
  }

  received(n: number, buffer: Uint8Array, start: number, end: number, at: number): void {
    const peer = this.peers[n];
    if (peer === undefined || !this.screen.judge(buffer, start, end, peer.rules)) return;
    this.tell(this.feeds['pre-policy'], peer.received, at);
    this.locRib.note(this.screen);
  }

  advertised(n: number, messages: Uint8Array, at: number): void {
    const peer = this.peers[n];
    if (peer === undefined) return;
    for (let start = 0; start < messages.length;) {
      const end = start + u16(messages, start + 16);
      if (this.screen.judge(messages, start, end, peer.rules)) {
        this.tell(this.feeds['post-policy'], peer.sent, at);
        this.locRib.note(this.screen);
      }
      start = end;
    }
  }

  replicaUp(r: number, n: number, at: number): void {
    const peer = this.peers[n];
    if (peer === undefined) return;
    const before = this.sessions[r][n] ?? 0;
    this.sessions[r][n] = before + 1;
    if (before > 0) return;
    for (const feed of this.feeds.replicas[r]) this.replicaPeerUp(feed, peer, at);
  }

  replicaDown(r: number, n: number, at: number): void {
    const peer = this.peers[n];
    if (peer === undefined || !this.isUp(r, n)) return;
    this.sessions[r][n]!--;
    if (!this.isUp(r, n)) this.replicaPeerDown(r, peer, at);
  }

  voted(r: number, n: number, buffer: Uint8Array, start: number, end: number, at: number): void {
    const peer = this.peers[n];
    if (peer === undefined || !this.screen.judge(buffer, start, end, peer.replicaRules)) return;
    this.tell(this.feeds.replicas[r], peer.replicaSent, at);
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
      for (const view of views) if (view === 'pre-policy' || view === 'post-policy') this.feeds[view].push(feed);
      if (views.includes('local-rib')) this.locRib.add(feed);
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
    if (views.includes('local-rib')) this.locRib.greet(feed);
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
    if (views.includes('local-rib')) this.locRib.dump(feed);
  }

  private greetForReplica(feed: BmpFeed, r: number): void {
    const at = now();
    this.peers.forEach((peer, n) => {
      if (peer === undefined || !this.isUp(r, n)) return;
      this.replicaPeerUp(feed, peer, at);
      const view: RibView = {
        header: peer.replicaSent,
        as4: true,
        families: peer.negotiated.families,
        isCurrent: () => this.peers[n] === peer && this.isUp(r, n),
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

  private isUp(r: number, n: number): boolean {
    return (this.sessions[r][n] ?? 0) > 0;
  }

  /** Route Monitoring of what the screen has let through. */
  private tell(feeds: readonly BmpFeed[], header: Uint8Array, at: number): void {
    const { buffer, start, end } = this.screen;
    for (const feed of feeds) {
      if (!feed.ready) continue;
      for (let from = start; from < end;) {
        const to = from + u16(buffer, from + 16);
        writeRouteMonitoring(feed.out, header, wallTime(at), buffer, from, to);
        from = to;
      }
      feed.touch();
    }
  }

  private report(feed: BmpFeed, views: readonly BmpView[]): void {
    if (!feed.ready) return;
    const time = wallTime(now());
    this.peers.forEach((peer, n) => {
      if (peer === undefined) return;
      const port = this.neighbors()[n];
      const { prefixesIn, prefixesOut } = port.status();
      const { ADJ_RIB_IN_ROUTES, ADJ_RIB_OUT_POST_POLICY_ROUTES, UPDATES_TREATED_AS_WITHDRAW } = BmpStatistic;
      const statistics: [number, number][] = [];
      if (views.includes('pre-policy')) {
        statistics.push([ADJ_RIB_IN_ROUTES, prefixesIn]);
        statistics.push([UPDATES_TREATED_AS_WITHDRAW, port.traffic().treatedAsWithdraw]);
      }
      if (views.includes('post-policy')) statistics.push([ADJ_RIB_OUT_POST_POLICY_ROUTES, prefixesOut]);
      if (statistics.length > 0) writeStatistics(feed.out, peer.received, time, statistics);
    });
    if (views.includes('local-rib')) this.locRib.report(feed, time);
    feed.touch();
  }
}
