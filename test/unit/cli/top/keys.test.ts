// Keys as terminals send them, in whatever pieces, and what they do to the state.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyReader } from '../../../../cli/top/keys.js';
import { INTERVALS, press, type Reaction } from '../../../../cli/top/keys-to-state.js';
import type { TopState } from '../../../../cli/top/state.js';
import { contested, picture, state } from './pictures.js';

const SIZE = { columns: 80, rows: 24 };
const read = (...texts: string[]): string[] => {
  const reader = new KeyReader();
  return texts.flatMap((text) => reader.read(text));
};

describe('reading', () => {
  test.each([
    ['q', ['q']],
    ['\x03', ['ctrl-c']],
    ['\x1b[A\x1b[B\x1bOA\x1b[1;5C', ['up', 'down', 'up']],
    ['\x1b[5~\x1b[6~\x1b[H\x1b[4~\x1bOF', ['page-up', 'page-down', 'home', 'end', 'end']],
    ['\t\x1b[Z\r\x7f', ['tab', 'back-tab', 'enter', 'backspace']],
    ['\x1b', ['escape']],
    ['\x1b[200~paste\x1b[201~', ['p', 'a', 's', 't', 'e']],
    ['ä漢👍', ['ä', '漢', '👍']],
    ['\x01\x02', []],
  ])('%j', (text, keys) => expect(read(text)).toEqual(keys));

  test('sequences in pieces', () => {
    expect(read('\x1b[', '5~')).toEqual(['page-up']);
    expect(read('\x1b[1;', '5Cq')).toEqual(['q']);
  });

  test('a sequence without an end is given up: keys go on to work', () => {
    expect(read(`\x1b[${'1;'.repeat(40)}`, 'q').at(-1)).toBe('q');
  });

  test('any text in any pieces gives keys, and control characters never as themselves', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { maxLength: 5 }), (texts) => {
        for (const key of read(...texts)) expect(key).not.toMatch(/[\x00-\x1f]/);
      }),
    );
  });
});

/** After these keys, one after the other. */
function after(from: TopState, ...keys: string[]): Reaction {
  return keys.reduce<Reaction>((reaction, key) => press(reaction.state, key, SIZE), { state: from });
}

describe('in the overview', () => {
  const many = state({ picture: picture(contested(50)) });

  test('Tab goes round, backwards too', () => {
    expect(after(state(), 'tab').state.pane).toBe('replicas');
    expect(after(state(), 'tab', 'tab', 'tab', 'tab').state.pane).toBe('neighbors');
    expect(after(state(), 'back-tab').state.pane).toBe('findings');
  });

  test('rows are chosen, and no further than the ends', () => {
    expect(after(state(), 'down').state.selected.neighbors).toBe('10.0.2.2');
    expect(after(state(), 'down', 'down', 'down', 'down').state.selected.neighbors).toBe('10.0.3.2');
    expect(after(state(), 'up').state.selected.neighbors).toBe('10.0.1.2');
    expect(after({ ...many, pane: 'ballots' }, 'end').state.selected.ballots).toBe('192.0.49.0/24 10.0.1.2');
    expect(after({ ...many, pane: 'ballots' }, 'end', 'page-up').state.selected.ballots).toBe('192.0.43.0/24 10.0.1.2');
  });

  test('the chosen row stays chosen when others come and go', () => {
    const chosen = after({ ...many, pane: 'ballots' }, 'end').state;
    const fewer = picture({ ballots: contested(50).ballots.slice(40), ballotsTotal: 10 });
    expect(after({ ...chosen, picture: fewer }, 'up').state.selected.ballots).toBe('192.0.48.0/24 10.0.1.2');
  });

  test('Enter looks at the chosen row, and only when there is one', () => {
    const { state: looking, wish } = after(state(), 'tab', 'down', 'enter');
    expect(looking.detail).toMatchObject({
      subject: { pane: 'replicas', key: 'bird' },
      title: 'bird',
      lines: undefined,
    });
    expect(wish).toBe('look');
    expect(after(state({ pane: 'ballots' }), 'enter')).toEqual({ state: state({ pane: 'ballots' }) });
  });

  test('quit, suspend, draw anew, ask', () => {
    expect(['q', 'ctrl-c', 'ctrl-z', 'ctrl-l', 'r'].map((key) => after(state(), key).wish)).toEqual([
      'quit',
      'quit',
      'suspend',
      'redraw',
      'ask',
    ]);
  });

  test('pause and pace', () => {
    expect(after(state(), 'p')).toMatchObject({ state: { paused: true }, wish: 'pace' });
    expect(after(state(), 'p', ' ').state.paused).toBe(false);
    expect(after(state(), '+').state.interval).toBe(2000);
    expect(after(state(), '-').state.interval).toBe(500);
    const far = (key: string): number => after(state(), ...Array<string>(20).fill(key)).state.interval;
    expect([far('-'), far('+')]).toEqual([INTERVALS[0], INTERVALS.at(-1)]);
  });

  test('a filter is typed, edited, kept and given up; its letters are no commands', () => {
    const typed = after(state(), '/', 'q', 'ä', 'x', 'backspace').state;
    expect(typed).toMatchObject({ filter: 'qä', typing: true });
    expect(after(typed, 'enter').state).toMatchObject({ filter: 'qä', typing: false });
    expect(after(typed, 'escape').state).toMatchObject({ filter: '', typing: false });
    expect(after(typed, 'enter', 'escape').state.filter).toBe('');
    expect(after(typed, 'ctrl-c').wish).toBe('quit');
    expect(after(state(), '/', ...Array<string>(500).fill('x')).state.filter.length).toBeLessThanOrEqual(100);
  });
});

describe('close up', () => {
  const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`);
  const looking = state({ detail: { subject: { pane: 'ballots', key: 'x' }, title: 't', lines, top: 0 } });

  test('scrolls between the ends, and Esc goes back', () => {
    expect(after(looking, 'end').state.detail?.top).toBe(100 - (SIZE.rows - 2));
    expect(after(looking, 'end', 'home').state.detail?.top).toBe(0);
    expect(after(looking, 'up').state.detail?.top).toBe(0);
    expect(after(looking, 'escape').state.detail).toBeUndefined();
    expect(after(looking, 'r').wish).toBe('look');
    expect(after(looking, 'q').wish).toBe('quit');
  });

  test('help scrolls, and any other key ends it without doing what it does otherwise', () => {
    const help = after(state(), 'h').state;
    expect(help.help).toBe(true);
    expect(after({ ...help }, 'end').state.helpTop).toBeGreaterThan(0);
    expect(after(help, 'p').state).toMatchObject({ help: false, paused: false });
    expect(after(help, 'ctrl-c').wish).toBe('quit');
  });
});
