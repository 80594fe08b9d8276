// What is offered at the end of a command line.
import { expect, test } from 'vitest';
import { commands } from '../../../../cli/commands/index.js';
import { candidates, type AskNames } from '../../../../cli/completion/candidates.js';
import { definitionsOf } from '../../../../cli/manual/definition.js';

const definitions = definitionsOf(commands);
const asked: [string, string | undefined][] = [];
const ask: AskNames = (kind, socket) => {
  asked.push([kind, socket]);
  return Promise.resolve([{ word: `a-${kind}`, describe: '' }]);
};

/** `words` with the one that is being typed at the end. */
async function offered(...words: string[]): Promise<string[]> {
  const { words: found, files } = await candidates(definitions, words, ask);
  return [...found.map(({ word }) => word), ...(files ? [':files'] : [])];
}

test('verbs, and verbs below verbs', async () => {
  expect(await offered('')).toEqual(expect.arrayContaining(['run', 'top', 'doctor', 'replica']));
  expect(await offered('')).not.toContain('complete');
  expect(await offered('replica', '')).toEqual(['list', 'restart', 'retire', 'enable']);
});

test('options as they are typed, each once, those that may be repeated again', async () => {
  const options = await offered('run', '--');
  expect(options).toEqual(expect.arrayContaining(['--run-directory', '--log-level', '--keep-fib', '--help']));
  expect(options).not.toContain('--keepFib');
  expect(await offered('run', '--keep-fib', '--')).not.toContain('--keep-fib');
  expect(await offered('status', '-w', '1', '--')).not.toContain('--watch');
  expect(await offered('inject', '--prefix', '192.0.2.0/24', '--')).toContain('--prefix');
  expect(await offered('check', '--')).toContain('--no-syntax');
});

test('values: choices, behind a space and behind =, and nothing where anything goes', async () => {
  expect(await offered('votes', '--by', 're')).toContain('replica');
  expect(await offered('inject', '--kind=')).toContain('--kind=drop');
  expect(await offered('top', '--interval', '')).toEqual([]);
  expect(await offered('completion', '')).toEqual(['bash', 'zsh', 'fish']);
});

test('files where a file is meant', async () => {
  expect(await offered('run', '')).toEqual([':files']);
  expect(await offered('status', '--socket', '')).toEqual([':files']);
  expect(await offered('replay', 'one.mrt', '')).toEqual([':files']);
  expect(await offered('run', 'router.yaml', '')).toEqual([]);
});

test('names that the running hypervisor knows, at the socket that was typed', async () => {
  asked.length = 0;
  expect(await offered('replica', 'restart', '')).toEqual(['a-replica']);
  expect(await offered('votes', '--socket', '/s', '--neighbor', '')).toEqual(['a-neighbor']);
  expect(await offered('faults', '--socket=/t', '-r', 'b')).toEqual(['a-replica']);
  expect(asked).toEqual([
    ['replica', undefined],
    ['neighbor', '/s'],
    ['replica', '/t'],
  ]);
});

test('what is no command line gives nothing, and no error', async () => {
  expect(await offered('nosuch', '')).toEqual(expect.arrayContaining(['run']));
  expect(await offered('run', '--nosuch=', '')).toEqual([':files']);
  expect(await offered('run', '--nosuch=x')).toEqual([]);
  expect(await offered()).toContain('run');
});
