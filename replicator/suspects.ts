// Lists what is in flight on a feed as whole messages, for people, for the quarantine, and to be tried again. Owns the way back from what a
// feed remembers to bytes; what is remembered is in-flight.ts.
import { NlriCursor, parseUpdate, UpdateView } from '../wire/bgp/update.js';
import { ByteWriter } from '../wire/byte-writer.js';
import type { Feed } from './feed.js';
import { attributeKey } from './fingerprint.js';
import { timeBefore } from './message-log.js';
import type { Suspect } from './types.js';

const view = new UpdateView();
const cursor = new NlriCursor();
const scratch = new ByteWriter();

/**
 * What is in flight on these feeds, oldest first: at most `limit` messages, the last ones. A death under load can have a hundred thousand
 * under way, of which only so many are looked at closely. O(in flight) for the times alone.
 */
export function suspectsOn(feeds: readonly Feed[], now: number, limit: number): Suspect[] {
  const since = timeOfLast(feeds, now, limit);
  const found: Suspect[] = [];
  for (const feed of feeds) collect(feed, now, since, found);
  return found.sort((a, b) => a.time - b.time).slice(Math.max(0, found.length - limit));
}

/** When the oldest of the last `limit` messages and groups was sent; -Infinity when there are not so many. */
function timeOfLast(feeds: readonly Feed[], now: number, limit: number): number {
  const times: number[] = [];
  for (const feed of feeds) {
    feed.forEachGroup((_route, _write, time) => times.push(timeBefore(now, time)));
    feed.forEachMessage((message) => times.push(message.time(now)));
  }
  return times.length <= limit ? -Infinity : Float64Array.from(times).sort()[times.length - limit];
}

function collect(feed: Feed, now: number, since: number, found: Suspect[]): void {
  const { families } = feed.variant;
  feed.forEachGroup((route, write, low) => {
    const time = timeBefore(now, low);
    if (time < since) return;
    scratch.reset();
    write(scratch);
    const routes = route === 0 ? [] : [route];
    for (let at = 0; at < scratch.length;) {
      const bytes = scratch.buffer.slice(at, at + ((scratch.buffer[at + 16] << 8) | scratch.buffer[at + 17]));
      found.push(suspect(feed, bytes, families, { time, routes, state: true }));
      at += bytes.length;
    }
  });
  feed.forEachMessage((message) => {
    const time = message.time(now);
    if (time < since) return;
    const bytes = message.bytes.slice(message.start, message.start + message.length);
    const { route, mpRoute } = message;
    const routes = [route, mpRoute].filter((id, i) => id !== 0 && (i === 0 || id !== route));
    found.push(suspect(feed, bytes, families, { time, routes, state: false }));
  });
}

/** The key that a message without routes is known by: a view, valid until the next call; empty for one that has no other form. */
export function keyOf({ bytes }: Suspect, families: number): Uint8Array {
  parse(bytes, families);
  return attributeKey(bytes, view);
}

function suspect(
  feed: Feed,
  bytes: Uint8Array,
  families: number,
  rest: { time: number; routes: number[]; state: boolean },
): Suspect {
  return { neighbor: feed.neighbor, bytes, prefixes: countPrefixes(bytes, families), ...rest };
}

function countPrefixes(bytes: Uint8Array, families: number): number {
  parse(bytes, families);
  let count = 0;
  for (let i = 0; i < view.sectionCount; i++) {
    const { start, end, family } = view.sections[i];
    cursor.reset(bytes, start, end, family);
    while (cursor.next()) count++;
  }
  return count;
}

/** Where the prefixes are does not depend on who sent them. */
function parse(bytes: Uint8Array, families: number): void {
  parseUpdate(bytes, 0, bytes.length, { as4: true, ebgp: true, families }, view);
}
