// Encodes a peer's view of a RIB to UPDATE messages in one go, ahead of time: for benchmarks and demos whose feeder must not be the bottleneck.
// Playing a file as it is read, in bounded memory, is replay.ts.
import { TraceDecoder } from './decoder.js';
import { matchesPeer, type TracePeer } from './peers.js';
import { readTrace } from './reader.js';
import { RouteFeed, type FeedCounts, type FeedOptions } from './route-feed.js';

export interface EncodeOptions extends FeedOptions {
  /** Vantage point: `AS30844`, an address, `#3`. The first peer that fits and has routes is taken. */
  readonly peer: string;
  /** End-of-RIB markers behind the routes. Default true. */
  readonly endOfRib?: boolean;
}

export interface EncodedView {
  /** Whole messages, ready to be written to an established session. */
  readonly bytes: Uint8Array;
  /** Prefixes in them. */
  readonly routes: number;
  readonly messages: number;
  readonly counts: FeedCounts;
  readonly peer: TracePeer | undefined;
}

/** Reads the whole RIB file (gz, bz2 or plain) into memory as messages. Throws TraceError. */
export async function encodeRibView(file: string, options: EncodeOptions): Promise<EncodedView> {
  const [view] = await encodeRibViews(file, [options]);
  return view;
}

/** The same for several neighbours in one pass over the file. */
export async function encodeRibViews(file: string, views: readonly EncodeOptions[]): Promise<EncodedView[]> {
  const feeds = views.map((options) => ({
    options,
    feed: new RouteFeed(options),
    peer: undefined as TracePeer | undefined,
  }));
  const decoder = new TraceDecoder({
    wants: (peer) => views.some((options) => matchesPeer(options.peer, peer)),
    message: () => undefined,
    route: (peer, route) => {
      for (const entry of feeds) {
        if (entry.peer === undefined && matchesPeer(entry.options.peer, peer)) entry.peer = peer;
        if (entry.peer === peer) entry.feed.route(route);
      }
    },
  });
  await readTrace(file, (record) => {
    decoder.visit(record);
    return feeds.every(({ feed }) => feed.limitReached) ? 'stop' : undefined;
  });
  return feeds.map(({ feed, options, peer }) => {
    feed.flush();
    if (options.endOfRib ?? true) feed.endOfRib();
    const { counts } = feed;
    return { bytes: feed.out.take(), routes: counts.announced, messages: counts.messages, counts, peer };
  });
}
