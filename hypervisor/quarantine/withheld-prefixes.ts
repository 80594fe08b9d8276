// Which prefixes withheld messages are about, for the vote log: a prefix's story must not leave out that a replica was not told of it.
import type { Suspect } from '../../replicator/types.js';
import { NlriCursor, parseUpdate, UpdateView } from '../../wire/bgp/update.js';
import { FAMILIES, familyName } from '../../wire/family.js';
import { hex } from '../vote-records.js';

/** Prefixes that are listed; a death can have tens of thousands under way, and the main loop waits meanwhile. */
const LISTED = 2000;
/** As replicas get them: AS numbers of four bytes, any family. */
const RULES = { as4: true, ebgp: true, families: FAMILIES.reduce<number>((mask, family) => mask | (1 << family), 0) };

const view = new UpdateView();
const cursor = new NlriCursor();

/** Family to NLRI in hexadecimal of the first prefixes that the messages announce or withdraw. */
export function nlriOf(suspects: readonly Suspect[]): Record<string, string> {
  const texts: Record<string, string> = {};
  let left = LISTED;
  for (const { bytes } of suspects) {
    if (left <= 0) break;
    if (parseUpdate(bytes, 0, bytes.length, RULES, view).kind === 'reset') continue;
    for (let i = 0; i < view.sectionCount; i++) {
      const { start, end, family } = view.sections[i];
      let to = start;
      cursor.reset(bytes, start, end, family);
      while (left > 0 && cursor.next()) {
        to = cursor.at + ((cursor.bits + 7) >> 3);
        left--;
      }
      const name = familyName(family);
      texts[name] = (texts[name] ?? '') + hex(bytes.subarray(start, to));
    }
  }
  return texts;
}
