// What is sent to the terminal: only what has changed, checked with a terminal that keeps lines; and rates between two answers.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { difference } from '../../../../cli/top/screen.js';
import { ratesBetween, rateText } from '../../../../cli/top/rates.js';
import { neighbor, replica, status } from './pictures.js';

const COLUMNS = 12;

/** What the lines of a terminal are after it was sent `text`: cursor addressing, SGR, erasing to the end of a line. */
function terminal(lines: readonly string[], text: string): string[] {
  const cells = lines.map((line) => [...line.padEnd(COLUMNS)]);
  let [row, column] = [0, 0];
  for (const [, parameters, final, character] of text.matchAll(/\x1b\[([\d;]*)([A-Za-z])|([^\x1b])/g)) {
    if (final === 'H') [row, column] = parameters.split(';').map((one) => Number(one) - 1);
    else if (final === 'K') cells[row].fill(' ', column);
    else if (character !== undefined) {
      cells[row][column] = character;
      column = Math.min(COLUMNS - 1, column + 1);
    }
  }
  return cells.map((line) => line.join('').trimEnd());
}

const change = (before: readonly string[], after: readonly string[]): string =>
  difference(
    before,
    after,
    COLUMNS,
    after.map((line) => line.length),
  );

describe('difference', () => {
  test('nothing is sent when nothing has changed', () => {
    expect(change(['a', 'b'], ['a', 'b'])).toBe('');
  });

  test('one line is sent when one has changed', () => {
    expect(change(['a', 'b', 'c'], ['a', 'x', 'c'])).toBe('\x1b[2;1H\x1b[0mx\x1b[K');
  });

  test('a full line is not followed by erasing, which would take its last character', () => {
    expect(change([''], ['x'.repeat(COLUMNS)])).not.toContain('\x1b[K');
  });

  test('the terminal then shows what it should, whatever it showed', () => {
    const frame = fc.array(fc.stringMatching(/^[a-z ]{0,12}$/), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(frame, frame, (before, after) => {
        expect(terminal(before, change(before, after))).toEqual(after.map((line) => line.trimEnd()));
      }),
    );
  });
});

describe('rates', () => {
  const before = status();
  const later = (more: Parameters<typeof status>[0]) => status({ uptime: before.uptime + 2, ...more });

  test('per second, by neighbour and by replica', () => {
    const after = later({
      counters: { updatesIn: 1100, decisions: 2001 },
      replicas: [replica('frr', { votes: 1400 }), replica('bird'), replica('openbgpd', { votes: 1002 })],
      neighbors: [neighbor(1, { messagesIn: 110 })],
    });
    const rates = ratesBetween(before, after)!;
    expect(rates).toMatchObject({ updates: 50, decisions: 0.5, votes: 201 });
    expect([...rates.replicas]).toEqual([
      ['frr', 200],
      ['bird', 0],
      ['openbgpd', 1],
    ]);
    expect(rates.neighbors.get('10.0.1.2')).toBe(5);
  });

  test('none across a restart of the hypervisor or at the same moment; a counter that began anew is no rate', () => {
    expect(ratesBetween(before, later({ pid: 1 }))).toBeUndefined();
    expect(ratesBetween(before, status())).toBeUndefined();
    const after = later({ neighbors: [neighbor(1, { messagesIn: 3 }), neighbor(9, { messagesIn: 500 })] });
    expect([...ratesBetween(before, after)!.neighbors.values()]).toEqual([0, 0]);
  });

  test.each([
    [undefined, '–'],
    [0, '0'],
    [0.01, '<0.1'],
    [0.44, '0.4'],
    [9.94, '9.9'],
    [9.96, '10'],
    [3400.4, '3,400'],
  ])('%s reads %s', (rate, text) => expect(rateText(rate)).toBe(text));
});
