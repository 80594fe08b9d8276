// `btr faults`: what is wrong with the replicas of a running hypervisor, or was by a vote log: equal differences together, ranked, with what
// to do about each. Owns the options and where the findings come from; layout is cli/faults/render.ts.
import type { CommandModule } from 'yargs';
import { LogPatterns, PATTERN_KINDS } from '../../hypervisor/explain/log-patterns.js';
import type { FaultPattern } from '../../hypervisor/explain/types.js';
import type { FaultsAnswer } from '../../hypervisor/status.js';
import { renderFindings, renderNotes, renderPatterns } from '../faults/render.js';
import { printJson, printLines } from '../output/print.js';
import {
  ask,
  filterOf,
  parseLimit,
  parsePrefixOption,
  withFilterOptions,
  withLog,
  type FilterOptions,
} from '../votes/filters.js';

interface FaultsOptions extends FilterOptions {
  prefix: string | undefined;
  kind: string[] | undefined;
  open: boolean;
  all: boolean;
  findings: boolean;
  limit: number | undefined;
}

const DEFAULT_LIMIT = 20;

async function live(options: FaultsOptions): Promise<void> {
  const { replica, all } = options;
  const answer = await ask<FaultsAnswer>(options, 'faults', { all, ...(replica === undefined ? {} : { replica }) });
  const patterns = chosen(answer.patterns, options);
  if (options.json) return printJson({ ...answer, patterns });
  const limit = parseLimit(options.limit, DEFAULT_LIMIT);
  const findings = options.findings ? ['', ...renderFindings(answer.findings)] : [];
  await printLines([...shown(patterns, limit), ...findings, ...noted(renderNotes(answer))]);
}

function fromLog(options: FaultsOptions): Promise<void> {
  const { replica, from, to } = filterOf(options);
  const prefix = options.prefix === undefined ? {} : { prefix: parsePrefixOption(options.prefix) };
  const span = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  return withLog(options, async (reader, place) => {
    const found = new LogPatterns();
    const filter = { ...span, ...prefix, ...(replica === undefined ? {} : { replica }), kinds: PATTERN_KINDS };
    for await (const record of reader.query(filter)) found.add(record);
    const source = ` --log ${quoted(place)}`;
    const patterns = chosen(found.patterns({ all: options.all, source }), options);
    if (options.json) return printJson({ patterns, skipped: reader.skipped });
    await printLines(shown(patterns, parseLimit(options.limit, DEFAULT_LIMIT)));
  });
}

/** Those that all conditions hold for. */
function chosen(patterns: readonly FaultPattern[], options: FaultsOptions): FaultPattern[] {
  const { neighbor, from = -Infinity, to = Infinity } = filterOf(options);
  return patterns.filter(
    ({ places, kind, cause, open, first, last }) =>
      (neighbor === undefined || places.includes(neighbor)) &&
      (options.kind === undefined || options.kind.includes(kind) || (cause !== null && options.kind.includes(cause))) &&
      (!options.open || open) &&
      (open || Date.parse(last) >= from) &&
      Date.parse(first) <= to,
  );
}

function shown(patterns: readonly FaultPattern[], limit: number): string[] {
  return patterns.length === 0 ? ['no faults'] : renderPatterns(patterns, limit);
}

function noted(notes: readonly string[]): string[] {
  return notes.length === 0 ? [] : ['', ...notes];
}

function quoted(text: string): string {
  return /^[\w./:@+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

const EXAMPLES: readonly [string, string][] = [
  ['$0 faults', 'what is wrong now, or was since the start'],
  ['$0 faults --open --json', 'only what is wrong now, for scripts'],
  ['$0 faults --log /var/lib/btr --since 1d', 'out of the vote log, also of another machine'],
];

export const faultsCommand: CommandModule<object, FaultsOptions> = {
  command: 'faults',
  describe: 'Show what is wrong with replicas: who differs, how, on what, since when, and what to do about it',
  builder: (yargs) =>
    withFilterOptions(yargs)
      .option('prefix', {
        alias: 'p',
        type: 'string',
        describe: 'only about this prefix (with --log; else: btr votes PREFIX)',
        implies: 'log',
      })
      .option('kind', {
        type: 'string',
        array: true,
        describe: 'extra, missing, different, system, known-difference, or a cause (crash, hang …)',
      })
      .option('open', { type: 'boolean', default: false, describe: 'only what lasts' })
      .option('all', { alias: 'a', type: 'boolean', default: false, describe: 'known differences of daemons, too' })
      .option('findings', { type: 'boolean', default: false, describe: 'also the single findings (live)' })
      .option('limit', { type: 'number', describe: `at most so many patterns (${DEFAULT_LIMIT})` })
      .example(EXAMPLES as [string, string][])
      .epilogue(
        'Exit status: 0, whatever is found; 2 for a wrong option; 66 without such a log; 69 without a hypervisor.\n' +
          'Times are UTC. What counts as a fault is in docs/faults.md, the fields of --json in docs/inspecting.md.',
      ) as never,
  handler: (options) => (options.log === undefined ? live(options) : fromLog(options)),
};
