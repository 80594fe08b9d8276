// One dump request (RTM_GET* with NLM_F_DUMP) on a socket of its own: asking, and reading the answer a datagram at a time. A socket
// carries one dump, so that one that is given up disturbs no other. Owns the end conditions; what is in the messages is the caller's.
import {
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
} from '../../../wire/netlink/constants.js';
import { decodeErrno, NetlinkCursor, NetlinkWriter } from '../../../wire/netlink/message.js';
import type { MessageVisitor } from './backend.js';
import { errorName } from './errno.js';
import { NetlinkSocket } from './netlink-socket.js';

/** What a kernel without the family, the feature or the table answers: there is nothing to list. */
const NOTHING_TO_LIST = new Set(['EOPNOTSUPP', 'EAFNOSUPPORT', 'ENOENT', 'EPFNOSUPPORT']);
/** The kernel puts no more than this into one datagram of a dump, and this much only when the reader has shown room for it. */
const DATAGRAM = 32 * 1024;
/** The kernel answers while we read; if it does not for so long, something is badly wrong. */
const TIMEOUT_MS = 5000;

/** The body of a dump request. */
export interface DumpRequest {
  type: number;
  /** The fixed header behind nlmsghdr (ifinfomsg, rtmsg, …), and attributes. */
  body: Uint8Array;
}

export class Dump {
  /** Why it ended early; undefined at a clean end and while it is going on. */
  error: string | undefined;
  /** Something changed meanwhile: entries may be missing or double (NLM_F_DUMP_INTR). */
  interrupted = false;

  private readonly socket: NetlinkSocket | undefined;
  private readonly buffer = new Uint8Array(DATAGRAM);
  private readonly cursor = new NetlinkCursor();
  private done = false;

  /** Never throws: what goes wrong is `error`, and `step` says that this was all. */
  constructor(request: DumpRequest) {
    try {
      this.socket = new NetlinkSocket();
      this.socket.setReceiveTimeout(TIMEOUT_MS);
    } catch (error) {
      this.finish((error as Error).message);
      return;
    }
    const writer = new NetlinkWriter();
    writer.begin(request.type, NLM_F_REQUEST | NLM_F_DUMP, 1, 0);
    writer.bytes(request.body);
    writer.end();
    const errno = this.socket.send(writer.buffer, writer.length);
    if (errno !== 0) this.finish(errorName(errno));
  }

  /** Reads the next datagram and visits its messages. False when that was the last one (`error` says whether all is well). */
  step(visit: MessageVisitor): boolean {
    if (this.done || this.socket === undefined) return false;
    const length = this.socket.receive(this.buffer, true);
    if (length <= 0) return this.finish(length === 0 ? 'end of file' : errorName(-length));
    const { cursor, buffer } = this;
    cursor.reset(buffer, 0, length);
    while (cursor.next()) {
      if ((cursor.flags & NLM_F_DUMP_INTR) !== 0) this.interrupted = true;
      if (cursor.type === NLMSG_DONE || cursor.type === NLMSG_ERROR) {
        const errno = decodeErrno(buffer, cursor.payload, cursor.end) ?? 0;
        return this.finish(errno === 0 || NOTHING_TO_LIST.has(errorName(errno)) ? undefined : errorName(errno));
      }
      visit(buffer, cursor.start, cursor.end);
    }
    return cursor.error === undefined || this.finish(cursor.error);
  }

  close(): void {
    this.done = true;
    this.socket?.close();
  }

  private finish(error: string | undefined): false {
    this.error = error;
    this.close();
    return false;
  }
}
