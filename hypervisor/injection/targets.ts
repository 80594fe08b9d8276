// What fault injection acts on, as seen from here: replicas, neighbours, the forwarding table and the logs. Types only; router.ts fills it in.
import type { UpdateVoter } from '../../voter/update-voter.js';
import type { AttributeTable } from '../../wire/attribute-table.js';
import type { PrefixTable } from '../../wire/prefix-table.js';
import type { FibRequest } from '../fib/protocol.js';

export interface InjectionTarget {
  readonly name: string;
  /** How its votes on the forwarding table come about. */
  readonly fib: 'netlink' | 'tap' | 'none';
  /** Undefined while no process runs. */
  pid(): number | undefined;
  /** Signals the process that speaks BGP, or (`all`) every process of it. False when none runs. */
  signal(signal: NodeJS.Signals, all: boolean): boolean;
  /** Its session to a neighbour is lost as if it had sent a NOTIFICATION. False when there is none that is up. */
  loseSession(neighbor: number, reason: string): boolean;
}

export interface InjectionTargets {
  replicas: readonly InjectionTarget[];
  /** Their addresses. */
  neighbors: readonly string[];
  prefixes: PrefixTable;
  attributes: AttributeTable;
  voter(n: number): UpdateVoter;
  /** Asks the forwarding table's thread; undefined where there is no table. */
  fib: ((request: FibRequest) => Promise<unknown>) | undefined;
  warn(text: string): void;
  /** A line for the vote log. */
  record(line: string): void;
}
