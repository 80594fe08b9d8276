// Faults that an operator or a test puts into a replica's virtual kernel, as they are spelled on the control socket.
import os from 'node:os';
import type { FibEngine } from '../../fib/engine.js';
import type { Injection } from '../../fib/virtual-kernel/types.js';
import { parseAddress } from '../../wire/ip.js';

/** Throws an Error for the user. null ends the injection. */
export function parseInjection(value: unknown, engine: FibEngine): Injection | undefined {
  if (value === null || value === undefined) return undefined;
  const fields = value as Record<string, unknown>;
  const prefix = prefixOf(fields.prefix, engine);
  switch (fields.kind) {
    case 'error':
      return { kind: 'error', errno: errnoOf(fields.errno), ...prefix, ...everyOf(fields.every) };
    case 'gateway': {
      const address = String(fields.address);
      if (parseAddress(address) === undefined) throw new Error(`"${address}" is no IP address`);
      return { kind: 'gateway', address, ...prefix };
    }
    case 'drop':
      return { kind: 'drop', ...prefix };
    default:
      throw new Error('an injection has a "kind": error, gateway or drop');
  }
}

function prefixOf(value: unknown, engine: FibEngine): { prefix?: number } {
  if (value === undefined) return {};
  const prefix = engine.prefixes.parse(String(value));
  if (prefix === 0) throw new Error(`"${String(value)}" is no prefix`);
  return { prefix };
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
