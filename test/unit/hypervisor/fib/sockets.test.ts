// The thread's poll over real socket pairs: who is read, who is closed, and what happens when sockets come and go between poll and read.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReplicaSockets } from '../../../../hypervisor/fib/sockets.js';
import type { SocketEvents } from '../../../../hypervisor/fib/sockets.js';
import {
  close,
  eventfd,
  receiveInto,
  sendFrom,
  signalEvent,
  SOCK_SEQPACKET,
  socketpair,
} from '../../../../preload/native.js';

const EAGAIN = -11;
let wake: number;
let fars: number[];
let sockets: ReplicaSockets;
let heard: [replica: number, fd: number, byte: number][];
let closed: number[];
let writable: number[];
let waiting: Set<number>;
let onDatagram: (replica: number) => void;

const events: SocketEvents = {
  datagram(replica, fd, buf, start) {
    heard.push([replica, fd, buf[start]!]);
    onDatagram(replica);
  },
  writable: (_replica, fd) => writable.push(fd),
  wantsWrite: (_replica, fd) => waiting.has(fd),
  closed: (_replica, fd) => closed.push(fd),
};

beforeEach(() => {
  wake = eventfd();
  sockets = new ReplicaSockets([wake, -1], events);
  [fars, heard, closed, writable, waiting] = [[], [], [], [], new Set()];
  onDatagram = () => undefined;
});

afterEach(() => {
  sockets.closeAll();
  for (const fd of [...fars, wake]) close(fd);
});

/** The daemon's end and ours. */
function add(replica: number): { far: number; near: number } {
  const [far, near] = socketpair(SOCK_SEQPACKET);
  fars.push(far);
  sockets.add(replica, near);
  return { far, near };
}

const say = (fd: number, byte: number): number => sendFrom(fd, Uint8Array.of(byte), 0, 1);

describe('ReplicaSockets', () => {
  test('reads who has something to say, and tells who else is ready', () => {
    const [a, b] = [add(0), add(1)];
    expect(sockets.poll(0)).toBe(0);
    say(b.far, 7);
    say(b.far, 8);
    signalEvent(wake);
    expect(sockets.poll(1000)).toBe(1);
    sockets.read();
    sockets.read();
    expect(heard).toEqual([
      [1, b.near, 7],
      [1, b.near, 8],
    ]);
    expect([sockets.countOf(0), sockets.countOf(1), sockets.countOf(2)]).toEqual([1, 1, 0]);
    expect(a.near).not.toBe(b.near);
  });

  test('closes a socket whose other end is gone, after what it said last', () => {
    const { far, near } = add(3);
    say(far, 1);
    close(fars.pop()!);
    for (let i = 0; i < 3 && closed.length === 0; i++) {
      sockets.poll(1000);
      sockets.read();
    }
    expect(heard).toEqual([[3, near, 1]]);
    expect(closed).toEqual([near]);
    expect(sockets.countOf(3)).toBe(0);
    expect(far).not.toBe(near);
  });

  test('a flood from one leaves the others their turn', () => {
    const [a, b] = [add(0), add(1)];
    let sent = 0;
    while (say(a.far, 1) === 1) sent++;
    expect(sent).toBeGreaterThan(0);
    say(b.far, 2);
    sockets.poll(1000);
    sockets.read();
    expect(heard.some(([replica]) => replica === 1)).toBe(true);
    expect(heard.filter(([replica]) => replica === 0).length).toBeLessThanOrEqual(4 * 64);
  });

  test('what was found belongs to the socket it was found for, whoever came and went since', () => {
    const [a, b] = [add(0), add(1)];
    say(b.far, 5);
    sockets.poll(1000);
    sockets.drop(0);
    const c = add(0);
    sockets.read();
    expect(heard).toEqual([[1, b.near, 5]]);
    expect(receiveInto(a.far, new Uint8Array(1))).toBe(0);
    expect(receiveInto(c.far, new Uint8Array(1))).toBe(EAGAIN);
  });

  test('more sockets than there was room for may come between poll and read', () => {
    for (let i = 0; i < 62; i++) add(0);
    say(fars[0]!, 1);
    sockets.poll(1000);
    for (let i = 0; i < 100; i++) add(1);
    sockets.read();
    expect(heard).toHaveLength(1);
    say(fars.at(-1)!, 2);
    sockets.poll(1000);
    sockets.read();
    expect(heard).toHaveLength(2);
  });

  test('a replica that is dropped by what it says itself is read no further', () => {
    const [a, b] = [add(0), add(0)];
    for (const { far } of [a, b]) for (const byte of [1, 2]) say(far, byte);
    onDatagram = (replica) => sockets.drop(replica);
    sockets.poll(1000);
    sockets.read();
    expect(heard).toEqual([[0, a.near, 1]]);
    expect(receiveInto(b.far, new Uint8Array(1))).not.toBe(EAGAIN);
  });

  test('asks for room only when somebody waits for it', () => {
    const { near, far } = add(0);
    expect(sockets.poll(0)).toBe(0);
    sockets.read();
    expect(writable).toEqual([]);
    waiting.add(near);
    sockets.poll(1000);
    sockets.read();
    expect(writable).toEqual([near]);
    const bytes = new Uint8Array(4096);
    let sent = 0;
    while (sockets.send(near, bytes, 0, bytes.length)) sent++;
    expect(sent).toBeGreaterThan(0);
    writable = [];
    sockets.poll(0);
    sockets.read();
    expect(writable).toEqual([]);
    expect(receiveInto(far, bytes)).toBe(4096);
  });

  test('one that is closing takes everything: nobody waits for it', () => {
    const { near } = add(0);
    close(fars.pop()!);
    expect(sockets.send(near, Uint8Array.of(1), 0, 1)).toBe(true);
  });
});
