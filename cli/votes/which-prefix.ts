// Which prefix is meant by what was typed behind --explain: a prefix, or an address, which stands for the most specific prefix that covers it.
import { covers, parsePrefix } from '../../wire/prefix-text.js';
import type { BallotsAnswer } from '../../hypervisor/reports.js';
import type { SocketOptions } from '../control.js';
import { printNote } from '../output/print.js';
import { ask, parsePrefixOption } from './filters.js';

/** Canonical text. Of an address that nobody knows a prefix for: the host prefix. Throws UserError. */
export async function prefixToExplain(typed: string, options: SocketOptions): Promise<string> {
  const canonical = parsePrefixOption(typed);
  if (typed.includes('/')) return canonical;
  const question = { prefix: canonical, match: 'covering', state: 'all' };
  const { ballots } = await ask<BallotsAnswer>(options, 'votes', question);
  const found = mostSpecific(ballots.map(({ prefix }) => prefix));
  if (found === undefined) return canonical;
  if (found !== canonical) printNote(`${typed} lies in ${found}`);
  return found;
}

/** Of prefixes that all cover one address. */
export function mostSpecific(prefixes: readonly string[]): string | undefined {
  return prefixes.reduce<string | undefined>((best, text) => {
    const [known, one] = [best === undefined ? undefined : parsePrefix(best), parsePrefix(text)];
    if (one === undefined) return best;
    return known === undefined || covers(known, one) ? text : best;
  }, undefined);
}
