// What is said about a mistake in a configuration file, and how it is printed. Finding mistakes is the readers' work.

/** One mistake. Line and column count from 1; `key` is the path to it, as `neighbors[1].peer-as`. */
export interface Diagnostic {
  file: string;
  line: number;
  column: number;
  key: string;
  /** Says what is wrong and what was expected. */
  message: string;
}

/** `router.yaml:4:7: neighbors[1].peer-as: expected …` */
export function formatDiagnostic(d: Diagnostic): string {
  return `${d.file}:${d.line}:${d.column}: ${d.key === '' ? '' : `${d.key}: `}${d.message}`;
}

/** Edit distance (insert, delete, replace, swap of neighbours), for suggestions. */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => [i, ...new Array<number>(b.length).fill(0)]);
  for (let j = 0; j <= b.length; j++) rows[0][j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
  }
  return rows[a.length][b.length];
}

/** The candidate that was probably meant, or undefined when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const plain = (s: string): string => s.toLowerCase().replaceAll('_', '-');
  const limit = Math.max(1, Math.floor(word.length / 3));
  const scored = candidates.map((name) => ({ name, score: distance(plain(word), plain(name)) }));
  const best = scored.sort((a, b) => a.score - b.score)[0];
  if (best !== undefined && best.score <= limit) return best.name;
  // A word that is part of the right one ("address" for "neighbor-address") is far in letters but near in meaning.
  const holders = candidates.filter((name) => word.length >= 3 && plain(name).split('-').includes(plain(word)));
  return holders.length === 1 ? holders[0] : undefined;
}

/** ` (did you mean "x"?)`, or nothing. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const name = nearest(word, candidates);
  return name === undefined ? '' : ` (did you mean "${name}"?)`;
}
