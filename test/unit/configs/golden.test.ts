// What each line of the common configuration becomes in the three native ones: every folder of test/golden/configs holds
// a router.yaml and the files it must give. UPDATE_GOLDEN=1 writes them anew; review the difference before committing.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { generate } from '../../../configs/generate/index.js';
import { parseConfig } from '../../../configs/load.js';

const FOLDER = path.join(import.meta.dirname, '../../golden/configs');

const MAIN_FILES = ['bird.conf', 'frr.conf', 'openbgpd.conf'];

function generated(name: string): Map<string, string> {
  const { config, diagnostics } = parseConfig(
    readFileSync(path.join(FOLDER, name, 'router.yaml'), 'utf8'),
    'router.yaml',
  );
  expect(diagnostics).toBeUndefined();
  const files = new Map<string, string>();
  for (const replica of config!.replicas) {
    const dir = `/run/btr/${replica.name}`;
    for (const file of generate(config!, replica, { dir, controlSocket: `${dir}/${replica.kind}.sock` })) {
      files.set(file.name, file.contents);
    }
  }
  return files;
}

describe('generated configurations', () => {
  const cases = readdirSync(FOLDER);

  it('a replica that writes routes has one more file when it is FRR', () => {
    const writers = cases.filter((name) => generated(name).has('zebra.conf'));
    expect(writers).toEqual(['fib']);
  });

  it.each(cases)('%s', (name) => {
    const files = generated(name);
    expect([...files.keys()].filter((file) => file !== 'zebra.conf').sort()).toEqual(MAIN_FILES);
    for (const [file, contents] of files) {
      const golden = path.join(FOLDER, name, file);
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, contents);
      expect(contents, `${name}/${file}`).toBe(readFileSync(golden, 'utf8'));
    }
  });

  it('every case but the minimal one changes all three files', () => {
    const minimal = generated('minimal');
    for (const name of cases.filter((c) => c !== 'minimal')) {
      const same = [...generated(name)].filter(([file, contents]) => minimal.get(file) === contents);
      expect(
        same.map(([file]) => file),
        name,
      ).toEqual([]);
    }
  });
});
