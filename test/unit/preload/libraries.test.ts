// Libraries for users who cannot reach the checkout: copies that never change under a process that has them mapped.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { preloadPaths } from '../../../preload/libraries.js';

const base = mkdtempSync(path.join(os.tmpdir(), 'btr-lib-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('preloaded libraries', () => {
  const hidden = path.join(base, 'hidden');
  mkdirSync(hidden, { mode: 0o700 });
  const source = path.join(hidden, 'btr-shim.so');
  const copies = path.join(base, 'lib');

  it('are copied when others cannot reach them, as a new file each time', () => {
    writeFileSync(source, 'one');
    const [copy] = preloadPaths(['shim'], copies, hidden);
    expect(copy).toBe(path.join(copies, 'btr-shim.so'));
    const inode = statSync(copy).ino;
    expect(statSync(copy).mode & 0o005).toBe(0o005);
    writeFileSync(source, 'two');
    preloadPaths(['shim'], copies, hidden);
    expect(readFileSync(copy, 'utf8')).toBe('two');
    expect(statSync(copy).ino).not.toBe(inode);
  });

  it('are used in place when everybody can', () => {
    const open = path.join(base, 'open');
    mkdirSync(open);
    for (const directory of [base, open]) chmodSync(directory, 0o755);
    writeFileSync(path.join(open, 'btr-shim.so'), 'one', { mode: 0o644 });
    expect(preloadPaths(['shim'], copies, open)).toEqual([path.join(open, 'btr-shim.so')]);
  });

  it('say how to build them when they are missing', () => {
    expect(() => preloadPaths(['poll-cap'], copies, hidden)).toThrow('npm run build');
  });
});
