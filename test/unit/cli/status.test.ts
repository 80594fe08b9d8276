// Options of `btr status`.
import { expect, test } from 'vitest';
import yargs from 'yargs';
import { statusCommand, watchSeconds } from '../../../cli/commands/status.js';

async function watchOf(line: string): Promise<number | undefined> {
  const command = { ...statusCommand, handler: () => undefined };
  const options = await yargs(line.split(' '))
    .command(command as never)
    .exitProcess(false)
    .parseAsync();
  return options.watch === undefined ? undefined : watchSeconds(options.watch as string);
}

test('--watch is off, every second, or every N seconds', async () => {
  expect(await watchOf('status')).toBeUndefined();
  expect(await watchOf('status --watch')).toBe(1);
  expect(await watchOf('status --watch --json')).toBe(1);
  expect(await watchOf('status -w 0.5')).toBe(0.5);
});

test('--watch refuses what is no number of seconds', () => {
  expect(() => watchSeconds('often')).toThrow('expected a number of seconds, found "often"');
  expect(() => watchSeconds('-1')).toThrow();
});
