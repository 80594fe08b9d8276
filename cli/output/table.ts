// Text tables for people: columns as wide as their widest cell, numbers to the right. Owns layout; cells are made safe before they are
// measured, so that nothing in one shifts, hides or forges another.
import { safeText } from './safe-text.js';
import { displayWidth } from './width.js';

type Cells = readonly (string | number | null)[];

/** A table with a header line; cells that look like numbers are aligned right. `indent` spaces stand before each line. */
export function table(header: readonly string[], rows: readonly Cells[], indent = 0): string {
  return tableLines(header, rows, indent).join('\n');
}

/** The same, line by line. */
export function tableLines(header: readonly string[], rows: readonly Cells[], indent = 0): string[] {
  const cells = rows.map((row) =>
    row.map((cell) => (cell === null ? '-' : typeof cell === 'number' ? count(cell) : safeText(cell))),
  );
  const widths = header.map((title, i) =>
    cells.reduce((widest, row) => Math.max(widest, displayWidth(row[i] ?? '')), title.length),
  );
  const right = header.map(
    (_, i) => cells.length > 0 && rows.every((row) => typeof row[i] === 'number' || row[i] === null),
  );
  const line = (row: readonly string[]): string => {
    const parts = row.map((cell, i) => {
      const space = ' '.repeat(Math.max(0, widths[i] - displayWidth(cell)));
      return right[i] ? space + cell : cell + space;
    });
    return `${' '.repeat(indent)}${parts.join('  ')}`.trimEnd();
  };
  return [line(header), ...cells.map(line)];
}

/** 1234567 → "1,234,567"; fractions keep what they have. */
export function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 3 });
}

/** Seconds as people say them: 42s, 3m12s, 5h02m, 4d07h. */
export function duration(seconds: number): string {
  const s = Math.floor(seconds);
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${String(s % 60).padStart(2, '0')}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h${String(Math.floor(s / 60) % 60).padStart(2, '0')}m`;
  return `${Math.floor(s / 86400)}d${String(Math.floor(s / 3600) % 24).padStart(2, '0')}h`;
}

/** Bytes with a binary unit: 512 B, 3.4 MiB. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let rest = value;
  while (rest >= 1024 && unit < units.length - 1) {
    rest /= 1024;
    unit++;
  }
  return `${unit === 0 ? rest : rest.toFixed(1)} ${units[unit]}`;
}
