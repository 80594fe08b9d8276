// What an injected fault means for the votes on the forwarding table. Owns the translation only; the table's thread carries it out.
import type { FibInjection } from '../fib/protocol.js';
import type { InjectionRequest } from './types.js';

/** Undefined when the fault does not concern the forwarding table. `prefixes` undefined: all. Throws an Error for the user. */
export function fibInjectionOf(
  { kind, where, nextHop, delay, errno }: InjectionRequest,
  prefixes: readonly string[] | undefined,
  source: 'netlink' | 'tap' | 'none',
): FibInjection | undefined {
  const about = prefixes === undefined ? {} : { prefixes };
  const by = nextHop === undefined ? {} : { address: nextHop };
  // What a tap says is delayed with the replica's other sessions.
  if (kind === 'slow') return source === 'netlink' ? { kind: 'delay', ms: delay } : undefined;
  if (where === 'update') return undefined;
  if (source === 'none') {
    if (where === 'fib') throw new Error('this replica has no vote on the forwarding table (fib: none)');
    return undefined;
  }
  switch (kind) {
    case 'drop':
      return { kind: 'drop', ...about };
    case 'stale':
      return { kind: 'stale', ...about };
    case 'mute':
      return { kind: 'stale' };
    case 'wrong-nexthop':
      return { kind: 'gateway', ...by, ...about };
    case 'extra':
      return { kind: 'extra', ...by, prefixes: prefixes ?? [] };
    case 'refuse':
      if (source === 'tap') throw new Error('only the kernel of a replica that writes to one can refuse');
      return { kind: 'error', errno };
    default:
      return undefined;
  }
}
