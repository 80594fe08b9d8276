// Whether a record is wanted: a filter made ready to be asked often. The one definition of what a filter means; an index only proposes.
import { parsePrefix, type Prefix } from '../wire/prefix-text.js';
import { LogError } from './errors.js';
import { forEachAs, forEachPrefix, neighborOf, replicasOf, timeOf } from './facts.js';
import type { LogFilter, LogRecord, PrefixMatch } from './types.js';

export class Matcher {
  readonly filter: LogFilter;
  /** What is asked for, undefined for any. */
  readonly prefix: Prefix | undefined;
  readonly match: PrefixMatch;
  readonly kinds: ReadonlySet<string> | undefined;

  /** Throws LogError when the filter names no prefix where it should. */
  constructor(filter: LogFilter) {
    this.filter = filter;
    this.match = filter.match ?? 'exact';
    this.kinds = filter.kinds === undefined ? undefined : new Set(filter.kinds);
    if (filter.prefix === undefined) return;
    this.prefix = parsePrefix(filter.prefix);
    if (this.prefix === undefined) throw new LogError(`not a prefix: ${filter.prefix}`);
  }

  matches(record: LogRecord): boolean {
    const { replica, neighbor, as, from, to } = this.filter;
    if (this.kinds !== undefined && !this.kinds.has(record.kind)) return false;
    const at = timeOf(record);
    if (from !== undefined && at < from) return false;
    if (to !== undefined && at > to) return false;
    if (neighbor !== undefined && neighborOf(record) !== neighbor) return false;
    if (replica !== undefined && !replicasOf(record).includes(replica)) return false;
    if (as !== undefined && !hasAs(record, as)) return false;
    return this.prefix === undefined || this.hasPrefix(record, this.prefix);
  }

  private hasPrefix(record: LogRecord, wanted: Prefix): boolean {
    let found = false;
    forEachPrefix(record, (family, bytes, at, bits) => {
      found ||= family === wanted.family && relates(this.match, wanted, bytes, at, bits);
    });
    return found;
  }
}

/** Whether the prefix of `bits` bits at `at` is the wanted one, lies in it, or has it inside. */
function relates(match: PrefixMatch, wanted: Prefix, bytes: Uint8Array, at: number, bits: number): boolean {
  if (match === 'exact' ? bits !== wanted.bits : match === 'covered' ? bits < wanted.bits : bits > wanted.bits)
    return false;
  return sameBits(wanted.address, bytes, at, Math.min(bits, wanted.bits));
}

function sameBits(left: Uint8Array, right: Uint8Array, at: number, bits: number): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (left[i] !== right[at + i]) return false;
  const rest = bits & 7;
  return rest === 0 || ((left[whole] ^ right[at + whole]) & (0xff00 >> rest) & 0xff) === 0;
}

function hasAs(record: LogRecord, wanted: number): boolean {
  let found = false;
  forEachAs(record, (as) => void (found ||= as === wanted));
  return found;
}
