// What is asked for on the control socket, read and checked: every mistake is an Error for the user. Owns the names of the parameters and
// their limits; what is done with a request is the desk's.
import os from 'node:os';
import { parseAddress } from '../../wire/ip.js';
import { parsePrefix } from '../../wire/prefix-text.js';
import {
  INJECTION_KINDS,
  INJECTION_PLACES,
  type InjectionKind,
  type InjectionPlace,
  type InjectionRequest,
  type PrefixChoice,
  type RandomRequest,
} from './types.js';

/** Prefixes that one injection may name or draw. */
export const MAX_PREFIXES = 100_000;
/** Longest time of any sort, ms: a week. */
const MAX_MS = 7 * 86_400_000;
/** Between random faults and as their duration, at least, ms. */
const MIN_MEAN_MS = 10;
const DEFAULT_DELAY_MS = 200;

type Params = Record<string, unknown>;

/** Names in the order of their indices. */
export interface Names {
  replicas: readonly string[];
  neighbors: readonly string[];
}

/** Throws an Error for the user. */
export function parseInjectionRequest(params: Params, names: Names): InjectionRequest {
  const kind = oneOf(params, 'kind', INJECTION_KINDS);
  const { neighbor } = params;
  const request: InjectionRequest = {
    replica: indexOf('replica', params.replica, names.replicas),
    kind,
    where: placeOf(params, kind),
    prefixes: choiceOf(params, kind),
    neighbor: neighbor === undefined ? undefined : indexOf('neighbour', neighbor, names.neighbors),
    duration: number(params, 'for', 1, MAX_MS),
    sticky: params.sticky === true,
    nextHop: addressOf(params, 'nextHop'),
    med: number(params, 'med', 0, 0xffffffff),
    delay: number(params, 'delay', 1, MAX_MS) ?? DEFAULT_DELAY_MS,
    signal: signalOf(params.signal),
    errno: errnoOf(params.errno),
  };
  if (kind === 'extra' && request.prefixes.how !== 'named')
    throw new Error('"extra" needs the prefixes that are to be announced');
  return request;
}

/** Throws an Error for the user. */
export function parseRandomRequest(params: Params, names: Names): RandomRequest {
  const { kinds = DEFAULT_RANDOM_KINDS, replicas = names.replicas } = params;
  const mean = (name: string): number => {
    const value = number(params, name, MIN_MEAN_MS, MAX_MS);
    if (value === undefined) throw new Error(`"${name}" is missing (ms)`);
    return value;
  };
  return {
    meanInterval: mean('meanInterval'),
    meanDuration: mean('meanDuration'),
    kinds: list('kinds', kinds).map((kind) => oneOf({ kind }, 'kind', RANDOM_KINDS)),
    replicas: list('replicas', replicas).map((name) => indexOf('replica', name, names.replicas)),
    seed: number(params, 'seed', 0, 0xffffffff) ?? 1,
    where: oneOf({ where: 'both', ...params }, 'where', INJECTION_PLACES),
    prefixes: choiceOf(params, 'drop'),
    duration: number(params, 'for', 1, MAX_MS),
    sticky: params.sticky === true,
    delay: number(params, 'delay', 1, MAX_MS) ?? DEFAULT_DELAY_MS,
  };
}

/** What the evaluation in the literature does: updates are lost, made up, or have another next hop. */
export const DEFAULT_RANDOM_KINDS: readonly InjectionKind[] = ['drop', 'extra', 'wrong-nexthop'];
const RANDOM_KINDS = INJECTION_KINDS.filter((kind) => kind !== 'refuse');

const UPDATE_ONLY: readonly InjectionKind[] = ['wrong-attribute'];

function placeOf(params: Params, kind: InjectionKind): InjectionPlace {
  const where = oneOf({ where: 'both', ...params }, 'where', INJECTION_PLACES);
  if (UPDATE_ONLY.includes(kind) && where === 'fib')
    throw new Error(`"${kind}" does not concern the forwarding table: it has next hops only`);
  if (kind === 'refuse' && where === 'update') throw new Error('"refuse" concerns the forwarding table only');
  return where;
}

function choiceOf(params: Params, kind: InjectionKind): PrefixChoice {
  const { prefixes, all } = params;
  const count = number(params, 'count', 1, MAX_PREFIXES);
  const share = number(params, 'share', 0, 1);
  const given = [prefixes, count, share, all].filter((value) => value !== undefined).length;
  if (given > 1) throw new Error('say which prefixes in one way only: by name, count, share, or all');
  if (prefixes !== undefined) return { how: 'named', prefixes: prefixesOf(prefixes) };
  if (all === true || kind === 'mute' || kind === 'refuse') return { how: 'all' };
  if (share !== undefined) return { how: 'share', share };
  return { how: 'count', count: count ?? 1 };
}

function prefixesOf(value: unknown): string[] {
  const prefixes = list('prefixes', value);
  if (prefixes.length > MAX_PREFIXES) throw new Error(`one injection may name ${MAX_PREFIXES} prefixes`);
  for (const text of prefixes) {
    if (parsePrefix(text) === undefined) throw new Error(`"${text}" is no prefix (say 192.0.2.0/24)`);
  }
  return prefixes;
}

function list(name: string, value: unknown): string[] {
  if (!Array.isArray(value) || value.length === 0) throw new Error(`"${name}" is a list that is not empty`);
  return value.map(String);
}

function oneOf<T extends string>(params: Params, name: string, words: readonly T[]): T {
  const word = words.find((one) => one === params[name]);
  if (word !== undefined) return word;
  const what = params[name] === undefined ? `"${name}" is missing` : `"${String(params[name])}" is no ${name}`;
  throw new Error(`${what}; there are: ${words.join(', ')}`);
}

function indexOf(what: string, name: unknown, names: readonly string[]): number {
  const index = names.indexOf(String(name));
  if (index < 0) throw new Error(`there is no ${what} "${String(name)}"; there are: ${names.join(', ')}`);
  return index;
}

function number(params: Params, name: string, least: number, most: number): number | undefined {
  const value = params[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !(value >= least && value <= most))
    throw new Error(`"${name}" is a number from ${least} to ${most}`);
  return value;
}

function addressOf(params: Params, name: string): string | undefined {
  const value = params[name];
  if (value === undefined) return undefined;
  if (parseAddress(String(value)) === undefined) throw new Error(`"${String(value)}" is no IP address`);
  return String(value);
}

function signalOf(value: unknown): NodeJS.Signals {
  if (value === undefined) return 'SIGSEGV';
  const name = String(value)
    .toUpperCase()
    .replace(/^(?!SIG)/, 'SIG');
  if (!(name in os.constants.signals)) throw new Error(`"${String(value)}" is no signal`);
  return name as NodeJS.Signals;
}

function errnoOf(value: unknown): string {
  if (value === undefined) return 'ENOBUFS';
  if (!(String(value) in os.constants.errno)) throw new Error(`"${String(value)}" is no errno`);
  return String(value);
}
