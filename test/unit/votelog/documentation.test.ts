// docs/vote-log.md against itself and against what is written: its real lines are as its tables say, every kind has a level, and the kinds that
// a level is given for are documented.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { isWritten, levelOf } from '../../../votelog/levels.js';
import { DocumentedLog } from '../../support/documented-log.js';

const FILE = path.resolve(import.meta.dirname, '../../../docs/vote-log.md');
const text = readFileSync(FILE, 'utf8');
const documented = DocumentedLog.load();
const shown = [...text.matchAll(/^\{"v":.*\}$/gm)].map(([line]) => JSON.parse(line) as Record<string, unknown>);

describe('docs/vote-log.md', () => {
  test('shows real lines that are as its tables say', () => {
    expect(shown.length).toBeGreaterThan(15);
    for (const record of shown) expect(documented.problems(record)).toEqual([]);
  });

  test('names the level of every kind that is not written at all levels', () => {
    for (const kind of documented.kinds.keys()) {
      const section = text.split(/^### /m).find((part) => part.split('\n')[0].includes(`\`${kind}\``))!;
      const level = /Level `(\w+)`/.exec(section)?.[1] ?? 'faults';
      if (!kind.startsWith('known-difference-ends')) expect([kind, level]).toEqual([kind, levelOf(kind)]);
      expect(isWritten(kind, 'all')).toBe(true);
    }
  });

  test('does not take what it does not say', () => {
    const record = shown.find(({ kind }) => kind === 'dissent-begins');
    const problems = (change: Record<string, unknown>): string => documented.problems({ ...record, ...change }).join();
    expect(problems({ surprise: 1 })).toContain('undocumented surprise');
    expect(problems({ kind: 'new' })).toContain('kind new is not documented');
    expect(problems({ latency: 'soon' })).toContain('latency is no ms');
    expect(problems({ votes: [{ replica: 'frr' }] })).toContain('votes[0] has no counts');
    expect(problems({ vote: { MED: 5 } })).toContain('vote is no route');
    expect(problems({ replica: undefined })).toContain('replica is no text');
  });
});
