// Remembers how often messages were released because no trial could be made to die of them: one that is suspected again stays for a while,
// longer each time. A route that changes often is under way at many deaths by mere coincidence, so this fades: one release less for each ten
// minutes in which it was given and not suspected. Owns that memory; time is an argument, ms.
import type { Suspect } from '../../replicator/types.js';
import { NlriCursor, parseUpdate, UpdateView } from '../../wire/bgp/update.js';
import { ALL_FAMILIES } from '../../wire/family.js';
import { FadingCounts } from './fading-counts.js';

/** The oldest are forgotten. */
const MAX_KEYS = 50_000;
/** Prefixes remembered of one message. */
const MAX_PREFIXES = 1000;
const FADE_MS = 600_000;

export const SHORTEST_PROBATION_MS = 60_000;
export const LONGEST_PROBATION_MS = 3_600_000;

const view = new UpdateView();
const cursor = new NlriCursor();

export class Repeats {
  private readonly releases: FadingCounts;

  constructor(limit = MAX_KEYS) {
    this.releases = new FadingCounts(FADE_MS, limit);
  }

  released(replica: number, suspect: Suspect, now: number): void {
    for (const key of keysOf(replica, suspect)) this.releases.add(key, now);
  }

  /** Whether this message, or another of the same neighbour about one of its prefixes, was released before. */
  has(replica: number, suspect: Suspect, now: number): boolean {
    return keysOf(replica, suspect).some((key) => this.releases.get(key, now) > 0);
  }

  /**
   * It is suspected, and nothing can be shown. Returns how long it stays: a minute after one release, four times as long after each further
   * one, an hour at most. Ms; 0 when it was never released, or that has faded.
   */
  suspected(replica: number, suspect: Suspect, now: number): number {
    const keys = keysOf(replica, suspect);
    const times = keys.reduce((most, key) => Math.max(most, this.releases.get(key, now)), 0);
    if (times === 0) return 0;
    const probation = Math.min(SHORTEST_PROBATION_MS * 4 ** (times - 1), LONGEST_PROBATION_MS);
    // While it is withheld it proves nothing.
    for (const key of keys) this.releases.holdUntil(key, now + probation, now);
    return probation;
  }

  /** Somebody vouches for it. */
  forget(replica: number, suspect: Suspect): void {
    for (const key of keysOf(replica, suspect)) this.releases.delete(key);
  }
}

/** The released routes come back in another encoding, so they are known by prefix; a message without prefixes by its bytes. */
function keysOf(replica: number, { neighbor, bytes }: Suspect): string[] {
  parseUpdate(bytes, 0, bytes.length, { as4: true, ebgp: true, families: ALL_FAMILIES }, view);
  const sections = view.sections.slice(0, view.sectionCount);
  const announced = sections.filter(({ kind }) => kind === 'announce');
  const keys: string[] = [];
  for (const { family, start, end } of announced.length > 0 ? announced : sections) {
    cursor.reset(bytes, start, end, family);
    while (keys.length < MAX_PREFIXES && cursor.next()) {
      keys.push(`${replica}/${neighbor}/${family}/${cursor.bits}/${addressOf(bytes, cursor.at, cursor.bits)}`);
    }
  }
  if (keys.length === 0) keys.push(`${replica}/${neighbor}/${Buffer.from(bytes).toString('latin1')}`);
  return keys;
}

/** One character a byte: a mass of messages is compared at once. Bits behind the prefix mean nothing, whatever the neighbour put there. */
function addressOf(bytes: Uint8Array, at: number, bits: number): string {
  let text = '';
  for (let left = bits; left > 0; left -= 8, at++) {
    text += String.fromCharCode(left >= 8 ? bytes[at] : bytes[at] & (0xff00 >> left));
  }
  return text;
}
