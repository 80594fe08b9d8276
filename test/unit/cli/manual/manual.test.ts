// The manual page: all verbs and options are in it, the committed one is current, and roff takes nothing in it for a request.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { CommandModule } from 'yargs';
import { commands } from '../../../../cli/commands/index.js';
import { definitionsOf } from '../../../../cli/manual/definition.js';
import { manualPage } from '../../../../cli/manual/page.js';
import { roffArgument, roffText } from '../../../../cli/manual/roff.js';
import { VERSION } from '../../../../hypervisor/router-status.js';

const COMMITTED = path.resolve(import.meta.dirname, '../../../../packaging/man/btr.1');
const page = manualPage(definitionsOf(commands), VERSION);

test('the committed page is the one that the verbs make (else: npm run man)', () => {
  expect(readFileSync(COMMITTED, 'utf8')).toBe(page);
});

test('every verb for people has a section, and no other', () => {
  const sections = [...page.matchAll(/^\.SS "btr ([a-z\\-]+)/gm)].map(([, name]) => name.replaceAll('\\', ''));
  expect(sections).toEqual(expect.arrayContaining(['run', 'top', 'doctor', 'votes', 'log-level', 'completion']));
  expect(sections).not.toContain('complete');
});

test('definitions: verbs below verbs, what is typed, flags that are on, places', () => {
  const module: CommandModule = {
    command: 'outer',
    describe: 'd',
    builder: (yargs) =>
      yargs.command({
        command: 'inner <file> [more..]',
        describe: 'i',
        builder: (inner) =>
          inner
            .positional('file', { describe: 'a file' })
            .option('keepFib', { alias: ['keep-fib', 'k'], type: 'boolean', default: false })
            .option('syntax', { type: 'boolean', default: true, describe: 'check' })
            .option('level', { choices: ['a', 'b'], default: 'a' })
            .option('secret', { hidden: true }),
        handler: () => undefined,
      }),
    handler: () => undefined,
  };
  const [{ verbs }] = definitionsOf([module]);
  expect(verbs[0]).toMatchObject({ name: 'inner', usage: '<file> [more..]' });
  expect(verbs[0].positionals).toMatchObject([
    { name: 'file', optional: false, variadic: false, describe: 'a file' },
    { name: 'more', optional: true, variadic: true },
  ]);
  expect(verbs[0].options).toMatchObject([
    { name: 'keep-fib', aliases: ['k'], type: 'boolean', default: undefined },
    { name: 'syntax', default: 'true' },
    { name: 'level', choices: ['a', 'b'], default: 'a' },
  ]);
  const text = manualPage(definitionsOf([module]), '1');
  expect(text).toContain('\\fB\\-k\\fR, \\fB\\-\\-keep\\-fib\\fR');
  expect(text).toContain('\\fB\\-\\-no\\-syntax\\fR');
  expect(text).toContain('\\fIa|b\\fR\nlevel. Default: a.');
});

test('roff: requests, escapes and quotes are text', () => {
  expect(roffText(".so /etc/passwd\n'x\na\\b-c")).toBe("\\&.so /etc/passwd\n\\&'x\na\\eb\\-c");
  expect(roffArgument('say "x"')).toBe('"say \\(dqx\\(dq"');
});

const groff = '/usr/bin/groff';
test.skipIf(!existsSync(groff))('groff has nothing to say against it', () => {
  const said = execFileSync('sh', ['-c', `${groff} -man -ww -b -z -Tutf8 2>&1`], { input: page, encoding: 'utf8' });
  expect(said).toBe('');
});
