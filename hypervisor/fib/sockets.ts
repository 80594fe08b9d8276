// The replicas' netlink sockets, as the forwarding table's thread polls and reads them. Owns the descriptors and the array that poll()
// takes; what comes in goes to the engine, unread.
import { DatagramReader } from '../../preload/datagrams.js';
import { close, pollDescriptors, sendFrom } from '../../preload/native.js';

const POLLIN = 1;
const POLLOUT = 4;
const ENTRY = 8;
const EAGAIN = -11;
/** Datagrams read from one socket before the others have their turn: so many system calls of so many each. */
const READS_AT_ONCE = 4;
const DATAGRAMS = 64;

interface Open {
  fd: number;
  replica: number;
}

export interface SocketEvents {
  datagram(replica: number, fd: number, buf: Uint8Array, start: number, end: number): void;
  writable(replica: number, fd: number): void;
  wantsWrite(replica: number, fd: number): boolean;
  closed(replica: number, fd: number): void;
}

export class ReplicaSockets {
  /** Grows with every portion that is read at once from a socket. */
  portion = 0;
  private readonly events: SocketEvents;
  /** Descriptors that are polled beside the sockets: the thread's eventfd and the kernel's events. */
  private readonly others: readonly number[];
  private sockets: Open[] = [];
  /** What the last poll asked about, in the array's order. */
  private polled: readonly Open[] = [];
  private fds = new DataView(new ArrayBuffer(ENTRY * 64));
  private readonly reader = new DatagramReader(DATAGRAMS);
  /** The array does not hold what is open. */
  private stale = true;
  /** The last poll found something. */
  private any = false;

  constructor(others: readonly number[], events: SocketEvents) {
    this.others = others;
    this.events = events;
  }

  add(replica: number, fd: number): void {
    this.sockets.push({ fd, replica });
    this.stale = true;
  }

  forEach(replica: number, visit: (fd: number) => void): void {
    for (const socket of this.sockets) if (socket.replica === replica) visit(socket.fd);
  }

  countOf(replica: number): number {
    return this.sockets.filter((socket) => socket.replica === replica).length;
  }

  /** Closes all sockets of a replica: a new start has nothing to do with them. */
  drop(replica: number): void {
    for (const socket of this.sockets) if (socket.replica === replica) close(socket.fd);
    this.sockets = this.sockets.filter((socket) => socket.replica !== replica);
    this.stale = true;
  }

  closeAll(): void {
    for (const { fd } of this.sockets) close(fd);
    this.sockets = [];
    this.stale = true;
  }

  /** One datagram to a socket; false when there is no room now. One that is closing takes everything. */
  send(fd: number, buf: Uint8Array, start: number, end: number): boolean {
    return sendFrom(fd, buf, start, end) !== EAGAIN;
  }

  /** Waits at most `timeout` ms for anything to read; bit i of the result says that `others[i]` is ready. */
  poll(timeout: number): number {
    const { others, sockets } = this;
    if (this.stale) this.rebuild();
    this.polled = [...sockets];
    sockets.forEach(({ fd, replica }, i) => {
      const events = POLLIN | (this.events.wantsWrite(replica, fd) ? POLLOUT : 0);
      this.fds.setInt16(ENTRY * (others.length + i) + 4, events, true);
    });
    const ready = pollDescriptors(this.fds, others.length + sockets.length, timeout);
    let bits = 0;
    if (ready > 0) others.forEach((_, i) => (bits |= this.revents(i) !== 0 ? 1 << i : 0));
    this.any = ready > 0;
    return bits;
  }

  /** Reads what the last poll found. */
  read(): void {
    if (!this.any) return;
    this.any = false;
    // Sockets may have come and gone since, and handlers may drop more: the list as it was is what the poll's answers belong to.
    const { polled, others } = this;
    polled.forEach((socket, i) => {
      if (!this.sockets.includes(socket)) return;
      const revents = this.revents(others.length + i);
      if ((revents & POLLOUT) !== 0) this.events.writable(socket.replica, socket.fd);
      if ((revents & ~POLLOUT) !== 0) this.readOne(socket);
    });
  }

  private readOne(socket: Open): void {
    const { reader } = this;
    for (let left = READS_AT_ONCE; left > 0; left--) {
      const count = reader.read(socket.fd);
      if (count === EAGAIN) return;
      this.portion++;
      for (let i = 0; i < count; i++) {
        // An empty one is the end of file.
        if (reader.end(i) === reader.start(i)) return this.close(socket);
        this.events.datagram(socket.replica, socket.fd, reader.buffer, reader.start(i), reader.end(i));
        if (!this.sockets.includes(socket)) return;
      }
      if (count < 0) return this.close(socket);
      if (count < DATAGRAMS) return;
    }
  }

  private close(socket: Open): void {
    this.sockets = this.sockets.filter((other) => other !== socket);
    this.stale = true;
    close(socket.fd);
    this.events.closed(socket.replica, socket.fd);
  }

  private revents(entry: number): number {
    return this.fds.getInt16(ENTRY * entry + 6, true);
  }

  private rebuild(): void {
    const all = [...this.others, ...this.sockets.map(({ fd }) => fd)];
    if (all.length * ENTRY > this.fds.byteLength) this.fds = new DataView(new ArrayBuffer(all.length * ENTRY * 2));
    all.forEach((fd, i) => {
      this.fds.setInt32(ENTRY * i, fd, true);
      this.fds.setInt16(ENTRY * i + 4, POLLIN, true);
    });
    this.stale = false;
  }
}
