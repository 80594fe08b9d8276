// Descriptor passing and the polling thread, on real sockets.
import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import {
  AF_UNIX,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_SNDBUF,
  SystemCallError,
  bindAbstract,
  close,
  getsockopt,
  receiveMessage,
  sendMessage,
  setSendBuffer,
  socketpair,
} from '../../../preload/native.js';
import { Poller } from '../../../preload/poller.js';

const open: number[] = [];
const pair = (type: number): [number, number] => {
  const fds = socketpair(type);
  open.push(...fds);
  return fds;
};

afterEach(() => {
  for (const fd of open.splice(0)) {
    try {
      closeSync(fd);
    } catch {
      // closed by the test
    }
  }
});

describe('messages with descriptors', () => {
  it('carry bytes and a descriptor that reads what the sender writes', () => {
    const [left, right] = pair(SOCK_SEQPACKET);
    const [near, far] = pair(SOCK_STREAM);
    sendMessage(left, Uint8Array.of(1, 2, 3), far);
    const message = receiveMessage(right);
    expect([...message!.bytes]).toEqual([1, 2, 3]);
    open.push(message!.fd!);
    expect(message!.fd).not.toBe(far);
    writeSync(near, 'hello');
    const buffer = Buffer.alloc(16);
    expect(readSync(message!.fd!, buffer)).toBe(5);
    expect(buffer.toString('latin1', 0, 5)).toBe('hello');
  });

  it('carry bytes alone after one that carried a descriptor', () => {
    const [left, right] = pair(SOCK_SEQPACKET);
    sendMessage(left, Uint8Array.of(1), right);
    sendMessage(left, Uint8Array.of(2));
    open.push(receiveMessage(right)!.fd!);
    expect(receiveMessage(right)).toEqual({ bytes: Uint8Array.of(2), fd: undefined });
    expect(receiveMessage(right)).toBeUndefined();
  });

  it('end with an empty message when the other side is gone', () => {
    const [left, right] = pair(SOCK_SEQPACKET);
    close(left);
    expect(receiveMessage(right)!.bytes.length).toBe(0);
    expect(() => sendMessage(right, Uint8Array.of(1))).toThrow(expect.objectContaining({ code: 'EPIPE' }));
  });

  it('are refused with EAGAIN, not waited for, when the queue is full', () => {
    const [left] = pair(SOCK_SEQPACKET);
    const fill = (): void => {
      for (let i = 0; i < 100_000; i++) sendMessage(left, new Uint8Array(1000));
    };
    expect(fill).toThrow(expect.objectContaining({ code: 'EAGAIN', syscall: 'sendmsg' }));
  });
});

describe('socket calls', () => {
  it('name the errno', () => {
    expect(() => close(999_999)).toThrow(SystemCallError);
    expect(() => close(999_999)).toThrow('close: EBADF');
  });

  it('give an end of a pair an abstract name, once', () => {
    const [left, right] = pair(SOCK_STREAM);
    const name = new TextEncoder().encode(`btr-test-${process.pid}-${left}`);
    bindAbstract(left, name);
    expect(() => bindAbstract(right, name)).toThrow('EADDRINUSE');
    expect(getsockopt(left, SOL_SOCKET, 39)[0]).toBe(AF_UNIX);
  });

  it('enlarge the send buffer', () => {
    const [left] = pair(SOCK_STREAM);
    const read = (): number => new DataView(getsockopt(left, SOL_SOCKET, SO_SNDBUF).buffer).getInt32(0, true);
    const before = read();
    setSendBuffer(left, before);
    expect(read()).toBeGreaterThan(before);
  });
});

describe('Poller', () => {
  it('reports a descriptor once per watch', async () => {
    const [left, right] = pair(SOCK_SEQPACKET);
    const poller = new Poller();
    let calls = 0;
    let called = (): void => {};
    const token = poller.register(() => {
      calls++;
      called();
    });
    const next = (): Promise<void> => new Promise((resolve) => (called = resolve));
    let report = next();
    poller.watch(token, right);
    sendMessage(left, Uint8Array.of(1));
    await report;
    sendMessage(left, Uint8Array.of(2));
    expect(receiveMessage(right)!.bytes[0]).toBe(1);
    expect(calls).toBe(1);
    report = next();
    poller.watch(token, right);
    await report;
    expect(calls).toBe(2);
    await poller.close();
    expect(() => fstatSync(right)).not.toThrow();
  });

  it('says nothing about a descriptor that was dropped', async () => {
    const [left, right] = pair(SOCK_SEQPACKET);
    const [other, watched] = pair(SOCK_SEQPACKET);
    const poller = new Poller();
    const dropped = poller.register(() => expect.unreachable());
    poller.watch(dropped, right);
    poller.unregister(dropped);
    sendMessage(left, Uint8Array.of(1));
    await new Promise<void>((resolve) => {
      const token = poller.register(resolve);
      poller.watch(token, watched);
      sendMessage(other, Uint8Array.of(1));
    });
    await poller.close();
  });
});
