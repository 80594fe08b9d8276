// What systemd is told, over a real datagram socket with a path and with an abstract name.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ServiceManager } from '../../../hypervisor/service-manager.js';
import { NotifySocket } from '../../support/notify-socket.js';

let listener: NotifySocket | undefined;
let directory: string;
let manager: ServiceManager;

function listen(name: string): void {
  listener = new NotifySocket(name);
}

const heard = (): string[] => listener!.read();

beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'btr-notify-'));
});
afterEach(() => {
  manager.close();
  listener?.close();
  listener = undefined;
  rmSync(directory, { recursive: true, force: true });
});

describe.each(['a path', 'an abstract name'])('%s', (kind) => {
  test('ready, reloading, stopping, and a status line when it changes', () => {
    const file = path.join(directory, 'notify');
    const abstract = kind !== 'a path';
    listen(abstract ? `@${file}` : file);
    manager = new ServiceManager({ NOTIFY_SOCKET: abstract ? `@${file}` : file });
    manager.ready();
    manager.status('3 replicas\nvote');
    manager.status('3 replicas vote');
    const before = process.hrtime.bigint() / 1000n;
    manager.reloading();
    manager.reloaded();
    manager.stopping();
    const [ready, status, reloading, reloaded, stopping, ...rest] = heard();
    expect([ready, status, reloaded, stopping]).toEqual(['READY=1', 'STATUS=3 replicas vote', 'READY=1', 'STOPPING=1']);
    const [, time] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(reloading)!;
    expect(Number(BigInt(time) - before)).toBeGreaterThanOrEqual(0);
    expect(BigInt(time)).toBeLessThanOrEqual(process.hrtime.bigint() / 1000n);
    expect(rest).toEqual([]);
  });

  test('a reload during the start does not make it ready, and each of both is said once', () => {
    const file = path.join(directory, 'notify');
    const abstract = kind !== 'a path';
    listen(abstract ? `@${file}` : file);
    manager = new ServiceManager({ NOTIFY_SOCKET: abstract ? `@${file}` : file });
    manager.reloading();
    manager.reloaded();
    expect(heard()).toEqual([]);
    manager.ready();
    manager.ready();
    manager.reloading();
    manager.reloading();
    manager.reloaded();
    manager.reloaded();
    expect(heard().map((message) => message.split('\n')[0])).toEqual(['READY=1', 'RELOADING=1', 'READY=1']);
  });
});

describe('the watchdog', () => {
  const pings = (extra: object): number => {
    const file = path.join(directory, 'notify');
    listen(file);
    manager = new ServiceManager({ NOTIFY_SOCKET: file, ...extra });
    for (let now = 0; now < 10_000; now += 25) manager.alive(now);
    const messages = heard();
    expect(new Set(messages).size).toBeLessThanOrEqual(1);
    return messages.filter((message) => message === 'WATCHDOG=1').length;
  };

  test('is told four times as often as it asks for', () => {
    expect(pings({ WATCHDOG_USEC: '10000000' })).toBe(4);
  });

  test('is not told when it is about somebody else, or there is none', () => {
    expect(pings({ WATCHDOG_USEC: '10000000', WATCHDOG_PID: String(process.pid + 1) })).toBe(0);
    manager.close();
    listener?.close();
    rmSync(path.join(directory, 'notify'));
    expect(pings({})).toBe(0);
  });
});

test('without a socket, with a name that is none, and with nobody there, nothing happens', () => {
  for (const NOTIFY_SOCKET of [undefined, '', 'vsock:2:1', path.join(directory, 'nobody'), `/${'x'.repeat(200)}`]) {
    manager = new ServiceManager({ NOTIFY_SOCKET, WATCHDOG_USEC: '1000' });
    expect(() => {
      manager.ready();
      manager.alive(0);
      manager.status('x');
    }).not.toThrow();
    manager.close();
  }
});
