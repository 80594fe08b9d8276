// How wide text is in a terminal, and cutting it to fit: wide East Asian characters take two columns, combining ones none. Owns widths only;
// what is unsafe in a text has to be gone before (safe-text.ts).
import stringWidth from 'string-width';

const ASCII = /^[\x20-\x7e]*$/;
/** A character with more combining marks than any language needs is there to smear over the lines above and below. */
const MAX_CLUSTER = 8;
const clusters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Columns that `text` takes. */
export function displayWidth(text: string): number {
  return ASCII.test(text) ? text.length : stringWidth(text);
}

/** `text` in at most `width` columns; what was cut ends in `…`. */
export function cut(text: string, width: number): string {
  if (width <= 0) return '';
  if (ASCII.test(text)) return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
  let [kept, used, keptUsed] = ['', 0, 0];
  for (const { segment } of clusters.segment(text)) {
    const cluster = segment.length > MAX_CLUSTER ? '\ufffd' : segment;
    used += stringWidth(cluster);
    if (used > width) return `${withoutLast(kept, keptUsed, width - 1)}…`;
    kept += cluster;
    keptUsed = used;
  }
  return kept;
}

/** `kept`, which is `used` columns wide, in `width` columns. */
function withoutLast(kept: string, used: number, width: number): string {
  if (used <= width) return kept;
  let rest = '';
  let columns = 0;
  for (const { segment } of clusters.segment(kept)) {
    columns += stringWidth(segment);
    if (columns > width) break;
    rest += segment;
  }
  return rest;
}

/** `text` in exactly `width` columns. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const short = cut(text, width);
  const space = ' '.repeat(Math.max(0, width - displayWidth(short)));
  return align === 'left' ? short + space : space + short;
}

/** `text` in lines of at most `width` columns, broken at spaces where that is possible; all but the first begin with `hang` spaces more. */
export function wrap(text: string, width: number, hang = 2): string[] {
  const indent = /^ */.exec(text)![0];
  const next = ' '.repeat(Math.min(indent.length + hang, Math.max(0, width - 10)));
  const lines: string[] = [];
  let line = indent.slice(0, next.length);
  let empty = true;
  for (let word of text.slice(indent.length).split(' ')) {
    while (displayWidth(line) + (empty ? 0 : 1) + displayWidth(word) > width) {
      if (!empty) {
        lines.push(line);
        [line, empty] = [next, true];
        continue;
      }
      const head = headOf(word, Math.max(1, width - displayWidth(line)));
      lines.push(line + head);
      word = word.slice(head.length);
      line = next;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  if (!empty || lines.length === 0) lines.push(line);
  return lines;
}

/** As much of `word` as fits, at least one character. */
function headOf(word: string, width: number): string {
  let head = '';
  for (const { segment } of clusters.segment(word)) {
    if (head !== '' && displayWidth(head + segment) > width) break;
    head += segment;
  }
  return head;
}
