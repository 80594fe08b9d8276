// The difference between two configurations, key by key, with the place of each new value and what applying it takes. Owns the
// comparison; the spelling of keys is entries.ts, the classes are keys.ts.
import type { RouterConfig } from '../model.js';
import { entriesOf, type Entry } from './entries.js';
import { ruleFor, SEAT_KEYS } from './keys.js';
import { seatsOf } from './merge.js';
import type { Places } from './places.js';
import type { Change, ChangeClass, ConfigDiff } from './types.js';
import { CHANGE_CLASSES } from './types.js';

/** Lists whose entries come and go as a whole. */
const OWNERS = ['neighbors', 'replicas[]', 'bmp.collectors'];

/** Of which owner a key is: `neighbors[10.0.0.2]` of all that is said of that neighbour. */
function ownerOf({ key, rule }: Entry): string | undefined {
  return OWNERS.some((owner) => rule.startsWith(owner)) ? key.slice(0, key.lastIndexOf(']') + 1) : undefined;
}

/** What differs between what runs and what is to run; `places`: of the file of `next`. O(size of both). */
export function compareConfigs(running: RouterConfig, next: RouterConfig, places: Places): ConfigDiff {
  const before = new Map(entriesOf(running).map((entry) => [entry.key, entry]));
  const after = new Map(entriesOf(next).map((entry) => [entry.key, entry]));
  const changes: Change[] = [];
  const sameSeats = seatsOf(running) === seatsOf(next);
  const isThere = (owner: string, entries: ReadonlyMap<string, Entry>): boolean =>
    entries.has(owner) || entries.has(`${owner}.name`);
  for (const key of new Set([...after.keys(), ...before.keys()])) {
    const [old, now] = [before.get(key), after.get(key)];
    if (old?.value === now?.value) continue;
    const entry = (now ?? old)!;
    // A neighbour, replica or collector that comes or goes is one change, whatever there is to say of it.
    const owner = ownerOf(entry);
    if (owner !== undefined && owner !== key && isThere(owner, before) !== isThere(owner, after)) continue;
    const place = now?.path ?? after.get(owner ?? '')?.path ?? parentOf(key, after) ?? entry.path.slice(0, 1);
    const change = changeOf(key, { old, now, file: places.file, line: places.line(place) });
    // With other replicas the numbers mean something else.
    changes.push(!sameSeats && SEAT_KEYS.has(entry.rule) ? { ...change, class: 'restart' } : change);
  }
  return { changes };
}

function changeOf(
  key: string,
  { old, now, file, line }: { old: Entry | undefined; now: Entry | undefined; file: string; line: number },
): Change {
  const entry = (now ?? old)!;
  const rule = ruleFor(entry.rule);
  return {
    key,
    // A key that the table does not know is a mistake of ours; to restart is always right.
    class: rule?.class ?? 'restart',
    session: rule?.session === true || entry.rule === 'neighbors',
    old: old?.shown ?? null,
    new: now?.shown ?? null,
    file,
    line,
  };
}

/** The place of the nearest key around a key that is there no more. */
function parentOf(key: string, entries: ReadonlyMap<string, Entry>): readonly (string | number)[] | undefined {
  for (const [other, { path }] of entries) {
    const dot = key.lastIndexOf('.');
    if (dot > 0 && other.startsWith(key.slice(0, dot + 1))) return path.slice(0, -1);
  }
  return undefined;
}

/** The class that takes most; undefined without changes. */
export function heaviest({ changes }: ConfigDiff): ChangeClass | undefined {
  return CHANGE_CLASSES.findLast((one) => changes.some((change) => change.class === one));
}
