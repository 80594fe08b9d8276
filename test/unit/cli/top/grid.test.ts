// Columns: what is left out first, what is cut, what is marked.
import { describe, expect, test } from 'vitest';
import { grid, type Column } from '../../../../cli/top/grid.js';
import { paint, plain } from '../../../../cli/top/line.js';

const COLUMNS: Column[] = [
  { title: 'NAME', spare: 0 },
  { title: 'NUMBER', align: 'right', spare: 1 },
  { title: 'RARE', spare: 5 },
  { title: 'TEXT', spare: 2 },
];
const ROWS = [
  { key: 'a', cells: [{ text: 'frr' }, { text: '1' }, { text: 'rare' }, { text: 'a text of some length' }] },
  { key: 'b', cells: [{ text: 'openbgpd', tone: 'bad' as const }, { text: '1,000' }, { text: '' }, { text: 'short' }] },
];

function drawn(width: number, chosen?: string): string[] {
  const { header, rows } = grid(COLUMNS, ROWS, width, chosen);
  return [header, ...rows].map((line) => plain(line, width));
}

test('as wide as what is in them, numbers to the right', () => {
  expect(drawn(80)).toEqual([
    '  NAME      NUMBER  RARE  TEXT',
    '  frr            1  rare  a text of some length',
    '  openbgpd   1,000        short',
  ]);
});

test('the last one is cut; then the least important ones are left out, the others never', () => {
  expect(drawn(40)[1]).toBe('  frr            1  rare  a text of som…');
  expect(drawn(30)).toEqual([
    '  NAME      NUMBER  TEXT',
    '  frr            1  a text of…',
    '  openbgpd   1,000  short',
  ]);
  expect(drawn(19)).toEqual(['  NAME      NUMBER', '  frr            1', '  openbgpd   1,000']);
  expect(drawn(10)[2]).toBe('  openbgpd');
  expect(drawn(8)[2]).toBe('  openb…');
});

test('the chosen row is marked from edge to edge', () => {
  const { rows } = grid(COLUMNS, ROWS, 40, 'b');
  expect(paint(rows[1], 40, true)).toBe(`\x1b[7m${'> openbgpd   1,000        short'.padEnd(40)}\x1b[0m`);
  expect(plain(rows[0], 40)).toMatch(/^ {2}frr/);
});

test('room that is left keeps columns where they are', () => {
  const columns: Column[] = [
    { title: 'N', align: 'right', spare: 0, least: 5 },
    { title: 'T', spare: 0 },
  ];
  const of = (n: string, width: number): string =>
    plain(grid(columns, [{ key: 'k', cells: [{ text: n }, { text: 'text' }] }], width).rows[0], width);
  expect(of('1', 40)).toBe('      1  text');
  expect(of('99,999', 40)).toBe('  99,999  text');
  expect(of('1', 10)).toBe('   1  text');
});

describe('hostile text', () => {
  const row = (text: string) =>
    grid(
      [
        { title: 'T', spare: 0 },
        { title: 'U', spare: 0 },
      ],
      [{ key: 'k', cells: [{ text }, { text: 'u' }] }],
      30,
    ).rows[0];

  test('control characters become visible, and count in the width', () => {
    expect(plain(row('\x1b[2Jx'), 30)).toBe('  \\x1b[2Jx  u');
  });

  test('wide characters are two columns', () => {
    expect(plain(row('漢字'), 30)).toBe('  漢字  u');
    expect(plain(grid([{ title: 'T', spare: 0 }], [{ key: 'k', cells: [{ text: '漢字漢字' }] }], 9).rows[0], 9)).toBe(
      '  漢字漢…',
    );
  });
});
