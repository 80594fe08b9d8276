// Options of `btr status`, and the lines that say what is wrong and where else one can look.
import { describe, expect, test } from 'vitest';
import yargs from 'yargs';
import { renderStatus, statusCommand, watchSeconds } from '../../../cli/commands/status.js';
import type { FullStatus } from '../../../cli/status/full-status.js';
import { replica, status } from './top/pictures.js';

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

describe('lines', () => {
  const lines = (more: Partial<FullStatus>): string[] =>
    renderStatus({ ...status(), injections: [], recording: null, bmp: [], ...more });

  test('nothing is wrong, and nothing is switched on', () => {
    expect(lines({})).toContain('open faults: none');
    expect(lines({})).toContain('vote log: dissent; http: off; bmp: off; recording: off');
    expect(lines({}).join('\n')).not.toContain('on purpose');
  });

  test('open faults by replica, and those put in on purpose', () => {
    const faulty = replica('bird', { faults: { open: 2, found: 5, known: 1 } });
    const injections = [
      { replica: 'bird', kind: 'wrong-nexthop' },
      { replica: null, kind: 'random' },
    ] as never;
    const text = lines({ replicas: [replica('frr'), faulty], injections });
    expect(text).toContain('open faults: bird 2 (btr faults)');
    expect(text).toContain('faults put in on purpose: wrong-nexthop into bird, random (btr inject list)');
  });

  test('HTTP, BMP, recording, and what was dropped', () => {
    const recording = { files: 3, bytes: 2048, dropped: 7, error: 'ENOSPC' } as never;
    const text = lines({
      http: { url: 'http://127.0.0.1:9179/', open: true, lookingGlass: false },
      bmp: [{ connected: true }, { connected: false }] as never,
      recording,
      voteLogDropped: 1234,
    });
    expect(text).toContain(
      'vote log: dissent, 1,234 records dropped; http: http://127.0.0.1:9179/ (open); bmp: 1 of 2 connections up; ' +
        'recording: 3 files, 2.0 KiB, 7 records dropped, ENOSPC',
    );
  });
});
