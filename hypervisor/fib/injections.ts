// Faults that an operator or a test puts between a replica and the forwarding table's votes: from their spelling on the control socket
// (protocol.ts) to what the engine does. Owns the checks; altering votes is fib/vote-faults.ts, refusing writes fib/virtual-kernel/.
import os from 'node:os';
import type { FibEngine } from '../../fib/engine.js';
import { MAX_HOPS_LENGTH } from '../../fib/next-hops.js';
import type { VoteFault } from '../../fib/vote-faults.js';
import type { Refusal } from '../../fib/virtual-kernel/types.js';
import { IPV4_UNICAST, IPV6_UNICAST } from '../../wire/family.js';
import { parseAddress } from '../../wire/ip.js';
import { RTN_BLACKHOLE } from '../../wire/netlink/constants.js';

/** Prefixes of one fault; for more there is the fault that concerns all. */
const MAX_PREFIXES = 100_000;
const MAX_DELAY_MS = 600_000;

export type ParsedInjection = { refusal: Refusal } | { fault: VoteFault };

/** Throws an Error for the user. */
export function parseInjection(value: unknown, engine: FibEngine): ParsedInjection {
  const fields = (value ?? {}) as Record<string, unknown>;
  const { kind } = fields;
  switch (kind) {
    case 'error':
      return {
        refusal: { errno: errnoOf(fields.errno), ...prefixOf(fields.prefix, engine), ...everyOf(fields.every) },
      };
    case 'drop':
    case 'stale':
      return { fault: { kind, ...prefixesOf(fields.prefixes, engine) } };
    case 'gateway':
      return { fault: { kind, ...addressOf(fields.address), ...prefixesOf(fields.prefixes, engine) } };
    case 'extra': {
      const { prefixes } = prefixesOf(fields.prefixes, engine);
      if (prefixes === undefined) throw new Error('routes that are made up need "prefixes"');
      return { fault: { kind, hops: hopsTo(addressOf(fields.address).address, engine), prefixes } };
    }
    case 'delay':
      return { fault: { kind, ms: delayOf(fields.ms) } };
    default:
      throw new Error('an injection has a "kind": drop, stale, gateway, extra, delay or error');
  }
}

function prefixOf(value: unknown, engine: FibEngine): { prefix?: number } {
  return value === undefined ? {} : { prefix: prefixId(value, engine) };
}

function prefixesOf(value: unknown, engine: FibEngine): { prefixes?: ReadonlySet<number> } {
  if (value === undefined) return {};
  if (!Array.isArray(value) || value.length === 0) throw new Error('"prefixes" is a list of prefixes');
  if (value.length > MAX_PREFIXES) throw new Error(`more than ${MAX_PREFIXES} prefixes: leave them out to mean all`);
  return { prefixes: new Set(value.map((each) => prefixId(each, engine))) };
}

function prefixId(value: unknown, engine: FibEngine): number {
  const prefix = engine.prefixes.parse(String(value));
  if (prefix === 0) throw new Error(`"${String(value)}" is no prefix`);
  return prefix;
}

function addressOf(value: unknown): { address?: Uint8Array } {
  if (value === undefined) return {};
  const address = parseAddress(String(value));
  if (address === undefined) throw new Error(`"${String(value)}" is no IP address`);
  return { address };
}

/** By which next hops the kernel reaches an address, as an id; without one, a set that discards. */
function hopsTo(address: Uint8Array | undefined, engine: FibEngine): number {
  if (address === undefined) return engine.hops.intern(Uint8Array.of(RTN_BLACKHOLE, 0), 0, 2);
  const out = new Uint8Array(MAX_HOPS_LENGTH);
  const length = engine.resolver.resolve(address.length === 4 ? IPV4_UNICAST : IPV6_UNICAST, address, out);
  if (length === 0) throw new Error('the address for the routes that are made up is not reachable');
  return engine.hops.intern(out, 0, length);
}

function delayOf(value: unknown): number {
  if (typeof value !== 'number' || !(value >= 1 && value <= MAX_DELAY_MS))
    throw new Error(`"ms" is a number from 1 to ${MAX_DELAY_MS}`);
  return value;
}

function errnoOf(value: unknown): number {
  const errno = typeof value === 'number' ? value : (os.constants.errno as Record<string, number>)[String(value)];
  if (errno === undefined || !(errno > 0 && errno < 4096)) throw new Error(`"${String(value)}" is no errno`);
  return errno;
}

function everyOf(value: unknown): { every?: number } {
  if (value === undefined) return {};
  if (typeof value !== 'number' || !(value >= 1)) throw new Error('"every" is a number from 1');
  return { every: value };
}
