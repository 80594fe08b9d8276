// Which patterns are shown, of those that there are. Owns the conditions that whoever collects patterns does not know.
import type { FaultPattern } from '../../hypervisor/explain/types.js';
import type { FaultsOptions } from '../commands/faults.js';
import { filterOf } from '../votes/filters.js';

/** Patterns that are shown unless somebody asks for more. */
export const DEFAULT_LIMIT = 20;

type Conditions = Pick<FaultsOptions, 'kind' | 'open'> & Parameters<typeof filterOf>[0];

/** Those that all conditions hold for. Throws UserError. */
export function chosen(patterns: readonly FaultPattern[], options: Conditions): FaultPattern[] {
  const { neighbor, from = -Infinity, to = Infinity } = filterOf(options);
  const kinds = options.kind?.flatMap((names) => names.split(','));
  return patterns.filter(
    ({ places, kind, cause, open, first, last }) =>
      (neighbor === undefined || places.includes(neighbor)) &&
      (kinds === undefined || kinds.includes(kind) || (cause !== null && kinds.includes(cause))) &&
      (!options.open || open) &&
      (open || Date.parse(last) >= from) &&
      Date.parse(first) <= to,
  );
}
