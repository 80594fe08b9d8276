// Receiving many datagrams from a netlink channel with one system call, into one buffer. For floods of small ones: BIRD
// sends every route by itself. Knows nothing of what they mean; errors are negative errno values (native.ts).
import koffi from 'koffi';
import { MAX_DATAGRAM } from './native.js';

const MSG_DONTWAIT = 0x40;
const MMSGHDR_SIZE = 64;
const IOVEC_SIZE = 16;

const recvmmsg = koffi
  .load(null)
  .func('int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)');

/** Receives up to `count` datagrams at once. */
export class DatagramReader {
  /** Where the datagrams lie: number i from `start(i)` to `end(i)`. Valid until the next `read`. */
  readonly buffer: Uint8Array;
  private readonly size: number;
  private readonly count: number;
  private readonly headers: DataView;
  /** The headers point into it. */
  private readonly iovecs: DataView;

  /** `size`: bytes for one datagram; the rest of a longer one is lost. */
  constructor(count = 64, size = MAX_DATAGRAM) {
    this.count = count;
    this.size = size;
    this.buffer = new Uint8Array(new ArrayBuffer(count * size));
    this.iovecs = new DataView(new ArrayBuffer(count * IOVEC_SIZE));
    this.headers = new DataView(new ArrayBuffer(count * MMSGHDR_SIZE));
    for (let i = 0; i < count; i++) {
      this.iovecs.setBigUint64(i * IOVEC_SIZE, koffi.address(this.buffer.buffer) + BigInt(i * size), true);
      this.iovecs.setBigUint64(i * IOVEC_SIZE + 8, BigInt(size), true);
      const iovec = koffi.address(this.iovecs.buffer) + BigInt(i * IOVEC_SIZE);
      this.headers.setBigUint64(i * MMSGHDR_SIZE + 16, iovec, true);
      this.headers.setBigUint64(i * MMSGHDR_SIZE + 24, 1n, true);
    }
  }

  /** The number of datagrams read, or a negative errno. One of length 0 means that the far end is gone. */
  read(fd: number): number {
    const read = recvmmsg(fd, this.headers.buffer, this.count, MSG_DONTWAIT, null) as number;
    return read < 0 ? -koffi.errno() : read;
  }

  start(i: number): number {
    return i * this.size;
  }

  end(i: number): number {
    return i * this.size + this.headers.getUint32(i * MMSGHDR_SIZE + 56, true);
  }
}
