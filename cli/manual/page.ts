// The manual page btr(1), made out of the verbs' definitions and the few texts that belong to none of them.
import { DEFAULT_SOCKET } from '../control.js';
import { DEFAULT_CONFIG } from '../default-config.js';
import type { OptionDefinition, VerbDefinition } from './definition.js';
import { bold, italic, roffArgument, roffText } from './roff.js';

const NAME = 'btr \\- bug\\-tolerant router: several unmodified BGP daemons behind one session per neighbour';
const DESCRIPTION = [
  'Runs several different, unmodified routing daemons (FRR, BIRD, OpenBGPD) side by side and makes them look like one router. It owns the BGP ' +
    'sessions and the kernel’s routes; each daemon is a replica behind it that gets every byte the neighbours send. What neighbours are told, ' +
    'and what the kernel forwards by, is what the replicas vote for. A replica that crashes, hangs or lies is outvoted, restarted and brought ' +
    'up to date, and no neighbour notices.',
  'Verbs that ask a running router do so over its control socket. Verbs that read print text for people, in UTC, with nothing in it that a ' +
    'terminal acts on, or JSON for scripts; without a terminal there is neither colour nor cursor movement.',
];
const STATUSES: readonly [string, string][] = [
  ['0', 'done, and well'],
  ['1', 'a check or a run found a problem'],
  ['2', 'wrong command line'],
  ['66', 'a file that was named is not there'],
  ['69', 'no hypervisor answers, or something that is needed is not installed'],
  ['70', 'a bug in this program'],
];
const ENVIRONMENT: readonly [string, string][] = [
  ['BTR_SOCKET', 'control socket, in place of the default of --socket'],
  ['NO_COLOR', 'not empty: no colours'],
  [
    'NOTIFY_SOCKET, WATCHDOG_USEC',
    'set by systemd: where btr run tells that it is ready, reloads, stops, and that its main loop turns',
  ],
];
const FILES: readonly [string, string][] = [
  [DEFAULT_CONFIG, 'configuration, for verbs that are given none'],
  [DEFAULT_SOCKET, 'control socket; only the user of btr run may use it'],
  ['/var/log/btr/', 'vote log of the system service'],
  ['/var/lib/btr/', 'recordings and quarantined messages of the system service'],
];
const SIGNALS: readonly [string, string][] = [
  ['SIGTERM, SIGINT', 'ends btr run: CEASE to the neighbours, then the replicas; a second one ends it at once'],
  ['SIGHUP', 'takes the configuration file over as it is now, as btr reload does'],
];
const SEE_ALSO = 'bird(8), bgpd(8), vtysh(1), systemd(1)';

/** The whole page in roff, with a newline at the end. */
export function manualPage(verbs: readonly VerbDefinition[], version: string): string {
  return [
    '.\\" Made by "npm run man" out of the definitions of the verbs: change those.',
    `.TH BTR 1 "" ${roffArgument(`btr ${version}`)} ${roffArgument('Bug-tolerant router')}`,
    '.SH NAME',
    NAME,
    '.SH SYNOPSIS',
    `.B btr\n${italic('command')} [${italic('options')}]`,
    '.SH DESCRIPTION',
    ...DESCRIPTION.flatMap((text, i) => [...(i === 0 ? [] : ['.PP']), roffText(text)]),
    '.SH COMMANDS',
    `Every command says with ${bold('--help')} what it takes.`,
    ...verbs.flatMap((verb) => verbLines(verb, ['btr'])),
    ...section('EXIT STATUS', STATUSES),
    ...section('SIGNALS', SIGNALS),
    ...section('ENVIRONMENT', ENVIRONMENT),
    ...section('FILES', FILES),
    '.SH SEE ALSO',
    SEE_ALSO,
    '',
  ].join('\n');
}

function section(title: string, entries: readonly [string, string][]): string[] {
  return [`.SH ${title}`, ...entries.flatMap(([name, text]) => tagged(bold(name), text))];
}

const tagged = (tag: string, text: string): string[] => ['.TP', tag, roffText(text)];

function verbLines(verb: VerbDefinition, above: readonly string[]): string[] {
  const words = [...above, verb.name];
  return [
    `.SS ${roffArgument([...words, verb.usage].join(' ').trim())}`,
    roffText(sentence(verb.describe)),
    ...verb.positionals
      .filter(({ describe }) => describe !== '')
      .flatMap((one) => tagged(italic(one.name), described(one))),
    ...verb.options.flatMap((option) => tagged(heads(option), described(option))),
    ...(verb.examples.length === 0 ? [] : ['.PP', 'Examples:']),
    ...verb.examples.flatMap(([line, text]) => tagged(bold(line.replace('$0', 'btr')), text)),
    ...(verb.epilogue === '' ? [] : ['.PP', roffText(verb.epilogue)]),
    ...verb.verbs.flatMap((one) => verbLines(one, words)),
  ];
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** On unless it is switched off. */
const isOn = ({ type, default: value }: OptionDefinition): boolean => type === 'boolean' && value === 'true';

function heads(option: OptionDefinition): string {
  const names = [...option.aliases].reverse().concat(option.name);
  const flags = names.map((name) => (name.length === 1 ? `-${name}` : `--${isOn(option) ? 'no-' : ''}${name}`));
  return flags.map(bold).join(', ') + (option.type === 'boolean' ? '' : ` ${italic(valueName(option))}`);
}

function valueName({ type, choices, name }: OptionDefinition): string {
  if (choices.length > 0 && choices.join('|').length <= 40) return choices.join('|');
  if (type === 'number' || type === 'count') return 'N';
  return name.toUpperCase();
}

function described(option: OptionDefinition): string {
  const { describe, choices, name } = option;
  const one = choices.join('|').length > 40 ? ` One of ${choices.join(', ')}.` : '';
  const more = option.type === 'array' && !/repeat/.test(describe) ? ' May be repeated.' : '';
  const value = name === 'socket' ? `$BTR_SOCKET, else ${DEFAULT_SOCKET}` : option.default;
  const preset = value === undefined || isOn(option) ? '' : ` Default: ${value}.`;
  return sentence(describe === '' ? name : describe) + one + more + preset;
}
