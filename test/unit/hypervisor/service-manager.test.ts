// What systemd is told, over a real datagram socket with a path and with an abstract name.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import koffi from 'koffi';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ServiceManager } from '../../../hypervisor/service-manager.js';
import { AF_UNIX, close, SOCK_NONBLOCK } from '../../../preload/native.js';

const libc = koffi.load(null);
const socket = libc.func('int socket(int domain, int type, int protocol)');
const bind = libc.func('int bind(int fd, void *address, uint32_t length)');
const recv = libc.func('intptr_t recv(int fd, void *bytes, size_t length, int flags)');
const SOCK_DGRAM = 2;

let fd: number;
let directory: string;
let manager: ServiceManager;

function listen(name: string): void {
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(name)]);
  fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0) as number;
  expect(bind(fd, address, address.length)).toBe(0);
}

/** All that has arrived; a datagram is there as soon as it was sent. */
function heard(): string[] {
  const messages: string[] = [];
  const bytes = Buffer.alloc(4096);
  for (;;) {
    const length = recv(fd, bytes, bytes.length, 0) as number;
    if (length < 0) return messages;
    messages.push(bytes.toString('utf8', 0, length));
  }
}

beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'btr-notify-'));
});
afterEach(() => {
  manager.close();
  if (fd >= 0) close(fd);
  fd = -1;
  rmSync(directory, { recursive: true, force: true });
});

describe.each(['a path', 'an abstract name'])('%s', (kind) => {
  test('ready, reloading, stopping, and a status line when it changes', () => {
    const file = path.join(directory, 'notify');
    const abstract = kind !== 'a path';
    listen(abstract ? `\0${file}` : `${file}\0`);
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
    listen(abstract ? `\0${file}` : `${file}\0`);
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
    listen(`${file}\0`);
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
    close(fd);
    rmSync(path.join(directory, 'notify'));
    expect(pings({})).toBe(0);
  });
});

test('without a socket, with a name that is none, and with nobody there, nothing happens', () => {
  fd = -1;
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
