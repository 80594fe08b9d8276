// Finds the prefixes that no voter is given because of the quarantine, and what of it is released for them as a last resort. Reads the
// router's state; who gets what, and when, is last-resort.ts.
import type { RouterContext } from '../context.js';
import { LastResort } from './last-resort.js';

/** Prefixes looked at in one turn of the main loop. */
const MAX_PREFIXES = 20_000;

export class Uncarried {
  private readonly context: Pick<RouterContext, 'replicator' | 'tables' | 'electorate' | 'abstentions'>;
  private readonly mayGo: (id: number) => boolean;
  private readonly lastResort = new LastResort();

  /** `mayGo`: whether nothing speaks against an entry. */
  constructor(context: Uncarried['context'], mayGo: Uncarried['mayGo']) {
    this.context = context;
    this.mayGo = mayGo;
  }

  /** The entries that are to be released now. */
  due(now: number): number[] {
    const { electorate, abstentions, tables } = this.context;
    const members = electorate.succession;
    const released = new Set<number>();
    for (const prefix of abstentions.common(members, MAX_PREFIXES)) {
      const holders = members.map((r) => this.context.replicator.withholding.entriesOn(r, prefix));
      // With what is released for another prefix somebody may get this one, too.
      if (holders.some((entries) => entries.length > 0 && entries.every(({ id }) => released.has(id)))) continue;
      const willing = holders.filter((entries) => entries.length > 0 && entries.every(({ id }) => this.mayGo(id)));
      if (willing.length === 0) continue;
      for (const { id } of this.lastResort.give(tables.prefixes.format(prefix), willing, now)) released.add(id);
    }
    return [...released];
  }
}
