// Whatever neighbours, daemons and logs say: no verb lets anything through that a terminal acts on, that reorders what is read, or that
// forges a line; and JSON says exactly what was said.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import yargs from 'yargs';
import { commands } from '../../../cli/commands/index.js';
import { UserError } from '../../../cli/errors.js';
import { printError } from '../../../cli/output/print.js';
import { safeLines, safeText } from '../../../cli/output/safe-text.js';
import { table } from '../../../cli/output/table.js';
import { displayWidth } from '../../../cli/output/width.js';
import { ControlServer } from '../../../hypervisor/control/server.js';
import { createLogger, type Logger } from '../../../hypervisor/logging.js';
import { dangerIn, HOSTILE, poisoned } from '../../support/hostile.js';
import { fakeFib, fakeStatus } from '../../support/fake-router.js';

/** Keys of texts that the hypervisor itself makes: states, kinds, times. Everything else may come from somewhere. */
const OWN = new Set([
  ...[
    'state',
    'kind',
    'how',
    'cause',
    'rule',
    'trouble',
    'strategy',
    'type',
    'source',
    'unstable',
    'trial',
    'step',
    'class',
  ],
  ...[
    't',
    'at',
    'since',
    'first',
    'last',
    'until',
    'started',
    'ended',
    'where',
    'standby',
    'next',
    'hex',
    'voteLog',
    'log',
  ],
]);

const NOW = '2026-11-21T14:03:00.000Z';
const route = { AS_PATH: '65001 1', COMMUNITIES: '65001:1', 'attr 99': '0x01' };
const hops = { type: 'unicast', nextHops: [{ gateway: '10.0.0.1', interface: 'eth0', weight: 1, onlink: false }] };
const vote = (replica: string, agrees: boolean) => ({
  ...{ replica, counts: true, agrees, since: NOW, attributes: route, stable: true, unstable: null, dissents: !agrees },
  ...{ silenced: agrees ? null : 'it is muted', diff: agrees ? [] : [{ attribute: 'MED', left: '1', right: '2' }] },
});
const ballot = {
  ...{
    neighbor: '10.0.0.2',
    prefix: '192.0.2.0/24',
    verdict: route,
    advertised: route,
    rule: 'majority',
    contested: true,
  },
  ...{
    trouble: 'no-majority',
    dissent: ['bird'],
    votes: [vote('frr', true), vote('bird', false)],
    decided: 'so',
    voters: ['frr'],
  },
  ...{ agree: ['frr'], emission: { state: 'advertised', holds: route, text: 'the verdict' } },
};
const pattern = {
  ...{ key: 'k', replica: 'bird', kind: 'different', cause: null, known: [], places: ['10.0.0.2', 'fib'], prefixes: 2 },
  ...{
    atLeast: false,
    count: 3,
    open: true,
    first: NOW,
    last: NOW,
    against: ['frr'],
    findings: [1],
    text: 'it differs',
  },
  changes: [
    { attribute: 'MED', how: 'other', vote: { values: ['1'], more: false }, majority: { values: ['2'], more: false } },
  ],
  examples: [{ prefix: '192.0.2.0/24', place: '10.0.0.2', vote: route, majority: { MED: '1' } }],
  ...{ advice: 'restart it', commands: ['btr replica restart bird'] },
};
const finding = {
  ...{
    id: 1,
    replica: 'bird',
    kind: 'different',
    cause: null,
    place: '10.0.0.2',
    open: true,
    first: NOW,
    last: NOW,
    since: NOW,
  },
  ...{ prefixes: 7, total: 9, samples: ['192.0.2.0/24'], text: 'why' },
  example: {
    prefix: '192.0.2.0/24',
    vote: route,
    majority: route,
    diff: [{ attribute: 'MED', majority: null, vote: '1' }],
  },
};
const story = {
  ...{ prefix: '192.0.2.0/24', at: NOW, source: 'live', summary: ['bird lies.'], accused: [], unknown: ['something'] },
  voting: {
    strategy: 'continuous-majority',
    electorate: ['frr'],
    epoch: 1,
    master: 'frr',
    stabilityThreshold: 1,
    faultThreshold: 1,
  },
  inputs: [
    {
      neighbor: '10.0.0.2',
      as: 1,
      state: 'announced',
      since: NOW,
      attributes: route,
      reason: null,
      deliveries: [{ replica: 'frr', state: 'withheld', quarantined: [1], backlogBytes: 0 }],
    },
    { neighbor: '10.0.0.3', as: 1, state: 'down', since: null, attributes: null, reason: 'shutdown', deliveries: [] },
  ],
  replicas: [{ name: 'bird', kind: 'bird', state: 'backoff', counts: false, reason: 'it crashed', lagMs: 1 }],
  ballots: [ballot],
  forwarding: {
    ...{ prefix: '192.0.2.0/24', state: 'failing', verdict: hops, kernel: null, error: 'EEXIST', text: 'refused' },
    votes: [{ replica: 'frr', counts: true, agrees: false, nextHops: hops }],
  },
  history: [{ t: NOW, kind: 'session', place: '10.0.0.2', replica: 'frr', text: 'down: goodbye' }],
};
const quarantined = {
  ...{
    id: 1,
    replica: 'bird',
    neighbor: '10.0.0.2',
    trial: 'convicted',
    note: 'SIGSEGV',
    probation: false,
    cause: 'crash',
  },
  ...{
    reason: 'assertion failed',
    at: NOW,
    received: NOW,
    length: 23,
    prefixes: 9,
    sample: ['192.0.2.0/24'],
    reencoded: true,
  },
  ...{ file: '/var/lib/btr/q.mrt', hex: 'ff00', withheld: ['192.0.2.0/24'], withheldTotal: 2 },
  message: {
    verdict: 'sound',
    reason: 'odd',
    announced: ['192.0.2.0/24'],
    withdrawn: ['198.51.100.0/24'],
    attributes: [{ name: 'x', text: 'y' }],
  },
};
const injection = {
  ...{
    id: 1,
    replica: 'bird',
    kind: 'drop',
    where: 'both',
    prefixes: ['192.0.2.0/24'],
    prefixCount: 2,
    neighbor: '10.0.0.2',
  },
  ...{ since: NOW, until: null, sticky: true, source: 'operator', detail: 'MED 1' },
};
const change = {
  key: 'neighbors[x].description',
  class: 'live',
  session: false,
  old: 'a',
  new: 'b',
  file: 'router.yaml',
  line: 3,
};

/** What each method of the control socket says when all is as it should be. */
const ANSWERS: Record<string, unknown> = {
  status: fakeStatus({
    alarms: [{ kind: 'quorum', text: 'fewer than 3 vote', since: NOW }],
    fib: fakeFib({ replicas: [{ replica: 'bird', conflicts: 1, foreignConflicts: 1, malformed: 1 } as never] }),
    fibError: 'no answer',
    ballots: { total: 2, unanimous: 1, contested: 1, withoutMajority: 1 },
    restart: { state: 'waiting', restarting: true, missing: ['bird'] },
    neighbors: fakeStatus().neighbors.map((one) => ({ ...one, lastError: 'NOTIFICATION: goodbye' })),
    replicas: fakeStatus().replicas.map((one) => ({
      ...{ ...one, lastError: 'exited', nextStart: 3, standby: 'cold' as const },
      health: { ...one.health!, warnings: [{ kind: 'cpu' as const, since: NOW, text: 'is busy' }] },
    })),
  }),
  votes: {
    ballots: [ballot],
    total: 2,
    next: null,
    rows: [{ key: 'bird', records: 1, prefixes: 1, first: NOW, last: NOW }],
  },
  faults: {
    findings: [finding, { ...finding, kind: 'system', cause: 'crash', place: null }],
    patterns: [pattern],
    knownDifferences: 1,
    oscillating: 1,
    withoutMajority: 1,
  },
  explain: story,
  fib: { routes: [story.forwarding], total: 2 },
  'fib-verify': {
    ok: false,
    quiet: false,
    verdicts: 1,
    kernelRoutes: 1,
    advertised: 1,
    total: 1,
    differences: [{ prefix: '192.0.2.0/24', kind: 'missing', verdict: hops, kernel: null }],
  },
  quarantine: {
    entries: [quarantined],
    total: 2,
    onProbation: 0,
    shared: 0,
    uncarried: 0,
    replicas: [{ name: 'bird', entries: 1, withheld: 1, evicted: 1, careful: true }],
    trials: { running: 'bird #1', waiting: 1 },
  },
  'quarantine-show': quarantined,
  'quarantine-release': { released: 2 },
  record: {
    directory: '/var/lib/btr',
    streams: [{ name: 'received', records: 1, bytes: 1, written: 1, dropped: 0, file: 'x.mrt' }],
    records: 1,
    dropped: 0,
    queued: 1,
    maxQueued: 2,
    files: 1,
    bytes: 1,
    removed: 0,
    error: 'disk full',
  },
  bmp: [
    {
      ...{ name: 'router', collector: '192.0.2.9', connected: false, connects: 1, overflows: 0, bytes: 1, queued: 1 },
      lastError: 'refused',
    },
  ],
  'log-level': { log: 'info', voteLog: 'dissent' },
  'inject-list': [injection],
  inject: { injections: [injection], done: null },
  'inject-clear': { cleared: 1 },
  replica: { state: 'restarting' },
  'config-diff': {
    file: '/etc/btr/router.yaml',
    digest: 'x',
    errors: [],
    changes: [change],
    restarts: ['bird'],
    refused: 'no',
  },
};

/** Every verb that asks the router, with what it asks for. */
const QUESTIONS: readonly string[] = [
  ...['status', 'top --once --interval 100ms', 'votes', 'votes --diff', 'votes 192.0.2.0/24', 'votes --by replica'],
  ...[
    'votes --explain 192.0.2.0/24',
    'votes --explain 192.0.2.1',
    'faults',
    'faults --findings --diff',
    'faults --by attribute',
  ],
  ...['fib', 'fib --verify', 'quarantine list', 'quarantine show 1', 'quarantine release all', 'replica list'],
  ...[
    'replica restart bird',
    'record status',
    'log-level',
    'inject list',
    'inject --replica bird --kind drop',
    'inject clear',
  ],
  ...['diff', 'reload --dry-run'],
];
const JSON_ANSWERS: Readonly<Record<string, string>> = {
  ...{ status: 'status', faults: 'faults', 'votes --explain 192.0.2.0/24': 'explain', 'fib --verify': 'fib-verify' },
  ...{ 'quarantine list': 'quarantine', 'quarantine show 1': 'quarantine-show', 'record status': 'record' },
  ...{ 'inject list': 'inject-list', diff: 'config-diff', 'log-level': 'log-level' },
};

/** All at once: what one of them does is found whatever the others are. */
const EVIL = HOSTILE.join(' ');

let directory: string;
let socket: string;
let server: ControlServer;
/** Behind every text that the router says; `failing`: it says only that, as an error. */
let evil = '';
let failing = false;
let output = { stdout: '', stderr: '' };

beforeAll(async () => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'btr-hostile-'));
  socket = path.join(directory, 'control.sock');
  const answer = (method: string) => (): unknown => {
    if (failing) throw new Error(`it does not work: ${evil}`);
    return poisoned(ANSWERS[method], evil, OWN);
  };
  const methods = Object.fromEntries(Object.keys(ANSWERS).map((method) => [method, answer(method)]));
  server = new ControlServer(methods, { error: () => undefined } as unknown as Logger);
  await server.listen(socket);
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(() => {
  failing = false;
  for (const name of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      output[name] += String(chunk);
      return true;
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** Runs a verb as main.ts does. */
async function btr(...argv: string[]): Promise<typeof output> {
  output = { stdout: '', stderr: '' };
  const parser = yargs(argv).exitProcess(false).version(false).help(false);
  parser.fail((message, error) => {
    throw error ?? new Error(message);
  });
  parser.command(commands.find(({ command }) => String(command).split(' ')[0] === argv[0])!);
  try {
    await parser.parseAsync();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    printError(error.message);
  }
  return output;
}
const ask = (question: string, ...more: string[]) => btr(...question.split(' '), '--socket', socket, ...more);

describe('hostile text', () => {
  test('in answers of the router', async () => {
    evil = EVIL;
    for (const question of QUESTIONS) {
      const { stdout, stderr } = await ask(question);
      expect([question, dangerIn(stdout), dangerIn(stderr)]).toEqual([question, undefined, undefined]);
      expect([question, stdout === '']).toEqual([question, false]);
    }
  });

  test('in its errors', async () => {
    evil = EVIL;
    failing = true;
    for (const question of QUESTIONS) {
      const { stdout, stderr } = await ask(question);
      expect([question, stdout, dangerIn(stderr.replaceAll(/^forged:/gm, ''))]).toEqual([question, '', undefined]);
      expect(stderr).toContain('it does not work');
    }
  });

  test('in a vote log', async () => {
    const log = path.join(directory, 'votes.jsonl');
    writeFileSync(log, `${LOG_LINES.map((line) => JSON.stringify(poisoned(line, EVIL, LOG_OWN))).join('\n')}\n`);
    for (const question of [
      'votes',
      'votes --diff',
      'votes --by replica',
      'votes --by neighbor',
      'votes --by attribute',
    ]) {
      const { stdout, stderr } = await btr(...question.split(' '), '--log', log);
      expect([question, dangerIn(stdout), dangerIn(stderr)]).toEqual([question, undefined, undefined]);
      expect(stdout).not.toBe('');
    }
    for (const question of ['faults --all --diff', 'faults --by replica', 'votes --explain 192.0.2.0/24']) {
      const { stdout, stderr } = await btr(...question.split(' '), '--log', log);
      expect([question, dangerIn(stdout), dangerIn(stderr)]).toEqual([question, undefined, undefined]);
    }
    const { stdout } = await btr('votes', '--log', log, '--json');
    expect(stdout).toMatch(/^[\x20-\x7e\n]*$/);
  });

  test('as what is asked for', async () => {
    const text = EVIL;
    for (const argv of [
      ['votes', text],
      ['votes', '--explain', text],
      ['votes', '--since', text],
      ['faults', '--until', text],
      ['fib', text],
      ['votes', '--log', path.join(directory, text.replaceAll(/[/\0]/g, ''))],
      ['trace', 'info', path.join(directory, text.replaceAll(/[/\0]/g, ''))],
      ['quarantine', 'show', text],
    ]) {
      const { stdout, stderr } = await btr(...argv, '--socket', socket);
      expect([argv, dangerIn(stdout), dangerIn(stderr.replaceAll(/^forged:/gm, ''))]).toEqual([
        argv,
        undefined,
        undefined,
      ]);
      expect(stderr).toMatch(/^btr: /);
    }
  });

  test('in the log of the router, as text and as JSON', async () => {
    const text = EVIL;
    for (const json of [false, true]) {
      output = { stdout: '', stderr: '' };
      const log = createLogger({ level: 'debug', json });
      log.warn(`neighbour 10.0.0.2: NOTIFICATION: ${text}`, { replica: text });
      log.error(text);
      await vi.waitFor(() => expect(output.stderr.split('\n')).toHaveLength(3));
      expect(dangerIn(output.stderr)).toBeUndefined();
      if (json) expect(JSON.parse(output.stderr.split('\n')[1])).toMatchObject({ message: wellFormed(text) });
    }
  });
});

/** Lone surrogates do not survive JSON's escapes on every way; everything else does. */
const wellFormed = (text: string): string => JSON.parse(JSON.stringify(text)) as string;

test.each(Object.entries(JSON_ANSWERS))('%s --json is ASCII, and means what was said', async (question, method) => {
  evil = EVIL;
  const { stdout } = await ask(question, '--json');
  expect(stdout).toMatch(/^[\x20-\x7e\n]*$/);
  const said = (name: string): unknown => JSON.parse(JSON.stringify(poisoned(ANSWERS[name], evil, OWN)));
  // The status is put together of several answers.
  const more = { injections: said('inject-list'), recording: said('record'), bmp: said('bmp') };
  expect(JSON.parse(stdout)).toEqual(question === 'status' ? { ...(said(method) as object), ...more } : said(method));
});

/** Of a log everything may be anything, but for what makes a line a record. */
const LOG_OWN = new Set(['kind', 't', 'prefix', 'what']);
const logged = { v: 1, t: NOW, m: 1 };
const LOG_LINES = [
  {
    ...logged,
    kind: 'dissent-begins',
    neighbor: '10.0.0.2',
    prefix: '192.0.2.0/24',
    replica: 'bird',
    what: 'different',
    strategy: 'x',
    rule: 'majority',
    since: NOW,
    verdict: route,
    vote: route,
    diff: [{ attribute: 'MED', left: '1', right: '2' }],
    votes: ballot.votes,
  },
  {
    ...logged,
    kind: 'dissent-ends',
    neighbor: '10.0.0.2',
    prefix: '192.0.2.0/24',
    replica: 'bird',
    what: 'different',
    verdict: route,
    vote: route,
  },
  { ...logged, kind: 'no-majority', neighbor: '10.0.0.2', prefix: '192.0.2.0/24', verdict: null, votes: ballot.votes },
  {
    ...logged,
    kind: 'fault-begins',
    id: 1,
    replica: 'bird',
    what: 'system',
    cause: 'crash',
    place: null,
    first: NOW,
    text: 'SIGSEGV',
    samples: ['192.0.2.0/24'],
  },
  {
    ...logged,
    kind: 'fault-begins',
    id: 2,
    replica: 'bird',
    what: 'different',
    place: '10.0.0.2',
    first: NOW,
    samples: ['192.0.2.0/24'],
    example: {
      prefix: '192.0.2.0/24',
      vote: route,
      majority: route,
      diff: [{ attribute: 'MED', majority: null, vote: '1' }],
    },
  },
  {
    ...logged,
    kind: 'known-difference-begins',
    id: 3,
    replica: 'bird',
    what: 'known-difference',
    place: '10.0.0.2',
    first: NOW,
    text: 'habit',
    samples: [],
  },
  { ...logged, kind: 'session', neighbor: '10.0.0.2', state: 'down', reason: 'goodbye' },
  { ...logged, kind: 'replica', replica: 'bird', state: 'left', reason: 'exited' },
  {
    ...logged,
    kind: 'quarantine',
    replica: 'bird',
    state: 'withheld',
    messages: 2,
    reason: 'died',
    prefix: '192.0.2.0/24',
  },
  {
    ...logged,
    kind: 'decision',
    neighbor: '10.0.0.2',
    prefix: '192.0.2.0/24',
    verdict: route,
    agree: ['frr'],
    rule: 'majority',
    others: [{ replica: 'bird', attributes: route }],
  },
  { ...logged, kind: 'input', neighbor: '10.0.0.2', prefix: '192.0.2.0/24', attributes: route, reason: 'odd' },
  { ...logged, kind: 'fib-refused', route: '192.0.2.0/24', error: 'EEXIST' },
  { ...logged, kind: 'alarm', state: 'raised', text: 'quorum' },
  { ...logged, kind: 'whatever', replica: 'bird', reason: 'because' },
];

describe('safe text', () => {
  test('of anything has nothing dangerous in it, is one line, and stays as it is when it is made safe again', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.constantFrom(...HOSTILE)),
        (text) => {
          const safe = safeText(text);
          expect(dangerIn(safe)).toBeUndefined();
          expect(safe).not.toContain('\n');
          expect(safeText(safe, Infinity)).toBe(safe);
          expect(dangerIn(safeLines(text).replaceAll(/^forged:/gm, ''))).toBeUndefined();
        },
      ),
    );
  });

  test('leaves ordinary text alone, of every script', () => {
    for (const text of [
      'AS_PATH 65001 {1 2}',
      'Zürich – naïve café',
      'Ελλάδα Россия שלום مرحبا',
      '漢字 かな 한글 ไทย',
      '≠ · — “x” 🙂',
    ]) {
      expect(safeText(text)).toBe(text);
    }
  });

  test('is cut where it is too long', () => {
    expect(safeText('x'.repeat(5000))).toHaveLength(4097);
    expect(safeText('abcdef', 3)).toBe('abc…');
  });
});

test('cells of a table stay in their columns, whatever is in them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom(...HOSTILE)), { minLength: 1, maxLength: 5 }),
      (cells) => {
        const lines = table(
          ['what', 'n'],
          cells.map((cell) => [cell, 7]),
        ).split('\n');
        expect(lines).toHaveLength(cells.length + 1);
        expect(new Set(lines.map(displayWidth)).size).toBe(1);
        expect(dangerIn(lines.join('\n'))).toBeUndefined();
      },
    ),
  );
});
