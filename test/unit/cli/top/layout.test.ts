// What `btr top` shows: nothing beyond the screen at any size, who is in trouble even where there is little room, and nothing in which the
// network could act on a terminal.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { layout, page, share, type Size } from '../../../../cli/top/layout.js';
import { paint, plain } from '../../../../cli/top/line.js';
import { PANES, type TopState } from '../../../../cli/top/state.js';
import { displayWidth } from '../../../../cli/output/width.js';
import { ballot, contested, neighbor, pattern, picture, replica, state, status } from './pictures.js';

const WIDE: Size = { columns: 120, rows: 40 };
const USUAL: Size = { columns: 80, rows: 24 };
const SMALL: Size = { columns: 40, rows: 15 };

function screen(of: TopState, size: Size): string[] {
  return layout(of, size).map((line) => plain(line, size.columns));
}

/** openbgpd lies, the last one of three; there are many contested ballots. */
const lying = picture({
  status: status({
    replicas: [
      replica('frr'),
      replica('bird'),
      replica('openbgpd', { dissents: 24, faults: { open: 2, found: 2, known: 0 } }),
    ],
    neighbors: [1, 2, 3, 4, 5, 6].map((n) => neighbor(n, n === 6 ? { state: 'Active', lastError: 'refused' } : {})),
    ballots: { total: 5998, unanimous: 5974, contested: 24, withoutMajority: 0 },
  }),
  ...contested(24),
  patterns: [pattern()],
});

describe('the overview', () => {
  test('all panes on a usual screen, from the first line to the keys on the last one', () => {
    const lines = screen(state(), USUAL);
    expect(lines).toHaveLength(USUAL.rows);
    expect(lines[0]).toMatch(/^btr 0\.1\.0  16:06:57  up 2m25s  AS 64900/);
    expect(lines[1]).toBe('3 of 3 vote, tolerates 1 faulty: frr, bird, openbgpd');
    expect(lines[2]).toBe('agreement 100.000 %, contested 0, without majority 0, of 5,998 ballots');
    for (const head of ['NEIGHBOUR', 'REPLICA', 'CONTESTED', 'FINDING']) {
      expect(lines.filter((line) => line.trimStart().startsWith(head))).toHaveLength(1);
    }
    expect(lines).toContain('  no contested ballots');
    expect(lines.at(-1)).toMatch(/^q quit/);
  });

  test.each(PANES)('who is in trouble is seen beside many contested ballots, whatever is looked at: %s', (pane) => {
    const text = screen(state({ picture: lying, pane }), USUAL).join('\n');
    expect(text).toMatch(/openbgpd +voting.* 24 /);
    expect(text).toMatch(/10\.0\.6\.2 .*Active/);
    expect(text).toMatch(/openbgpd +different +open +12/);
    expect(text).toMatch(/192\.0\.\d+\.0\/24 .*openbgpd/);
  });

  test('a small screen shows one pane, and how much the others have', () => {
    const lines = screen(state({ picture: lying, pane: 'ballots' }), SMALL);
    expect(lines).toHaveLength(SMALL.rows);
    expect(lines).toContain('peers 6 replicas 3 contested 24 faults 1');
    expect(lines.filter((line) => line.includes('192.0.')).length).toBeGreaterThan(4);
    expect(lines.join('\n')).not.toContain('NEIGHBOUR');
  });

  test('of ballots that were not fetched there is the number', () => {
    const text = screen(state({ picture: { ...lying, ballotsTotal: 12_345 }, pane: 'ballots' }), WIDE).join('\n');
    expect(text).toMatch(/CONTESTED .* 1–\d+ of 12345/);
  });

  test('what is looked at scrolls with the chosen row', () => {
    const chosen = { ballots: '192.0.23.0/24 10.0.1.2' };
    const lines = screen(state({ picture: lying, pane: 'ballots', selected: chosen }), USUAL);
    expect(lines.filter((line) => line.startsWith('> '))).toEqual([expect.stringMatching(/^> 192\.0\.23\.0\/24/)]);
  });

  test('columns stay where they are when numbers grow', () => {
    const [few, many] = [1, 987_654].map((prefixesIn) => {
      const changed = picture({ status: status({ neighbors: [neighbor(1, { prefixesIn, uptime: prefixesIn })] }) });
      return screen(state({ picture: changed }), WIDE).find((line) => line.includes('10.0.1.2'))!;
    });
    expect(few.indexOf('748')).toBe(many.indexOf('748'));
  });

  test('a filter that nothing meets says so; one that a row meets shows that row', () => {
    expect(screen(state({ picture: lying, filter: 'nobody' }), USUAL)).toContain('  nothing contains "nobody"');
    const text = screen(state({ picture: lying, filter: '10.0.6.' }), USUAL).join('\n');
    expect(text).toContain('10.0.6.2');
    expect(text).not.toContain('10.0.5.2');
  });

  test('without a hypervisor: why, in full', () => {
    const lost = 'no hypervisor answers on /some/rather/long/path/to/control.sock: is "btr run" running?';
    const lines = screen(state({ picture: undefined, lost }), SMALL);
    expect(lines[0]).toBe('btr  not connected, trying again');
    expect(lines.join(' ').replace(/ +/g, ' ')).toContain('is "btr run" running?');
    expect(lines.join('\n')).not.toContain('NEIGHBOUR');
  });

  test('a hypervisor that has gone: the last picture, and that it is old', () => {
    const lines = screen(state({ lost: 'the connection was closed' }), USUAL);
    expect(lines[0]).toContain('btr 0.1.0  not connected, trying again');
    expect(lines[1]).toBe('the connection was closed');
    expect(lines.join('\n')).toContain('10.0.1.2');
  });
});

describe('trouble in the header', () => {
  const head = (of: TopState): string => screen(of, { columns: 200, rows: 60 }).slice(0, 8).join('\n');

  test('alarms, a forwarding table that does not answer, faults put in on purpose', () => {
    const injection = { replica: 'bird', kind: 'wrong-nexthop' } as never;
    const text = head(
      state({
        picture: picture({
          status: status({
            alarms: [{ kind: 'tolerance', text: 'one more fault cannot be outvoted', since: '2026-11-21T16:00:01Z' }],
            fibError: 'it is gone',
          }),
          injections: [injection],
        }),
      }),
    );
    expect(text).toContain('ALARM since 16:00:01: one more fault cannot be outvoted');
    expect(text).toContain('forwarding table: it is gone');
    expect(text).toContain('faults put in on purpose (btr inject): wrong-nexthop into bird');
  });

  test('many alarms take three lines', () => {
    const alarms = Array.from({ length: 9 }, (_, i) => ({
      kind: 'quorum' as const,
      text: `number ${i}`,
      since: '2026-11-21T16:00:01Z',
    }));
    const text = head(state({ picture: picture({ status: status({ alarms }) }) }));
    expect(text).toContain('number 1');
    expect(text).toContain('… and 7 more (btr status)');
    expect(text).not.toContain('number 2');
  });

  test('closed sessions, a master, what the kernel refuses', () => {
    const fib = { installed: 10, routes: 12, failing: 2 } as never;
    const text = head(state({ picture: picture({ status: status({ open: false, master: 'bird', fib }) }) }));
    expect(text).toContain('sessions are closed, master bird');
    expect(text).toContain('kernel refuses 2; kernel has 10 of 12');
  });

  test('agreement is 100 % only when it is all', () => {
    const ballots = { total: 1_000_000, unanimous: 999_999, contested: 1, withoutMajority: 0 };
    expect(head(state({ picture: picture({ status: status({ ballots }) }) }))).toContain('agreement 99.999 %');
  });
});

test('text without a terminal has every row of every pane', () => {
  const text = page(state({ picture: lying }), 160).map((line) => plain(line, 160));
  expect(text.filter((line) => line.includes('192.0.'))).toHaveLength(24);
  expect(text.filter((line) => line.includes('> '))).toEqual([]);
});

describe('details and help', () => {
  const subject = { pane: 'ballots' as const, key: 'x' };
  const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`);

  test('scrolls, and says where', () => {
    const shown = screen(state({ detail: { subject, title: '192.0.2.0/24', lines, top: 10 } }), USUAL);
    expect(shown[0]).toBe('192.0.2.0/24   11–32 of 100');
    expect(shown[1]).toBe('line 10');
    expect(shown.at(-1)).toContain('Esc back');
  });

  test('the end stays at the bottom when the text has become shorter', () => {
    const shown = screen(state({ detail: { subject, title: 't', lines, top: 1000 } }), USUAL);
    expect(shown.at(-2)).toBe('line 99');
  });

  test('until the answer is there', () => {
    expect(screen(state({ detail: { subject, title: 't', lines: undefined, top: 0 } }), USUAL)[1]).toBe('asking …');
  });

  test('the help fits the width', () => {
    expect(screen(state({ help: true }), USUAL).join('\n')).toContain('quit');
  });
});

describe('whatever the size and the texts', () => {
  const size = fc.record({ columns: fc.integer({ min: 1, max: 200 }), rows: fc.integer({ min: 1, max: 70 }) });
  /** Escape sequences, wide and combining characters, bidirectional controls, newlines, and anything else. */
  const nasty = fc.oneof(
    fc.constantFrom(
      '\x1b]0;owned\x07',
      '\x1b[2J\x1b[H',
      '\u202egnp.exe',
      '漢字漢字',
      'e\u0301\u0301\u0301\u0301',
      'a\r\nb',
      '\x9b31m',
      '👩‍👩‍👧‍👦',
    ),
    fc.string({ unit: 'binary', maxLength: 60 }),
  );
  const anyState = fc
    .record({
      texts: fc.array(nasty, { minLength: 6, maxLength: 6 }),
      pane: fc.constantFrom(...PANES),
      many: fc.integer({ min: 0, max: 40 }),
      view: fc.constantFrom('overview', 'detail', 'help', 'typing', 'lost'),
      top: fc.nat(300),
    })
    .map(({ texts, pane, many, view, top }): TopState => {
      const [error, name, text, prefix, alarm, filter] = texts;
      return state({
        pane,
        picture: picture({
          status: status({
            neighbors: [neighbor(1, { lastError: error, state: text })],
            replicas: [replica(name, { lastError: error })],
            electorate: [name],
            alarms: [{ kind: 'quorum', text: alarm, since: text }],
          }),
          ballots: Array.from({ length: many }, () => ballot(prefix, { neighbor: name })),
          ballotsTotal: many,
          patterns: [pattern({ replica: name, text, changes: [] })],
        }),
        help: view === 'help',
        helpTop: top,
        typing: view === 'typing',
        filter: view === 'typing' ? filter : '',
        lost: view === 'lost' ? error : undefined,
        detail: view === 'detail' ? { subject: { pane, key: 'x' }, title: prefix, lines: texts, top } : undefined,
      });
    });

  test('no line is wider than the screen, there are not more than fit, and only our own sequences are in them', () => {
    fc.assert(
      fc.property(anyState, size, (of, where) => {
        const lines = layout(of, where);
        expect(lines.length).toBeLessThanOrEqual(where.rows);
        for (const line of lines) {
          const painted = paint(line, where.columns, true);
          const bare = painted.replace(/\x1b\[[\d;]*m/g, '');
          expect(displayWidth(bare)).toBeLessThanOrEqual(where.columns);
          expect(bare).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
        }
      }),
      { numRuns: 100 },
    );
  });
});

test('rows are shared: one for each pane, half at most for the one that is looked at, nothing wasted', () => {
  expect(share([3, 3, 24, 1], 2, 10)).toEqual([2, 2, 5, 1]);
  expect(share([1, 1, 1, 1], 0, 20)).toEqual([1, 1, 1, 1]);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 4, maxLength: 4 }),
      fc.nat(3),
      fc.integer({ min: 4, max: 60 }),
      (wanted, focus, rows) => {
        const given = share(wanted, focus, rows);
        const sum = given.reduce((a, b) => a + b, 0);
        expect(sum).toBe(
          Math.min(
            rows,
            wanted.reduce((a, b) => a + b, 0),
          ),
        );
        given.forEach((one, i) => expect(one).toBeLessThanOrEqual(wanted[i]));
        expect(Math.min(...given)).toBeGreaterThanOrEqual(1);
      },
    ),
  );
});
