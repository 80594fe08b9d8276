// Text tables for people: columns as wide as their longest cell, numbers to the right. Owns layout only.

/** A table with a header line; cells that look like numbers are aligned right. `indent` spaces stand before each line. */
export function table(
  header: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
  indent = 0,
): string {
  const cells = rows.map((row) =>
    row.map((cell) => (cell === null ? '-' : typeof cell === 'number' ? count(cell) : cell)),
  );
  const widths = header.map((title, i) => Math.max(title.length, ...cells.map((row) => (row[i] ?? '').length)));
  const right = header.map(
    (_, i) => cells.length > 0 && rows.every((row) => typeof row[i] === 'number' || row[i] === null),
  );
  const line = (row: readonly string[]): string => {
    const parts = row.map((cell, i) => (right[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i])));
    return `${' '.repeat(indent)}${parts.join('  ')}`.trimEnd();
  };
  return [line(header), ...cells.map(line)].join('\n');
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
