// The example configurations have no mistakes.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../configs/load.js';

const FOLDER = path.join(import.meta.dirname, '../../../configs/examples');

describe('examples', () => {
  it.each(readdirSync(FOLDER).filter((name) => name.endsWith('.yaml')))('%s has no mistakes', (name) => {
    const { diagnostics } = parseConfig(readFileSync(path.join(FOLDER, name), 'utf8'), name);
    expect(diagnostics ?? []).toEqual([]);
  });
});
