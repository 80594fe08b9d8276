// docs/architecture.md, the tree, the import rule and the list of verbs name the same things.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { commands } from '../../cli/commands/index.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PAGE = readFileSync(path.join(ROOT, 'docs/architecture.md'), 'utf8');
/** Not source: what is fetched, built or written about it. */
const OTHERS = ['dist', 'docs', 'node_modules'];

/** Cells of the rows whose first cell is `pattern` in backticks. */
function rows(pattern: RegExp): string[][] {
  const lines = PAGE.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  return lines.filter(([, first]) => pattern.test(first ?? '')).map(([, ...cells]) => cells);
}

function foldersIn(directory: string): string[] {
  const entries = readdirSync(path.join(ROOT, directory), { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return names.filter((name) => !name.startsWith('.') && !OTHERS.includes(name));
}

interface ImportRule {
  LAYERS: string[];
  PURE: Record<string, string[]>;
}
const rule = (await import(pathToFileURL(path.join(ROOT, 'scripts/lint/import-layers.mjs')).href)) as ImportRule;

describe('docs/architecture.md', () => {
  test('has every folder, in the order of the import rule, and says which are pure', () => {
    const table = rows(/^`[a-z]+\/`$/);
    const names = table.map(([folder]) => folder.replace(/[`/]/g, ''));
    expect([...names].sort()).toEqual(foldersIn('.').sort());
    expect(names.slice(0, rule.LAYERS.length)).toEqual(rule.LAYERS);
    const pure = table.filter(([, , last]) => last === 'yes').map(([folder]) => folder.replace(/[`/]/g, ''));
    expect(pure.sort()).toEqual(Object.keys(rule.PURE).sort());
  });

  test('has every folder of the running process', () => {
    const names = rows(/^`hypervisor\/[a-z-]+\/`$/).map(([folder]) => folder.slice('`hypervisor/'.length, -2));
    expect(names).toEqual(foldersIn('hypervisor').sort());
  });

  test('has every verb, in the order of btr --help', () => {
    const shown = commands.filter(({ describe: text }) => typeof text === 'string');
    const verbs = shown.map(({ command }) => String(command).split(' ')[0]);
    expect(rows(/^`btr [a-z-]+`$/).map(([verb]) => verb.slice('`btr '.length, -1))).toEqual(verbs);
    for (const verb of verbs) expect(existsSync(path.join(ROOT, `cli/commands/${verb}.ts`)), verb).toBe(true);
  });

  test('names only files and pages that there are', () => {
    const files = [...PAGE.matchAll(/`([a-z][\w/.-]*\/[\w.-]*)`/g)].map(([, file]) => file);
    const pages = [...PAGE.matchAll(/\]\(([^)#]+)\)/g)].map(([, page]) => path.join('docs', page));
    expect(files.length + pages.length).toBeGreaterThan(100);
    expect([...files, ...pages].filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
  });
});
