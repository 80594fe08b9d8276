// Words that explanations and verdicts share: routes, lists of names, times. Owns their wording only.
import type { DifferenceReport, RouteText } from './types.js';

/** `AS_PATH 65001; NEXT_HOP 10.0.0.1`, `no route`. */
export function routeWords(route: RouteText): string {
  if (route === null) return 'no route';
  const words = Object.entries(route).map(([name, text]) => (text === '' ? name : `${name} ${text}`));
  return words.length === 0 ? 'a route without attributes' : words.join('; ');
}

/** `NEXT_HOP 10.0.3.0 instead of 10.0.3.1; MED absent instead of 0; MED 77 instead of none`. */
export function diffWords(diff: readonly DifferenceReport[]): string {
  return diff
    .map(({ attribute, vote, majority }) => {
      if (vote === null) return `${attribute} absent instead of ${majority ?? ''}`;
      if (majority === null) return `${attribute} ${vote} instead of none`;
      return `${attribute} ${vote} instead of ${majority}`;
    })
    .join('; ');
}

/** `a`, `a and b`, `a, b and c`. */
export function listWords(names: readonly string[], and = 'and'): string {
  if (names.length <= 1) return names.join('');
  return `${names.slice(0, -1).join(', ')} ${and} ${names[names.length - 1]}`;
}

/** `2026-11-21 14:03:12Z`: always UTC, as the Z says. */
export function timeWords(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')}Z`;
}

/** `towards 10.0.0.2 and 10.0.1.2 and in the forwarding table`; empty for no place. */
export function placesWords(places: readonly string[]): string {
  const neighbors = places.filter((place) => place !== 'fib' && place !== '');
  const some = neighbors.length > 4 ? [...neighbors.slice(0, 3), `${neighbors.length - 3} more neighbours`] : neighbors;
  const parts = [
    ...(neighbors.length > 0 ? [`towards ${listWords(some)}`] : []),
    ...(places.includes('fib') ? ['in the forwarding table'] : []),
  ];
  return parts.join(' and ');
}

/** `one prefix`, `812 prefixes`, `12,345 prefixes`. */
export function countWords(count: number, one: string, many: string): string {
  return count === 1 ? `one ${one}` : `${count.toLocaleString('en-US')} ${many}`;
}

const RULES: Readonly<Record<string, string>> = {
  consensus: 'wait-for-consensus: all that it takes said so',
  majority: 'continuous-majority: more than half of those with a say',
  master: 'master-slave: what the master says',
  'stable-majority': 'settled by the majority of the votes that had become stable',
  overthrow: 'the master was overthrown, and its successor is followed',
  preferred: 'no majority: the preferred replica decides',
};

/** By which rule a verdict came about (voter/types.ts), for people. Undefined for `none` and what nobody knows. */
export function ruleWords(rule: string): string | undefined {
  return Object.hasOwn(RULES, rule) ? RULES[rule] : undefined;
}
