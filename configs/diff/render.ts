// A difference of configurations as people read it. Owns the words; values come out of compare.ts and are cut where they are long.
import path from 'node:path';
import type { Change, ChangeClass, ConfigDiff } from './types.js';
import { CHANGE_CLASSES } from './types.js';

const LONGEST_VALUE = 120;

const HEADINGS: Record<ChangeClass, string> = {
  live: 'applied at once:',
  session: 'the sessions of these neighbours are opened anew:',
  replicas: 'replicas are restarted one after the other:',
  restart: 'only with a restart of the router (not applied by reload):',
};

function cut(text: string): string {
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE)} … (${text.length} characters)`;
}

function renderChange({ key, old, new: value, session, class: takes, file, line }: Change): string {
  const place = `${path.basename(file)}:${line}`;
  const also = session && takes === 'replicas' && old !== null && value !== null ? ' (its session is opened anew)' : '';
  if (old === null) return `  + ${key}: ${cut(value ?? '')}    ${place}`;
  if (value === null) return `  - ${key}: ${cut(old)}    ${place}`;
  const text = old === value ? `${cut(value)} (changed)` : `${cut(old)} -> ${cut(value)}`;
  return `  ~ ${key}: ${text}${also}    ${place}`;
}

/** One line for each change, by what it takes; a sentence when there is none. */
export function renderDiff({ changes }: ConfigDiff): string {
  if (changes.length === 0) return 'no difference';
  return CHANGE_CLASSES.flatMap((takes) => {
    const some = changes.filter((change) => change.class === takes);
    return some.length === 0 ? [] : [HEADINGS[takes], ...some.map(renderChange)];
  }).join('\n');
}
