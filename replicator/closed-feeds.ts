// Feeds that were closed with something in flight: the neighbour's session is gone, but the replica may still die of what came on it, or
// hang on it already. They count among the suspects until what was in flight has proven harmless. Owns them, and their bound.
import type { Feed } from './feed.js';

/** Of one replica; the oldest give way. */
const MAX_FEEDS = 32;

export class ClosedFeeds {
  private readonly byReplica = new Map<number, Feed[]>();

  add(feed: Feed): void {
    if (feed.inFlight.isEmpty) return;
    const feeds = [...this.of(feed.replica), feed];
    this.byReplica.set(feed.replica, feeds.slice(-MAX_FEEDS));
  }

  of(r: number): readonly Feed[] {
    return this.byReplica.get(r) ?? [];
  }

  all(): Feed[] {
    return [...this.byReplica.values()].flat();
  }

  probeSent(r: number): void {
    for (const feed of this.of(r)) feed.probeSent();
  }

  probeReturned(r: number): void {
    const feeds = this.of(r);
    if (feeds.length === 0) return;
    for (const feed of feeds) feed.probeReturned();
    this.byReplica.set(
      r,
      feeds.filter(({ inFlight }) => !inFlight.isEmpty),
    );
  }

  forget(r: number): void {
    this.byReplica.delete(r);
  }
}
