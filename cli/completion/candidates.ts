// What can stand at the end of a command line that is being typed: verbs, options, values. Owns the reading of the words; names that only a
// running hypervisor knows are asked for by a function. Pure but for that.
import type { OptionDefinition, PositionalDefinition, VerbDefinition } from '../manual/definition.js';

export interface Candidate {
  word: string;
  /** For shells that show it. */
  describe: string;
}

export interface Candidates {
  words: Candidate[];
  /** The shell is to offer files. */
  files: boolean;
}

export type NameKind = 'replica' | 'neighbor' | 'quarantined';
/** Names that the running hypervisor knows; `socket` if one was typed. Resolves with none where it does not answer. */
export type AskNames = (kind: NameKind, socket: string | undefined) => Promise<Candidate[]>;

const FILES: ReadonlySet<string> = new Set([
  ...['config', 'file', 'files', 'socket', 'log', 'directory', 'run-directory', 'output', 'rib'],
]);
const NAMES: Readonly<Record<string, NameKind>> = {
  replica: 'replica',
  replicas: 'replica',
  name: 'replica',
  print: 'replica',
  neighbor: 'neighbor',
};
const GLOBAL: readonly OptionDefinition[] = [
  flag('help', 'show what a command takes', ['h']),
  flag('version', 'show the version'),
];

function flag(name: string, describe: string, aliases: string[] = []): OptionDefinition {
  return { name, aliases, type: 'boolean', choices: [], describe, default: undefined, demanded: false };
}

interface Read {
  verb: VerbDefinition | undefined;
  options: readonly OptionDefinition[];
  /** Options that are there already. */
  used: ReadonlySet<OptionDefinition>;
  /** Words that are neither verbs nor options. */
  places: number;
  /** The value of this one is being typed. */
  pending: OptionDefinition | undefined;
  socket: string | undefined;
}

/** `words`: what stands behind `btr`, the last one (perhaps empty) being the one that is typed. */
export async function candidates(
  verbs: readonly VerbDefinition[],
  words: readonly string[],
  ask: AskNames,
): Promise<Candidates> {
  const typed = words.at(-1) ?? '';
  const read = readWords(verbs, words.slice(0, -1));
  const equals = /^--([\w-]+)=/.exec(typed);
  if (equals !== null) {
    const option = find(read.options, equals[1]);
    return option === undefined ? nothing() : prefixed(await valuesOf(option, read, ask), equals[0]);
  }
  if (read.pending !== undefined) return valuesOf(read.pending, read, ask);
  if (typed.startsWith('-')) return { words: optionWords(read), files: false };
  if (read.verb === undefined) return { words: verbWords(verbs), files: false };
  const { verb } = read;
  const place = placeAt(verb.positionals, read.places);
  const values = place === undefined ? nothing() : await valuesOf(place, read, ask, verb);
  return { words: [...(read.places === 0 ? verbWords(verb.verbs) : []), ...values.words], files: values.files };
}

const nothing = (): Candidates => ({ words: [], files: false });

const verbWords = (verbs: readonly VerbDefinition[]): Candidate[] =>
  verbs.map(({ name, describe }) => ({ word: name, describe }));

function readWords(verbs: readonly VerbDefinition[], words: readonly string[]): Read {
  let [verb, places, ended]: [VerbDefinition | undefined, number, boolean] = [undefined, 0, false];
  let [pending, socket]: [OptionDefinition | undefined, string | undefined] = [undefined, undefined];
  let options = GLOBAL;
  const used = new Set<OptionDefinition>();
  for (const word of words) {
    if (pending !== undefined && !/^-./.test(word)) {
      if (pending.name === 'socket') socket = word;
      pending = undefined;
    } else if (!ended && word === '--') {
      [ended, pending] = [true, undefined];
    } else if (!ended && /^-./.test(word)) {
      const [, name, value] = /^--?([^=]*)(?:=(.*))?$/s.exec(word)!;
      const option = find(options, name);
      if (option !== undefined) used.add(option);
      pending = value === undefined && option?.type !== 'boolean' ? option : undefined;
      if (option?.name === 'socket') socket = value;
    } else {
      const below: readonly VerbDefinition[] = verb === undefined ? verbs : verb.verbs;
      const next = below.find(({ name }) => name === word);
      if (next !== undefined && places === 0) [verb, options] = [next, [...next.options, ...GLOBAL]];
      else places++;
    }
  }
  return { verb, options, used, places, pending, socket };
}

/** `name` as typed, without dashes; `no-` switches a flag off. */
function find(options: readonly OptionDefinition[], name: string): OptionDefinition | undefined {
  const named = (one: string): OptionDefinition | undefined =>
    options.find((option) => option.name === one || option.aliases.includes(one));
  return named(name) ?? (name.startsWith('no-') ? named(name.slice(3)) : undefined);
}

function optionWords({ options, used }: Read): Candidate[] {
  return options
    .filter((option) => option.type === 'array' || !used.has(option))
    .map(({ name, type, default: preset, describe }) => ({
      word: type === 'boolean' && preset === 'true' ? `--no-${name}` : `--${name}`,
      describe,
    }));
}

function placeAt(positionals: readonly PositionalDefinition[], index: number): PositionalDefinition | undefined {
  const last = positionals.at(-1);
  return positionals[index] ?? (last?.variadic === true ? last : undefined);
}

async function valuesOf(
  option: OptionDefinition,
  { socket }: Read,
  ask: AskNames,
  verb?: VerbDefinition,
): Promise<Candidates> {
  const { name, choices } = option;
  if (choices.length > 0) return { words: choices.map((word) => ({ word, describe: '' })), files: false };
  if (FILES.has(name)) return { words: [], files: true };
  const kind = verb?.name === 'quarantine' && name === 'id' ? 'quarantined' : NAMES[name];
  return kind === undefined ? nothing() : { words: await ask(kind, socket), files: false };
}

const prefixed = ({ words, files }: Candidates, prefix: string): Candidates => ({
  words: words.map(({ word, describe }) => ({ word: prefix + word, describe })),
  files,
});
