// What is said of a pattern: one sentence that names the culprit, the prefixes, the difference and since when; what to do about it; and
// which pattern comes first. Owns the wording and the order; changes nothing.
import type { FaultPattern, PatternChange, ValueSummary } from '../types.js';
import { countWords, listWords, placesWords, timeWords } from '../words.js';

type Bare = Omit<FaultPattern, 'text' | 'advice' | 'commands'>;

const CAUSES: Readonly<Record<string, string>> = {
  crash: 'crashed',
  killed: 'was killed',
  session: 'closed a session',
  notification: 'sent a NOTIFICATION',
  hang: 'hung',
  stopped: 'was stopped',
  unanswered: 'did not take a session',
  'broken-update': 'sent a broken UPDATE',
  kernel: 'did not read from its kernel',
  start: 'could not be started',
};
/** System events that a message can cause: then messages are quarantined. */
const BY_INPUT: ReadonlySet<string> = new Set(['crash', 'session', 'notification', 'hang', 'broken-update']);

/**
 * Open faults first, then faults that are over, then known differences. Of the open ones replicas that are gone, then more prefixes, what
 * neighbours are told before the forwarding table; of the others the latest.
 */
export function rank({ pattern: a }: { pattern: Bare }, { pattern: b }: { pattern: Bare }): number {
  const inTable = ({ places }: Bare): number => (places.includes('fib') ? 1 : 0);
  const heavier = weight(b) - weight(a);
  if (heavier !== 0) return heavier;
  const larger = a.open ? size(b) - size(a) || inTable(a) - inTable(b) : 0;
  return larger || order(b, a) || inTable(a) - inTable(b);
}

function weight({ kind, open }: Bare): number {
  const fault = kind === 'known-difference' ? 0 : 2;
  return fault + (open ? 1 : 0) + (kind === 'system' && open ? 1 : 0);
}

const size = ({ prefixes, count, kind }: Bare): number => (kind === 'system' ? count : prefixes);
const order = (a: Bare, b: Bare): number => (a.last === b.last ? 0 : a.last > b.last ? 1 : -1);

/** `frr differs from bird and openbgpd on 812 prefixes since 2026-11-21 14:03:12Z, always MED absent instead of 0`. */
export function sentence(pattern: Bare, reason: string): string {
  if (pattern.kind === 'system') return systemSentence(pattern, reason);
  const { replica, open, places, changes } = pattern;
  const parts = [`${replica} ${deed(pattern)} ${amount(pattern)}`];
  if (places.includes('fib')) parts.push(' in the forwarding table');
  parts.push(
    open ? ` since ${timeWords(pattern.first)}` : ` from ${timeWords(pattern.first)} to ${timeWords(pattern.last)}`,
  );
  if (changes.length > 0) parts.push(`, ${howOften(pattern)}${changes.map(changeWords).join(', ')}`);
  if (pattern.known.length > 0) parts.push(` (known of it: ${pattern.known.join(', ')})`);
  return parts.join('');
}

function deed({ kind, open, against, examples }: Bare): string {
  const others = against.length > 0 ? listWords(against) : 'the majority';
  const have = against.length > 1 ? (open ? 'have' : 'had') : open ? 'has' : 'had';
  const [example] = examples;
  const missing = kind === 'missing' || (kind === 'known-difference' && example?.vote === null);
  const extra = kind === 'extra' || (kind === 'known-difference' && example?.majority === null);
  if (missing) return `${open ? 'lacks' : 'lacked'} routes that ${others} ${have}, for`;
  if (extra) return `${open ? 'has' : 'had'} routes that ${others} ${have} not, for`;
  return `${open ? 'differs' : 'differed'} from ${others} on`;
}

function amount({ prefixes, atLeast }: Bare): string {
  return `${atLeast ? 'at least ' : ''}${countWords(prefixes, 'prefix', 'prefixes')}`;
}

/** Whether all prefixes have the same values on both sides, or only some of the values are known. */
function howOften({ prefixes, changes }: Bare): string {
  const sides = changes.flatMap(({ vote, majority }) => [vote, majority]);
  if (sides.some(({ more }) => more)) return 'for instance ';
  return prefixes > 1 && sides.every(({ values }) => values.length <= 1) ? 'always ' : '';
}

/** `MED absent instead of 0`. */
export function changeWords({ attribute, how, vote, majority }: PatternChange): string {
  const [said, expected] = [valueWords(vote), valueWords(majority)];
  switch (how) {
    case 'absent':
      return `${attribute} absent instead of ${expected}`;
    case 'added':
      return `${attribute} ${said} instead of none`;
    case 'adds':
      return `${attribute} with ${said} added`;
    case 'lacks':
      return `${attribute} without ${expected}`;
    case 'swaps':
      return `${attribute} with ${said} in place of ${expected}`;
    case 'longer':
      return `${attribute} with ${said} inserted`;
    case 'shorter':
      return `${attribute} without ${expected}`;
    case 'other':
      return `${attribute} ${said} instead of ${expected}`;
  }
}

function valueWords({ values, more }: ValueSummary): string {
  if (values.length === 0) return 'nothing';
  const named = values.map((value) => (value === '' ? '(empty)' : value));
  return more ? named[0] : listWords(named, 'or');
}

function systemSentence({ replica, cause, count, open, first, last, places }: Bare, reason: string): string {
  const what = CAUSES[cause ?? ''] ?? 'failed';
  const times =
    count === 1 ? `at ${timeWords(last)}` : `${count} times since ${timeWords(first)}, last at ${timeWords(last)}`;
  const where = places.length > 0 && cause === 'notification' ? ` ${placesWords(places)}` : '';
  const state = open ? ', and has not voted since' : '';
  return `${replica} ${what}${where} ${times}${state}${reason === '' ? '' : `: ${reason}`}`;
}

/** What to do, and commands that begin with it. `source`: an option that makes them look at the same log. */
export function adviceOn(pattern: Bare, source: string): Pick<FaultPattern, 'advice' | 'commands'> {
  const { replica, kind, cause, open, examples } = pattern;
  const explain = examples.slice(0, 1).map(({ prefix }) => `btr votes --explain ${prefix}${source}`);
  const restart = `btr replica restart ${replica}`;
  if (kind === 'system') {
    const { advice, commands } = systemAdvice(replica, cause ?? '', open, restart);
    // What a log tells of may be another machine, or long ago.
    return {
      advice,
      commands: source === '' ? commands : [`btr votes --kind replica,quarantine --replica ${replica}${source}`],
    };
  }
  if (kind === 'known-difference') {
    return {
      advice: 'nothing to do: released versions of this daemon are like that; it is outvoted (docs/faults.md)',
      commands: explain,
    };
  }
  if (!open) return { advice: 'nothing to do now', commands: explain };
  return {
    advice:
      'it is outvoted: neighbours and kernel have what the majority says. The router acts on what lasts (a restart, or no say on these ' +
      'prefixes); if it comes back, report it to the authors of the daemon',
    commands: source === '' ? [...explain, restart] : explain,
  };
}

function systemAdvice(
  replica: string,
  cause: string,
  open: boolean,
  restart: string,
): Pick<FaultPattern, 'advice' | 'commands'> {
  const lives = 'btr replica list';
  if (BY_INPUT.has(cause)) {
    const state = open ? 'it is being restarted' : 'it votes again';
    return {
      advice: `${state}; messages that it may have died of are withheld from it and tried: look whether any is convicted`,
      commands: [`btr quarantine list --replica ${replica}`, lives],
    };
  }
  if (cause === 'killed') {
    return {
      advice: 'somebody or something killed it (an operator, the kernel when memory ran out)',
      commands: [lives],
    };
  }
  return {
    advice: "see the reason, and the daemon's own log in its run directory",
    commands: open ? [lives, restart] : [lives],
  };
}
