// The story in a few sentences: who lies and how, or that all agree; who announces the prefix; who is told; what the kernel has; who has no
// say. Owns the wording, for live state and logs alike.
import type { Accusation, BallotStory, Explanation, InputReport } from './types.js';
import { countWords, diffWords, listWords, placesWords, routeWords, timeWords } from './words.js';

type Facts = Omit<Explanation, 'summary' | 'history'>;

/** The most important sentence first. */
export function summaryOf(facts: Facts): string[] {
  const { accused, ballots, forwarding, inputs, replicas, source } = facts;
  return [
    ...ballots.filter(({ trouble }) => trouble !== null).map(troubleWords),
    ...accused.map((accusation) => accusationWords(accusation, source === 'log')),
    ...(accused.length === 0 ? agreementWords(facts) : []),
    ...inputWords(inputs),
    ...emissionWords(ballots),
    ...(forwarding === null ? [] : [capital(forwarding.text)]),
    ...replicas.flatMap(({ name, counts, reason }) =>
      counts || reason === null ? [] : [`${name} has no say here: ${reason}.`],
    ),
  ].map((sentence) => (sentence.endsWith('.') ? sentence : `${sentence}.`));
}

/** `bird says NEXT_HOP 10.0.3.0 instead of 10.0.3.1 towards 10.0.3.2 since …; frr and openbgpd agree and outvote it (finding #3)`. */
export function accusationWords(accusation: Accusation, past: boolean): string {
  const { replica, places, since, until, against, known, stable, finding } = accusation;
  const start = since === null ? '' : ` ${until === null ? 'since' : 'from'} ${timeWords(since)}`;
  const when = until === null ? start : `${start} until ${timeWords(until)}`;
  const where = places.length === 0 ? '' : ` ${placesWords(places)}`;
  const what = `${replica} ${deed(accusation)}${where}${when}`;
  const number = finding === null ? '' : ` (finding #${finding})`;
  if (known.length > 0)
    return `${what}. That is a known difference of this daemon (${known.join(', ')}) and no fault${number}`;
  if (!stable && until === null && !past)
    return `${what}. It may only be late: nobody is blamed before votes are stable`;
  const agree = against.length === 1 ? 'says otherwise and' : 'agree and';
  return `${what}${against.length === 0 ? '; it is outvoted' : `; ${listWords(against)} ${agree} outvote${against.length === 1 ? 's' : ''} it`}${number}`;
}

function deed({ kind, diff, vote, majority }: Accusation): string {
  if (kind === 'missing') return `has no route where the majority has one (${routeWords(majority)})`;
  if (kind === 'extra') return `has a route where the majority has none (${routeWords(vote)})`;
  if (diff.length > 0) return `says ${diffWords(diff)}`;
  return `says ${routeWords(vote)} instead of ${routeWords(majority)}`;
}

function troubleWords({ neighbor, trouble, votes }: BallotStory): string {
  if (trouble === 'oscillating') {
    return `The votes towards ${neighbor} do not come to rest: no fault is looked for while that lasts`;
  }
  const say = votes
    .filter(({ counts }) => counts)
    .map(({ replica, attributes }) => `${replica}: ${routeWords(attributes)}`);
  return `Nobody has a majority towards ${neighbor} although all votes are stable, so the verdict stays as it is. ${say.join('. ')}`;
}

function agreementWords({ ballots, forwarding, source }: Facts): string[] {
  if (source === 'log') return [];
  const voters = new Set(ballots.flatMap((ballot) => ballot.voters));
  if (voters.size === 0) return ['No replica votes on it now'];
  if (ballots.some(({ trouble }) => trouble !== null)) return [];
  const names = listWords([...voters]);
  const all = voters.size === 1 ? `Only ${names} has a say: nobody contradicts it` : `All with a say (${names}) agree`;
  return [`${all}, towards every neighbour${forwarding === null ? '' : ' and in the forwarding table'}`];
}

function inputWords(inputs: readonly InputReport[]): string[] {
  const by = (state: InputReport['state']): string[] =>
    inputs.filter((input) => input.state === state).map(({ neighbor }) => neighbor);
  const announced = by('announced');
  const sentences: string[] = [];
  if (announced.length > 0) sentences.push(`It is announced by ${listWords(announced)}`);
  else if (inputs.some(({ state }) => state !== 'unknown')) sentences.push('No neighbour announces it now');
  for (const { neighbor, state, since, reason } of inputs) {
    if (state !== 'treated-as-withdrawn') continue;
    const when = since === null ? '' : ` at ${timeWords(since)}`;
    sentences.push(`What ${neighbor} sent${when} is treated as a withdrawal (RFC 7606): ${reason ?? ''}`);
  }
  return sentences;
}

function emissionWords(ballots: readonly BallotStory[]): string[] {
  const given = ballots.filter(({ emission }) => emission.state === 'advertised').map(({ neighbor }) => neighbor);
  const told = given.filter((place) => place !== 'fib');
  const sentences = told.length === 0 ? [] : [`The verdict is advertised to ${listWords(told)}`];
  if (given.length > told.length) sentences.push('The verdict went to the kernel');
  for (const { neighbor, emission } of ballots) {
    if (!['gated', 'oversized', 'family', 'pending'].includes(emission.state)) continue;
    sentences.push(`${neighbor} is told ${emission.text}`);
  }
  const loops = ballots.filter(({ emission }) => emission.state === 'loop').length;
  if (loops > 0 && told.length === 0) {
    sentences.push(
      `It goes to nobody: ${countWords(loops, 'neighbour is', 'neighbours are')} in its path, or its origin`,
    );
  }
  return sentences;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
