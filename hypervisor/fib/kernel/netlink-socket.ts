// A NETLINK_ROUTE socket of this process. Owns the system calls: opening, options, groups, filter, sending, receiving. What the
// messages say belongs to wire/netlink and to the files beside this one. Nobody but the kernel and processes with CAP_NET_ADMIN
// can send to such a socket, so the sender's address is not asked for.
import koffi from 'koffi';
import { close, setsockopt, getsockopt, SOCK_CLOEXEC, SOL_SOCKET, SystemCallError } from '../../../preload/native.js';
import {
  NETLINK_ADD_MEMBERSHIP,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  NETLINK_ROUTE,
  SOL_NETLINK,
} from '../../../wire/netlink/constants.js';
import { BackendError } from './backend.js';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SO_RCVBUF = 8;
const SO_RCVTIMEO = 20;
const SO_ATTACH_FILTER = 26;
const SO_RCVBUFFORCE = 33;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const SOCKADDR_NL = 12;

const { EINTR, EMSGSIZE } = koffi.os.errno as Record<string, number>;

const libc = koffi.load(null);
const c = {
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  bind: libc.func('int bind(int fd, void *address, uint32_t length)'),
  getsockname: libc.func('int getsockname(int fd, void *address, void *length)'),
  send: libc.func('intptr_t send(int fd, void *bytes, size_t length, int flags)'),
  recv: libc.func('intptr_t recv(int fd, void *bytes, size_t length, int flags)'),
};

export class NetlinkSocket {
  readonly fd: number;
  /** Port id: what the kernel calls this socket in answers and events. */
  readonly portId: number;
  private open = true;

  /** Opens and binds a socket. Throws BackendError when this kernel or container has no rtnetlink to offer. */
  constructor() {
    const fd = c.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) {
      const { message } = new SystemCallError('socket(AF_NETLINK)', koffi.errno());
      throw new BackendError(`no rtnetlink socket: ${message}`, 'the kernel or a seccomp profile does not allow it');
    }
    this.fd = fd;
    try {
      this.portId = bindSocket(fd);
    } catch (error) {
      close(fd);
      throw error;
    }
    // Kernels before 4.12 and 4.20 do not know them; what they save is then left to the reader.
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK]) this.tryOption(option);
  }

  /** Joins a multicast group (RTNLGRP_*). False when the kernel does not have it. */
  join(group: number): boolean {
    try {
      setsockopt(this.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
      return true;
    } catch {
      return false;
    }
  }

  /** Sets the receive buffer, in bytes: beyond net.core.rmem_max when privileged. Returns what the kernel made of it. */
  setReceiveBuffer(bytes: number): number {
    try {
      setsockopt(this.fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes);
    } catch {
      setsockopt(this.fd, SOL_SOCKET, SO_RCVBUF, bytes);
    }
    return new DataView(getsockopt(this.fd, SOL_SOCKET, SO_RCVBUF).buffer).getInt32(0, true);
  }

  /** Bounds how long `receive` waits, in ms. */
  setReceiveTimeout(ms: number): void {
    const value = new BigInt64Array([BigInt(Math.floor(ms / 1000)), BigInt(ms % 1000) * 1000n]);
    setsockopt(this.fd, SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(value.buffer));
  }

  /** Attaches a classic BPF program: 8 bytes for each instruction (struct sock_filter). */
  attachFilter(program: Uint8Array<ArrayBuffer>): void {
    const fprog = new DataView(new ArrayBuffer(16));
    fprog.setUint16(0, program.length / 8, true);
    fprog.setBigUint64(8, koffi.address(program.buffer), true);
    setsockopt(this.fd, SOL_SOCKET, SO_ATTACH_FILTER, new Uint8Array(fprog.buffer));
  }

  /** Sends the first `length` bytes of `buf` to the kernel, which has dealt with them when this returns. 0 or a positive errno. */
  send(buf: Uint8Array, length: number): number {
    for (;;) {
      if (Number(c.send(this.fd, buf, length, 0)) >= 0) return 0;
      const errno = koffi.errno();
      if (errno !== EINTR) return errno;
    }
  }

  /**
   * Receives one datagram into `buf`: its length, or a negative errno. -EAGAIN: there is none (with `wait`: the time-out passed);
   * -ENOBUFS: some were lost; -EMSGSIZE: it did not fit and is lost.
   */
  receive(buf: Uint8Array, wait: boolean): number {
    for (;;) {
      const length = Number(c.recv(this.fd, buf, buf.length, MSG_TRUNC | (wait ? 0 : MSG_DONTWAIT)));
      if (length >= 0) return length <= buf.length ? length : -EMSGSIZE;
      const errno = koffi.errno();
      if (errno !== EINTR) return -errno;
    }
  }

  close(): void {
    if (this.open) close(this.fd);
    this.open = false;
  }

  private tryOption(option: number): void {
    try {
      setsockopt(this.fd, SOL_NETLINK, option, 1);
    } catch {
      return;
    }
  }
}

/** Lets the kernel choose a port id and returns it. */
function bindSocket(fd: number): number {
  const address = new DataView(new ArrayBuffer(SOCKADDR_NL));
  address.setUint16(0, AF_NETLINK, true);
  if (c.bind(fd, address.buffer, SOCKADDR_NL) < 0) throw new SystemCallError('bind', koffi.errno());
  if (c.getsockname(fd, address.buffer, Uint32Array.of(SOCKADDR_NL)) < 0) {
    throw new SystemCallError('getsockname', koffi.errno());
  }
  return address.getUint32(4, true);
}
