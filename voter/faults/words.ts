// Findings for people: what a replica does wrong, where, and in what an example differs. Owns the wording of logs and answers.
import { describeAttributes, diffAttributes } from '../../wire/bgp/describe.js';
import type { Finding, FindingExample, FindingKind } from './types.js';

const DEEDS: Record<Exclude<FindingKind, 'system'>, string> = {
  extra: 'has routes that the majority has not',
  missing: 'lacks routes that the majority has',
  different: 'has other routes than the majority',
  'known-difference': 'differs from the majority as is known of it',
};

/** Prefixes that a sentence names. */
const NAMED = 3;

/** `has other routes than the majority for 3 prefixes (192.0.2.0/24, …) towards 10.0.0.2: MULTI_EXIT_DISC 50, majority 10`. */
export function describeFinding(finding: Finding, place: string): string {
  const { kind, text, samples, prefixes, example } = finding;
  if (kind === 'system') return text;
  const number = finding.open ? prefixes : finding.total;
  const named = samples.slice(0, NAMED).join(', ') + (number > Math.min(NAMED, samples.length) ? ', …' : '');
  const what = `${DEEDS[kind]} for ${number === 1 ? 'one prefix' : `${number} prefixes`} (${named}) ${place}`;
  const difference = example && describeExample(example);
  return [what, text === '' ? difference : text].filter((part) => part !== undefined && part !== '').join(': ');
}

/** In what the vote of an example differs: `COMMUNITIES 65000:666, majority 65000:1`. */
export function describeExample({ vote, majority }: FindingExample): string {
  if (typeof vote === 'string' || typeof majority === 'string')
    return `${text(vote) ?? 'no route'}, majority ${text(majority) ?? 'no route'}`;
  if (vote !== null && majority !== null) {
    const lines = diffAttributes(majority, vote).map(
      ({ attribute, left, right }) => `${attribute} ${right ?? '(none)'}, majority ${left ?? '(none)'}`,
    );
    return lines.join('; ');
  }
  return text(vote ?? majority) ?? '';
}

function text(route: Uint8Array | string | null): string | undefined {
  if (route === null || typeof route === 'string') return route ?? undefined;
  return describeAttributes(route)
    .map(({ name, text: value }) => `${name} ${value}`)
    .join('; ');
}
