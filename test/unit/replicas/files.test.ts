// Files around a replica: its log stays within bounds, and nothing that lies in its directory leads us elsewhere.
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addressList, scopeIdOf } from '../../../hypervisor/replicas/addresses.js';
import { makeReplicaDirectory, removeLeftovers, writeReplicaFile } from '../../../hypervisor/replicas/directory.js';
import { LogFile } from '../../../hypervisor/replicas/log-file.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'btr-files-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('LogFile', () => {
  it('cuts what has grown too large and goes on writing at the beginning', () => {
    const log = new LogFile(path.join(directory, 'r.log'), 1000);
    writeSync(log.fd, 'x'.repeat(1500));
    log.limit();
    writeSync(log.fd, 'after\n');
    expect(readFileSync(log.path, 'utf8')).toBe('after\n');
    expect(statSync(`${log.path}.1`).size).toBe(1500);
    log.close();
  });

  it('keeps a small log at the next start, moves a large one, and tells only this run output', () => {
    const file = path.join(directory, 'r.log');
    writeFileSync(file, 'first run\n');
    let log = new LogFile(file, 1000);
    expect(log.tail(5)).toBe('');
    writeSync(log.fd, 'one\ntwo\nthree\n');
    expect(log.tail(2)).toBe('two\nthree');
    expect(readFileSync(file, 'utf8')).toBe('first run\none\ntwo\nthree\n');
    writeSync(log.fd, 'y'.repeat(600));
    log.close();
    log = new LogFile(file, 1000);
    expect(statSync(file).size).toBe(0);
    log.close();
  });
});

describe('a replica directory', () => {
  it('gets files anew, and a planted link is replaced, not followed', () => {
    const victim = path.join(directory, 'victim');
    writeFileSync(victim, 'precious');
    const home = path.join(directory, 'one');
    makeReplicaDirectory('one', home, undefined);
    symlinkSync(victim, path.join(home, 'x.conf'));
    writeReplicaFile(home, { name: 'x.conf', contents: 'new', mode: 0o600 }, undefined);
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    expect(readFileSync(path.join(home, 'x.conf'), 'utf8')).toBe('new');
    expect(statSync(path.join(home, 'x.conf')).mode & 0o777).toBe(0o600);
    writeReplicaFile(home, { name: '../escape', contents: 'inside', mode: 0o600 }, undefined);
    expect(readFileSync(path.join(home, 'escape'), 'utf8')).toBe('inside');
    removeLeftovers([path.join(home, 'x.conf'), path.join(home, 'never-there')]);
    expect(() => statSync(path.join(home, 'x.conf'))).toThrow('ENOENT');
  });

  it('must not be a link', () => {
    symlinkSync(os.tmpdir(), path.join(directory, 'one'));
    expect(() => makeReplicaDirectory('one', path.join(directory, 'one'), undefined)).toThrow('is not a directory');
  });
});

describe('addresses', () => {
  it('list the machine, and once each what only the hypervisor has', () => {
    const entries = addressList(['203.0.113.77', '203.0.113.77', '2001:db8::77', '127.0.0.1']).split(' ');
    expect(entries.filter((entry) => entry.startsWith('btr0/'))).toEqual([
      'btr0/0/203.0.113.77/32',
      'btr0/0/2001:db8::77/128',
    ]);
    expect(entries.filter((entry) => entry.includes('/127.0.0.1/'))).toHaveLength(1);
  });

  it('have a scope only when link-local', () => {
    expect(scopeIdOf('10.0.0.1', '10.0.0.2')).toBe(0);
    expect(scopeIdOf('fe80::2%7', 'fe80::1')).toBe(7);
    expect(scopeIdOf('fe80::2', 'fe80::1%lo')).toBe(1);
    expect(scopeIdOf('fe80::2', 'fe80::1')).toBe(0);
  });
});
