// Descriptor passing and the polling thread, on real sockets.
import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { DatagramReader } from '../../../preload/datagrams.js';
import {
  AF_UNIX,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_SNDBUF,
  SystemCallError,
  bindAbstract,
  clearEvent,
  close,
  eventfd,
  getsockopt,
  pollDescriptors,
  receiveInto,
  receiveMessage,
  sendFrom,
  sendMessage,
  setSendBuffer,
  signalEvent,
  socketpair,
  unreadBytes,
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

describe('what the other end has not read', () => {
  it('counts until the last byte has been read', () => {
    const [near, far] = pair(SOCK_STREAM);
    expect(unreadBytes(near)).toBe(0);
    writeSync(near, Buffer.alloc(3000));
    expect(unreadBytes(near)).toBeGreaterThanOrEqual(3000);
    const buffer = Buffer.alloc(2000);
    readSync(far, buffer);
    expect(unreadBytes(near)).toBeGreaterThan(0);
    readSync(far, buffer);
    expect(unreadBytes(near)).toBe(0);
  });
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

describe('datagrams without a copy', () => {
  it('come in order, many at once, and the end of file last', () => {
    const [left, right] = pair(SOCK_SEQPACKET);
    const reader = new DatagramReader(8, 64);
    expect(reader.read(right)).toBe(-11);
    const bytes = Uint8Array.from({ length: 40 }, (_, i) => i);
    for (let i = 0; i < 11; i++) expect(sendFrom(left, bytes, i, 40)).toBe(40 - i);
    close(left);
    const seen: number[][] = [];
    for (const expected of [8, 4]) {
      const count = reader.read(right);
      // After the last datagram comes the empty one that is the end of file.
      expect(Math.min(count, expected)).toBe(expected);
      for (let i = 0; i < expected; i++) seen.push([...reader.buffer.subarray(reader.start(i), reader.end(i))]);
    }
    expect(seen.pop()).toEqual([]);
    expect(seen).toEqual(Array.from({ length: 11 }, (_, i) => [...bytes.subarray(i)]));
  });

  it('are cut at the room there is for one', () => {
    const [left, right] = pair(SOCK_SEQPACKET);
    const reader = new DatagramReader(4, 16);
    for (const length of [40, 3]) expect(sendFrom(left, new Uint8Array(40).fill(length), 0, length)).toBe(length);
    expect(reader.read(right)).toBe(2);
    expect([...reader.buffer.subarray(reader.start(0), reader.end(0))]).toEqual(new Array(16).fill(40));
    expect([...reader.buffer.subarray(reader.start(1), reader.end(1))]).toEqual([3, 3, 3]);
  });

  it('report errors as numbers', () => {
    const [left, right] = pair(SOCK_SEQPACKET);
    const buffer = new Uint8Array(1000);
    expect(receiveInto(right, buffer)).toBe(-11);
    let sent = 0;
    for (let result = 0; result >= 0; sent++) result = sendFrom(left, buffer, 0, buffer.length);
    expect(sent).toBeGreaterThan(1);
    expect(sendFrom(left, buffer, 0, buffer.length)).toBe(-11);
    expect(receiveInto(right, buffer)).toBe(1000);
    const [near, far] = pair(SOCK_SEQPACKET);
    close(far);
    expect(sendFrom(near, buffer, 0, 1)).toBe(-32);
    expect(receiveInto(999_999, buffer)).toBe(-9);
  });

  it('are waited for, many descriptors at once', () => {
    const pairs = [pair(SOCK_SEQPACKET), pair(SOCK_SEQPACKET), pair(SOCK_SEQPACKET)];
    const fds = new DataView(new ArrayBuffer(24));
    pairs.forEach(([, right], i) => {
      fds.setInt32(8 * i, right, true);
      fds.setInt16(8 * i + 4, 1, true);
    });
    expect(pollDescriptors(fds, 3, 0)).toBe(0);
    sendFrom(pairs[1][0], Uint8Array.of(1), 0, 1);
    expect(pollDescriptors(fds, 3, -1)).toBe(1);
    expect([0, 1, 2].map((i) => fds.getInt16(8 * i + 6, true))).toEqual([0, 1, 0]);
  });

  it('an event is over when it is cleared', () => {
    const fd = eventfd();
    open.push(fd);
    const fds = new DataView(new ArrayBuffer(8));
    fds.setInt32(0, fd, true);
    fds.setInt16(4, 1, true);
    signalEvent(fd);
    signalEvent(fd);
    expect(pollDescriptors(fds, 1, 0)).toBe(1);
    clearEvent(fd);
    expect(pollDescriptors(fds, 1, 0)).toBe(0);
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
