// The section defaults: of the configuration file: what all replicas accept from all neighbours, before any policy.
// The built-in lists are here with their reasons; how each daemon is told is configs/generate/.
import type { AcceptanceConfig, NextHopRule, PrefixRange } from '../model.js';
import { parsedPrefix, rangeOf } from '../parsers.js';
import { isExpected } from '../yaml-reader.js';
import type { MapReader } from '../yaml-reader.js';

export const NEXT_HOP_RULES: readonly NextHopRule[] = ['neighbor-address', 'as-received'];

/** FRR is told by a regular expression, whose repeat counts end at 255. */
const MAX_AS_PATH_LIMIT = 250;

/** Refused whatever the file says, because at least one daemon has no way to accept it (loopback, multicast, …). */
export const ALWAYS_REFUSED: readonly string[] = ['127.0.0.0/8', '224.0.0.0/4', '::/8', 'fe80::/10', 'ff00::/8'];

/** Not globally reachable (IANA special-purpose registries, RFC 6890): refused with everything more specific. */
export const STANDARD_MARTIANS: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '240.0.0.0/4',
  '100::/64',
  '2001:db8::/32',
  'fc00::/7',
  'fec0::/10',
];

/** Defaults that a neighbour can override. */
export interface AcceptanceDefaults {
  enforceFirstAs: boolean;
  nextHop: NextHopRule;
}

export function readAcceptance(root: MapReader): { acceptance: AcceptanceConfig; defaults: AcceptanceDefaults } {
  const reader = root.map('defaults');
  const martians = readMartians(reader);
  const acceptance: AcceptanceConfig = {
    martians: [...ALWAYS_REFUSED, ...martians].map((text) => rangeOf(text, true)).sort(byFamily),
    rejectDefaultRoute: reader.boolean('reject-default-route', true),
    maxAsPathLength: reader.integer('max-as-path-length', { min: 0, max: MAX_AS_PATH_LIMIT }, 0),
  };
  const defaults: AcceptanceDefaults = {
    enforceFirstAs: reader.boolean('enforce-first-as', true),
    nextHop: reader.oneOf('next-hop', NEXT_HOP_RULES, 'neighbor-address'),
  };
  reader.finish();
  return { acceptance, defaults };
}

const byFamily = (a: PrefixRange, b: PrefixRange): number => a.family - b.family;

/** `martians: standard | none`, or a list of prefixes in which `standard` may stand too. */
function readMartians(reader: MapReader): string[] {
  if (!reader.has('martians')) {
    reader.get('martians');
    return [...STANDARD_MARTIANS];
  }
  const prefixes = new Set<string>();
  for (const item of reader.list('martians')) {
    const entry = reader.parseItem(item, (text): readonly string[] | { expected: string } => {
      if (text === 'standard') return STANDARD_MARTIANS;
      if (text === 'none') return [];
      const parsed = parsedPrefix(text);
      if (isExpected(parsed)) return { expected: `standard, none or ${parsed.expected}` };
      return parsed.length === 0 ? { expected: 'a prefix longer than /0 (see reject-default-route)' } : [parsed.text];
    });
    for (const prefix of entry ?? []) if (!ALWAYS_REFUSED.includes(prefix)) prefixes.add(prefix);
  }
  return [...prefixes];
}
