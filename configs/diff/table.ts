// The table of keys as docs/reload.md shows it. Owns its form; the contents are keys.ts.
import { KEY_RULES } from './keys.js';
import type { ChangeClass, KeyRule } from './types.js';

const WORDS: Record<ChangeClass, string> = {
  live: 'at once',
  session: "that neighbour's session is opened anew",
  replicas: 'replicas are restarted one after the other',
  restart: 'needs a restart of the router',
};

function wordsOf({ class: takes, session }: KeyRule): string {
  return takes === 'replicas' && session === true ? `${WORDS.session}; ${WORDS.replicas}` : WORDS[takes];
}

function sectionOf(key: string): string {
  return key.split(/[.[]/)[0];
}

/** Markdown; neighbouring keys of one section that are treated alike share a row. */
export function keyTable(): string {
  const rows: { keys: string[]; last: KeyRule }[] = [];
  for (const rule of KEY_RULES) {
    const row = rows.at(-1);
    const alike =
      row !== undefined &&
      sectionOf(row.last.key) === sectionOf(rule.key) &&
      wordsOf(row.last) === wordsOf(rule) &&
      row.last.note === rule.note;
    if (alike) row.keys.push(rule.key);
    else rows.push({ keys: [rule.key], last: rule });
  }
  const lines = rows.map(({ keys, last }) => {
    const names = keys.map((key) => `\`${key}\``).join(', ');
    const takes = wordsOf(last) + (last.note === undefined ? '' : ` (${last.note})`);
    return `| ${names} | ${takes} |`;
  });
  return ['| keys | a change is applied |', '| --- | --- |', ...lines].join('\n');
}
