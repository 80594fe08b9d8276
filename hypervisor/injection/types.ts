// The words of fault injection: what can be injected, what is asked for, and what is told of it. Shown by `btr inject list`.
import { VOTE_FAULT_KINDS, type VoteFaultKind } from '../../voter/vote-faults.js';

/**
 * refuse: its kernel refuses its route writes. slow: what it sends arrives late. hang: it is stopped. crash: it is killed by a signal.
 * reset: its session to a neighbour is lost.
 */
export const INJECTION_KINDS = [...VOTE_FAULT_KINDS, 'refuse', 'slow', 'hang', 'crash', 'reset'] as const;
export type InjectionKind = (typeof INJECTION_KINDS)[number];

/** Faults of what a replica says, not of its process. */
export function isVoteFault(kind: InjectionKind): kind is VoteFaultKind {
  return (VOTE_FAULT_KINDS as readonly string[]).includes(kind);
}

/** Which votes: those on what neighbours are told, those on the forwarding table, or both. */
export const INJECTION_PLACES = ['update', 'fib', 'both'] as const;
export type InjectionPlace = (typeof INJECTION_PLACES)[number];

/** Which prefixes: these, so many of its own at random, this share of its own at random, or all that it has and will have. */
export type PrefixChoice =
  | { how: 'named'; prefixes: readonly string[] }
  | { how: 'count'; count: number }
  | { how: 'share'; share: number }
  | { how: 'all' };

export interface InjectionRequest {
  /** Index. */
  replica: number;
  kind: InjectionKind;
  where: InjectionPlace;
  prefixes: PrefixChoice;
  /** Index; undefined: all neighbours (`reset`: one at random). */
  neighbor: number | undefined;
  /** Ms; undefined: until it is cleared. */
  duration: number | undefined;
  /** Goes on when the replica starts anew. */
  sticky: boolean;
  /** wrong-nexthop, extra in the forwarding table: the address that is named instead. */
  nextHop: string | undefined;
  /** wrong-attribute: the MED. */
  med: number | undefined;
  /** slow: ms. */
  delay: number;
  /** crash. */
  signal: NodeJS.Signals;
  /** refuse. */
  errno: string;
}

export interface RandomRequest {
  /** Ms. */
  meanInterval: number;
  meanDuration: number;
  kinds: readonly InjectionKind[];
  replicas: readonly number[];
  seed: number;
  where: InjectionPlace;
  prefixes: PrefixChoice;
  /** Ms; undefined: until it is cleared. */
  duration: number | undefined;
  sticky: boolean;
  delay: number;
}

/** A fault that is in force now, or the source of random ones (`kind: random`). */
export interface InjectionReport {
  id: number;
  /** Null for the source of random ones. */
  replica: string | null;
  kind: InjectionKind | 'random';
  where: InjectionPlace | null;
  /** The first of them. */
  prefixes: string[];
  /** How many prefixes; null: all, or it is not about prefixes. */
  prefixCount: number | null;
  neighbor: string | null;
  /** ISO 8601; `until` null: until it is cleared. */
  since: string;
  until: string | null;
  sticky: boolean;
  /** Who asked: an operator, or the source of random faults with this id. */
  source: 'operator' | number;
  /** More in words. */
  detail: string;
}

/** The answer to a request. */
export interface InjectionAnswer {
  injections: InjectionReport[];
  /** Faults that were over at once (crash, reset), and what was done. */
  done: string | null;
}
