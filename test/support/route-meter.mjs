// The kernel's own account of its routes, for tests with whole tables: runs inside the namespace that it watches. Counts the events about
// routes of one protocol, and between "watch" and "rest" how many prefixes the main table holds, ten times a second. "take" on stdin:
// everything since the last time, as a line of JSON. Knows nothing of our own code; the other end is route-meter.ts.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline';
import koffi from 'koffi';

const [AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, SOL_SOCKET, SO_RCVBUFFORCE, MSG_DONTWAIT] = [16, 3, 0, 1, 33, 0x40];
const [EAGAIN, ENOBUFS] = [11, 105];
const [RTM_NEWROUTE, RTM_DELROUTE, RTA_DST] = [24, 25, 1];
const RTMGRP_ROUTES = 0x40 | 0x400;
const QUEUE_BYTES = 512 << 20;
const EXAMPLES = 20;
const protocol = Number(process.argv[2]);

const libc = koffi.load(null);
const call = (name, signature) => libc.func(signature.replace('?', name));
const socket = call('socket', 'int ?(int domain, int type, int protocol)');
const bind = call('bind', 'int ?(int fd, void *address, uint32_t length)');
const setsockopt = call('setsockopt', 'int ?(int fd, int level, int name, void *value, uint32_t length)');
const recv = call('recv', 'intptr_t ?(int fd, void *bytes, size_t length, int flags)');

const fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, new Uint8Array(Uint32Array.of(QUEUE_BYTES).buffer), 4);
if (bind(fd, new Uint8Array(Uint32Array.of(AF_NETLINK, 0, RTMGRP_ROUTES).buffer), 12) < 0) throw new Error('bind');

const none = () => ({ written: 0, removed: 0, lost: 0, examples: [], samples: 0, least: null });
let seen = none();
const buffer = Buffer.alloc(1 << 16);

function prefixOf(at, end) {
  const bits = buffer[at + 17];
  for (let attribute = at + 28; attribute + 4 <= end;) {
    const length = buffer.readUInt16LE(attribute);
    if (length < 4) break;
    if (buffer.readUInt16LE(attribute + 2) === RTA_DST) {
      return `${[...buffer.subarray(attribute + 4, attribute + length)].join('.')}/${bits}`;
    }
    attribute += (length + 3) & ~3;
  }
  return `default/${bits}`;
}

function note(at, end) {
  const type = buffer.readUInt16LE(at + 4);
  if ((type !== RTM_NEWROUTE && type !== RTM_DELROUTE) || buffer[at + 21] !== protocol) return;
  const removed = type === RTM_DELROUTE;
  if (removed) seen.removed++;
  else seen.written++;
  if (seen.examples.length < EXAMPLES) seen.examples.push(`${removed ? '-' : '+'}${prefixOf(at, end)}`);
}

function drain() {
  for (;;) {
    const length = Number(recv(fd, buffer, buffer.length, MSG_DONTWAIT));
    if (length < 0) {
      if (koffi.errno() === EAGAIN) return;
      if (koffi.errno() !== ENOBUFS) throw new Error(`recv: errno ${koffi.errno()}`);
      seen.lost++;
      continue;
    }
    for (let at = 0; at + 28 <= length;) {
      const size = buffer.readUInt32LE(at);
      if (size < 16) break;
      note(at, at + size);
      at += (size + 3) & ~3;
    }
  }
}

function sample() {
  const [, main] = /\nMain:\n[^]*?Prefixes:\s+(\d+)/.exec(readFileSync('/proc/self/net/fib_triestat', 'utf8')) ?? [];
  seen.samples++;
  seen.least = Math.min(seen.least ?? Infinity, Number(main));
}

setInterval(drain, 20);
let sampling;
createInterface(process.stdin).on('line', (line) => {
  if (line === 'watch') sampling ??= setInterval(sample, 100);
  else if (line === 'rest') sampling = void clearInterval(sampling);
  else if (line === 'take') {
    drain();
    sample();
    process.stdout.write(`${JSON.stringify(seen)}\n`);
    seen = none();
  }
});
