// System calls on netlink sockets for a program that runs under the shim, through koffi: whatever a daemon may call, by
// name, so that the preloaded library's are found. For scripts of test/unit/preload/netlink-shim.test.ts.
import koffi from 'koffi';

const libc = koffi.load(null);
const c = Object.fromEntries(
  [
    'int socket(int domain, int type, int protocol)',
    'int bind(int fd, void *address, uint32_t length)',
    'int getsockname(int fd, void *address, void *length)',
    'int getsockopt(int fd, int level, int name, void *value, void *length)',
    'int setsockopt(int fd, int level, int name, void *value, uint32_t length)',
    'int fcntl(int fd, int command, int argument)',
    'int close(int fd)',
    'intptr_t send(int fd, void *bytes, size_t length, int flags)',
    'intptr_t recv(int fd, void *bytes, size_t length, int flags)',
    'intptr_t recvmsg(int fd, void *message, int flags)',
  ].map((text) => [/(\w+)\(/.exec(text)[1], libc.func(text)]),
);

/** The result, or the name of the error. */
function result(value) {
  if (Number(value) >= 0) return Number(value);
  const errno = koffi.errno();
  return Object.entries(koffi.os.errno).find(([, number]) => number === errno)?.[0] ?? errno;
}

export const RAW = 3;
export const NONBLOCK = 0o4000;
export const PEEK = 2;
export const TRUNC = 0x20;

export const socket = (type = RAW, protocol = 0, domain = 16) => result(c.socket(domain, type, protocol));
export const close = (fd) => result(c.close(fd));
export const send = (fd, bytes) => result(c.send(fd, bytes, bytes.length, 0));
export const setsockopt = (fd, level, name, ...value) => {
  const bytes = new Uint8Array(Int32Array.from(value).buffer);
  return result(c.setsockopt(fd, level, name, bytes, bytes.length));
};
export const getsockopt = (fd, level, name) => {
  const value = new Int32Array(1);
  return c.getsockopt(fd, level, name, value, Uint32Array.of(4)) < 0 ? result(-1) : value[0];
};
export const bind = (fd, groups) => {
  const address = new Uint32Array([16, 0, groups]);
  return result(c.bind(fd, address, 12));
};
/** [family, port id] */
export const getsockname = (fd) => {
  const address = new Uint32Array(32);
  const length = Uint32Array.of(128);
  c.getsockname(fd, address, length);
  return [address[0] & 0xffff, address[1]];
};
export const isNonblocking = (fd) => (c.fcntl(fd, 3, 0) & NONBLOCK) !== 0;
export const peekLength = (fd) => result(c.recv(fd, null, 0, PEEK | TRUNC));

/** One message: type, flags, sequence number, payload bytes. */
export function message(type, flags, seq, payload = []) {
  const bytes = new Uint8Array(16 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, seq, true);
  bytes.set(payload, 16);
  return bytes;
}

/** What recvmsg gives: { length, hex, flags, from: [family, port, groups], nameLength } or the name of the error. */
export function receive(fd, size = 4096, flags = 0) {
  const bytes = new Uint8Array(new ArrayBuffer(size));
  const name = new Uint32Array(new ArrayBuffer(12)).fill(0xffffffff);
  const iovec = BigUint64Array.of(koffi.address(bytes.buffer), BigInt(size));
  const header = new BigUint64Array(7);
  header[0] = koffi.address(name.buffer);
  header[1] = 12n;
  header[2] = koffi.address(iovec.buffer);
  header[3] = 1n;
  const length = result(c.recvmsg(fd, header, flags));
  if (typeof length === 'string') return length;
  return {
    length,
    hex: Buffer.from(bytes.subarray(0, Math.min(length, size))).toString('hex'),
    flags: Number(header[6] & 0xffffffffn),
    from: [name[0] & 0xffff, name[1], name[2]],
    nameLength: Number(header[1] & 0xffffffffn),
  };
}

export const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
