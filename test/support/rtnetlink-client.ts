// A small rtnetlink client for tests: sends one request, waits for the kernel's whole answer. Owns its socket; the messages are the caller's.
import koffi from 'koffi';
import { close, setsockopt, SOL_SOCKET, SystemCallError } from '../../preload/native.js';
import {
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  NETLINK_ROUTE,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETROUTE,
  RTM_GETRULE,
  RTM_GETNEIGH,
  RTM_GETNETCONF,
  SOL_NETLINK,
} from '../../wire/netlink/constants.js';
import { decodeErrno, NetlinkCursor, NetlinkWriter, readU32, writeU32 } from '../../wire/netlink/message.js';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SO_RCVTIMEO = 20;
const WAIT_SECONDS = 10n;

const libc = koffi.load(null);
const socket = libc.func('int socket(int domain, int type, int protocol)');
const bind = libc.func('int bind(int fd, void *address, uint32_t length)');
const send = libc.func('intptr_t send(int fd, void *bytes, size_t length, int flags)');
const recv = libc.func('intptr_t recv(int fd, void *bytes, size_t length, int flags)');
const MSG_DONTWAIT = 0x40;

/** Bytes of the structure that a GET request of a type begins with. */
const BODY = new Map([
  [RTM_GETLINK, 16],
  [RTM_GETADDR, 8],
  [RTM_GETROUTE, 12],
  [RTM_GETRULE, 12],
  [RTM_GETNEIGH, 12],
  [RTM_GETNETCONF, 4],
]);

export class RtnetlinkClient {
  readonly fd: number;
  private readonly buffer = new Uint8Array(1 << 18);
  private seq = 0;

  /** `groups`: bits of sockaddr_nl.nl_groups, for events. */
  constructor(groups = 0) {
    this.fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    if (this.fd < 0) throw new SystemCallError('socket', koffi.errno());
    const address = new Uint8Array(12);
    address[0] = AF_NETLINK;
    writeU32(address, 8, groups);
    if (bind(this.fd, address, address.length) < 0) throw new SystemCallError('bind', koffi.errno());
    setsockopt(this.fd, SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(BigUint64Array.of(WAIT_SECONDS, 0n).buffer));
    setsockopt(this.fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
    setsockopt(this.fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
  }

  /** All messages of a dump, DONE left out. Throws what the kernel answers instead. */
  dump(type: number, family: number): Uint8Array[] {
    const writer = new NetlinkWriter();
    writer.begin(type, NLM_F_REQUEST | NLM_F_DUMP, 0, 0);
    writer.u8(family);
    writer.bytes(new Uint8Array((BODY.get(type) ?? 1) - 1));
    writer.end();
    return this.exchange(writer.take());
  }

  /** Sends one request that asks for an acknowledgement; the errno of the answer, 0 for success. */
  acknowledged(request: Uint8Array): number {
    request[6]! |= NLM_F_REQUEST | NLM_F_ACK;
    try {
      this.exchange(request);
      return 0;
    } catch (error) {
      if (error instanceof KernelError) return error.errno;
      throw error;
    }
  }

  /** The events that have arrived, each a whole message. */
  events(): Uint8Array[] {
    const messages: Uint8Array[] = [];
    while (this.receive(MSG_DONTWAIT, (cursor) => void messages.push(this.buffer.slice(cursor.start, cursor.end))));
    return messages;
  }

  close(): void {
    close(this.fd);
  }

  private exchange(request: Uint8Array): Uint8Array[] {
    const seq = ++this.seq;
    writeU32(request, 8, seq);
    if (send(this.fd, request, request.length, 0) < 0) throw new SystemCallError('send', koffi.errno());
    const messages: Uint8Array[] = [];
    let done = false;
    while (!done) {
      const received = this.receive(0, (cursor) => {
        if (cursor.seq !== seq) return;
        done ||= cursor.type === NLMSG_DONE || cursor.type === NLMSG_ERROR;
        const errno = done ? decodeErrno(this.buffer, cursor.payload, cursor.end) : 0;
        if (errno !== 0) throw new KernelError(errno ?? -1, request);
        if (!done) messages.push(this.buffer.slice(cursor.start, cursor.end));
      });
      if (!received) throw new Error('the kernel did not answer');
    }
    return messages;
  }

  private receive(flags: number, visit: (cursor: NetlinkCursor) => void): boolean {
    const length = Number(recv(this.fd, this.buffer, this.buffer.length, flags));
    if (length < 0) return false;
    const cursor = new NetlinkCursor();
    cursor.reset(this.buffer, 0, length);
    while (cursor.next()) visit(cursor);
    if (cursor.error !== undefined) throw new Error(cursor.error);
    return true;
  }
}

/** The kernel refused a request. */
export class KernelError extends Error {
  readonly errno: number;
  constructor(errno: number, request: Uint8Array) {
    super(`errno ${errno} for a request of type ${readU32(request, 4) & 0xffff}`);
    this.errno = errno;
  }
}
