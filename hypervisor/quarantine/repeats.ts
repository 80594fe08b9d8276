// Remembers of what was given back without proof how often its replica died of it nevertheless: such a message stays for a while, longer each
// time. A death with thousands under way says little against each of them, and a route that changes often is under way at many deaths by
// mere coincidence; only who kills before it has proven harmless since it was given back bears the whole blame. It fades, too: one time less
// for each ten minutes in which it was given and not suspected. Owns that memory; time is an argument, ms.
import type { Suspect } from '../../replicator/types.js';
import { NlriCursor, parseUpdate, UpdateView } from '../../wire/bgp/update.js';
import { ALL_FAMILIES } from '../../wire/family.js';
import { FadingCounts } from './fading-counts.js';

/** Prefixes remembered of one message. */
const MAX_PREFIXES = 1000;
/** So many messages under way are each blamed for a death as if they had been alone. */
const FEW = 16;

export interface RepeatsOptions {
  /** Prefixes remembered of all replicas together; the oldest are forgotten. Default 50,000. */
  limit?: number;
  /** How long one stays that is suspected again, ms: at first, and at most. Default a minute and an hour. */
  shortest?: number;
  longest?: number;
  /** Each such time without being suspected takes one time off, ms. Default ten minutes. */
  fade?: number;
}

export interface Death {
  /** ms. */
  at: number;
  /** Messages that may have caused it. */
  suspects: number;
  /** What was given back until then had proven harmless when it died, ms. */
  provenUntil: number;
}

export interface Probation {
  /** How long it stays, ms; 0: it was never given back before, or that has faded. */
  stays: number;
  /** How often it has killed, as far as it can be blamed for that: 1 for one of a crowd. */
  times: number;
}

const view = new UpdateView();
const cursor = new NlriCursor();

export class Repeats {
  private readonly times: FadingCounts;
  private readonly shortest: number;
  private readonly longest: number;

  constructor({ limit = 50_000, shortest = 60_000, longest = 3_600_000, fade = 600_000 }: RepeatsOptions = {}) {
    this.times = new FadingCounts(fade, limit);
    this.shortest = shortest;
    this.longest = longest;
  }

  /** It is given back without proof. */
  released(replica: number, suspect: Suspect, now: number): void {
    for (const key of keysOf(replica, suspect)) this.times.reach(key, 1, now);
  }

  /** Whether this message, or another of the same neighbour about one of its prefixes, was released before. */
  has(replica: number, suspect: Suspect, now: number): boolean {
    return this.timesOf(keysOf(replica, suspect), now) > 0;
  }

  /**
   * They are suspected of one death, and nothing can be shown. Each stays for a minute the first time after it was given back, and four times
   * as long after each further time for which it bears the whole blame, an hour at most.
   */
  suspected(
    replica: number,
    messages: readonly Suspect[],
    { at, suspects, provenUntil }: Death,
    now: number,
  ): Probation[] {
    const all = messages.map((message) => keysOf(replica, message));
    const stays = all.map((keys) => this.stays(this.timesOf(keys, now)));
    // One death counts once for a prefix, however many messages about it were under way.
    const blamed = new Map<string, number>();
    all.forEach((keys, i) => {
      for (const key of keys) if (stays[i] > (blamed.get(key) ?? 0)) blamed.set(key, stays[i]);
    });
    for (const [key, longest] of blamed) {
      if (this.times.get(key, now) === 0) continue;
      const given = this.times.last(key);
      this.times.add(key, now, given > provenUntil && given <= at ? 1 : Math.min(1, FEW / suspects));
      // While it is withheld it proves nothing.
      this.times.holdUntil(key, now + longest, now);
    }
    return all.map((keys, i) => ({ stays: stays[i], times: stays[i] === 0 ? 0 : this.timesOf(keys, now) }));
  }

  /** Somebody vouches for it. */
  forget(replica: number, suspect: Suspect): void {
    for (const key of keysOf(replica, suspect)) this.times.delete(key);
  }

  private stays(times: number): number {
    return times === 0 ? 0 : Math.min(this.shortest * 4 ** (times - 1), this.longest);
  }

  private timesOf(keys: readonly string[], now: number): number {
    return Math.floor(keys.reduce((most, key) => Math.max(most, this.times.get(key, now)), 0));
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
