// The system calls that Node does not offer, through koffi: socket pairs, descriptor passing, socket options, eventfd, and
// datagrams without a copy. Owns byte layouts of msghdr and cmsghdr (64-bit little-endian Linux) and turning errno into an
// Error. Knows nothing of BGP or netlink. All is immediate except pollDescriptors, which is for threads of their own, and
// giveFreedMemoryBack, which uses one.
import process from 'node:process';
import koffi from 'koffi';

export const AF_UNIX = 1;
export const SOCK_STREAM = 1;
export const SOCK_SEQPACKET = 5;
export const SOCK_CLOEXEC = 0o2000000;
export const SOCK_NONBLOCK = 0o4000;
export const SOL_SOCKET = 1;
export const SO_SNDBUF = 7;
export const SO_SNDBUFFORCE = 32;
export const CLONE_NEWNET = 0x40000000;

const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const MSG_CTRUNC = 0x8;
const SIOCOUTQ = 0x5411;
/** cmsghdr (16 bytes) and one int, padded to 8: CMSG_LEN and CMSG_SPACE of one descriptor. */
const RIGHTS_LENGTH = 20;
const RIGHTS_SPACE = 24;

const libc = koffi.load(null);
const c = {
  socketpair: libc.func('int socketpair(int domain, int type, int protocol, void *fds)'),
  sendmsg: libc.func('intptr_t sendmsg(int fd, void *message, int flags)'),
  recvmsg: libc.func('intptr_t recvmsg(int fd, void *message, int flags)'),
  bind: libc.func('int bind(int fd, void *address, uint32_t length)'),
  setsockopt: libc.func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)'),
  getsockopt: libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)'),
  close: libc.func('int close(int fd)'),
  ioctl: libc.func('int ioctl(int fd, ulong request, void *value)'),
  eventfd: libc.func('int eventfd(uint32_t initial, int flags)'),
  write: libc.func('intptr_t write(int fd, void *bytes, size_t length)'),
  unshare: libc.func('int unshare(int flags)'),
  read: libc.func('intptr_t read(int fd, void *bytes, size_t length)'),
  poll: libc.func('int poll(void *fds, uint64_t count, int timeout)'),
  recv: libc.func('intptr_t recv(int fd, void *bytes, size_t length, int flags)'),
  send: libc.func('intptr_t send(int fd, void *bytes, size_t length, int flags)'),
};

// Reversed: of two names for one number the first stays (EAGAIN, not EWOULDBLOCK).
const errnoNames = new Map(
  Object.entries(koffi.os.errno)
    .reverse()
    .map(([name, value]) => [value, name]),
);

let nextAnswerer = 1;

/** glibc's own; other C libraries have nothing like it. */
const mallocTrim = symbol('int malloc_trim(size_t keep)');

function symbol(prototype: string): ReturnType<typeof libc.func> | undefined {
  try {
    return libc.func(prototype);
  } catch {
    return undefined;
  }
}

/** Gives the operating system back what the C library keeps of freed memory, on a thread of its own. Never rejects. */
export function giveFreedMemoryBack(): Promise<void> {
  return new Promise((resolve) => (mallocTrim === undefined ? resolve() : mallocTrim.async(0, () => resolve())));
}

/** A failed system call; `code` is the errno name (EAGAIN, EMFILE, …) as in Node's own errors. */
export class SystemCallError extends Error {
  readonly code: string;
  readonly syscall: string;
  constructor(syscall: string, errno: number) {
    const code = errnoNames.get(errno) ?? `errno ${errno}`;
    super(`${syscall}: ${code}`);
    this.name = 'SystemCallError';
    this.code = code;
    this.syscall = syscall;
  }
}

function checked(syscall: string, result: number): number {
  if (result < 0) throw new SystemCallError(syscall, koffi.errno());
  return result;
}

/** A pair of connected, blocking, close-on-exec AF_UNIX sockets. */
export function socketpair(type: number): [number, number] {
  const fds = new Int32Array(2);
  checked('socketpair', c.socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds));
  return [fds[0], fds[1]];
}

export function close(fd: number): void {
  checked('close', c.close(fd));
}

/** Binds an AF_UNIX socket to an abstract name (at most 107 bytes, any values). */
export function bindAbstract(fd: number, name: Uint8Array): void {
  const address = new Uint8Array(3 + name.length);
  address[0] = AF_UNIX;
  address.set(name, 3);
  checked('bind', c.bind(fd, address, address.length));
}

export function setsockopt(fd: number, level: number, name: number, value: Uint8Array | number): void {
  const bytes = typeof value === 'number' ? new Uint8Array(Int32Array.of(value).buffer) : value;
  checked('setsockopt', c.setsockopt(fd, level, name, bytes, bytes.length));
}

/** The option's value as the kernel gives it, at most `size` bytes. */
export function getsockopt(fd: number, level: number, name: number, size = 4): Uint8Array {
  const value = new Uint8Array(size);
  const length = Uint32Array.of(size);
  checked('getsockopt', c.getsockopt(fd, level, name, value, length));
  return value.subarray(0, length[0]);
}

/** Sets the send buffer in bytes: beyond net.core.wmem_max when privileged, else as far as the kernel lets us. */
export function setSendBuffer(fd: number, bytes: number): void {
  try {
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, bytes);
  } catch {
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, bytes);
  }
}

const outstanding = new Int32Array(1);

/** Memory, in bytes, of what was sent on a unix stream and the other end has not read yet; 0 when it has read everything. */
export function unreadBytes(fd: number): number {
  checked('ioctl', c.ioctl(fd, SIOCOUTQ, outstanding));
  return outstanding[0];
}

/** An eventfd, non-blocking and close-on-exec. */
export function eventfd(): number {
  return checked('eventfd', c.eventfd(0, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

const one = new Uint8Array(BigUint64Array.of(1n).buffer);

/** Wakes whoever polls the eventfd. */
export function signalEvent(fd: number): void {
  c.write(fd, one, one.length);
}

const counter = new Uint8Array(8);

/** Takes back what signalEvent did, so that a poll waits again. */
export function clearEvent(fd: number): void {
  c.read(fd, counter, counter.length);
}

/** Moves the calling thread, and the processes it starts from now on, to new namespaces (CLONE_NEWNET, …). */
export function unshare(flags: number): void {
  checked('unshare', c.unshare(flags));
}

// One message at a time from one thread: the headers are made once. Their memory must not move, so it is ArrayBuffers.
const payload = new Uint8Array(new ArrayBuffer(4096));
const iovec = new DataView(new ArrayBuffer(16));
const rights = new DataView(new ArrayBuffer(RIGHTS_SPACE));
const header = new DataView(new ArrayBuffer(56));
iovec.setBigUint64(0, koffi.address(payload.buffer), true);
header.setBigUint64(16, koffi.address(iovec.buffer), true);
header.setBigUint64(24, 1n, true);

function prepare(length: number, controlLength: number): void {
  iovec.setBigUint64(8, BigInt(length), true);
  header.setBigUint64(32, controlLength > 0 ? koffi.address(rights.buffer) : 0n, true);
  header.setBigUint64(40, BigInt(controlLength), true);
}

/**
 * Sends one message, with a descriptor when `passed` is given, without blocking.
 * Throws SystemCallError: EAGAIN when the receiver's queue is full, EPIPE or ECONNRESET when it is gone.
 */
export function sendMessage(fd: number, bytes: Uint8Array, passed?: number): void {
  payload.set(bytes);
  prepare(bytes.length, passed === undefined ? 0 : RIGHTS_SPACE);
  if (passed !== undefined) {
    rights.setBigUint64(0, BigInt(RIGHTS_LENGTH), true);
    rights.setInt32(8, SOL_SOCKET, true);
    rights.setInt32(12, SCM_RIGHTS, true);
    rights.setInt32(16, passed, true);
  }
  checked('sendmsg', Number(c.sendmsg(fd, header.buffer, MSG_DONTWAIT | MSG_NOSIGNAL)));
}

export interface ReceivedMessage {
  /** A copy; empty at end of file. */
  bytes: Uint8Array;
  /** The descriptor that came with it (close-on-exec); the receiver owns it. */
  fd: number | undefined;
}

/** Receives one message of at most 4096 bytes without blocking; undefined when there is none. */
export function receiveMessage(fd: number): ReceivedMessage | undefined {
  prepare(payload.length, RIGHTS_SPACE);
  const length = Number(c.recvmsg(fd, header.buffer, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  if (length < 0) {
    const errno = koffi.errno();
    if (errno === koffi.os.errno.EAGAIN || errno === koffi.os.errno.EINTR) return undefined;
    // A reset peer is an ended peer: there is nothing more to read.
    if (errno === koffi.os.errno.ECONNRESET) return { bytes: new Uint8Array(0), fd: undefined };
    throw new SystemCallError('recvmsg', errno);
  }
  const carriesFd =
    header.getBigUint64(40, true) >= RIGHTS_LENGTH &&
    (header.getInt32(48, true) & MSG_CTRUNC) === 0 &&
    rights.getInt32(12, true) === SCM_RIGHTS;
  return { bytes: payload.slice(0, length), fd: carriesFd ? rights.getInt32(16, true) : undefined };
}

/** zebra sends batches of 128 KiB; anything twice as large does not fit the socket buffer of an unprivileged daemon. */
export const MAX_DATAGRAM = 1 << 18;

/**
 * Blocks the calling thread until one of `count` struct pollfd (8 bytes each: i32 fd, i16 events, i16 revents) is ready
 * or `timeoutMs` have passed (-1: no limit). Returns how many are, or a negative errno (-EINTR).
 */
export function pollDescriptors(fds: DataView, count: number, timeoutMs: number): number {
  const ready = c.poll(fds.buffer, count, timeoutMs) as number;
  return ready < 0 ? -koffi.errno() : ready;
}

/** The next datagram into `buffer`: its length (0: the far end is gone), or a negative errno (-EAGAIN: there is none). */
export function receiveInto(fd: number, buffer: Uint8Array): number {
  const length = Number(c.recv(fd, buffer, buffer.length, MSG_DONTWAIT));
  return length < 0 ? -koffi.errno() : length;
}

/** Sends `buffer[start..end)` as one datagram: its length, or a negative errno (-EAGAIN: no room now, -EPIPE: gone). */
export function sendFrom(fd: number, buffer: Uint8Array, start: number, end: number): number {
  const bytes = start === 0 ? buffer : buffer.subarray(start);
  const sent = Number(c.send(fd, bytes, end - start, MSG_DONTWAIT | MSG_NOSIGNAL));
  return sent < 0 ? -koffi.errno() : sent;
}

/**
 * Tells the shim at the other end of a netlink channel, by a name for our end, to acknowledge no route write by itself
 * any more: every one is answered here, also those with an error. For the life of the channel; twice is once.
 */
export function acknowledgeWrites(fd: number): void {
  try {
    bindAbstract(fd, new TextEncoder().encode(`btr-answers-${process.pid}-${fd}-${nextAnswerer++}`));
  } catch (error) {
    if ((error as SystemCallError).code !== 'EINVAL') throw error; // it has a name already
  }
}
