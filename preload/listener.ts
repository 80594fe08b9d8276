// One listening socket of a replica, seen from the hypervisor: the other end of the shim's SOCK_SEQPACKET pair, and
// making connections on it. Owns that descriptor; who connects when belongs to the hypervisor.
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import { addressFamily, withoutZone } from './address.js';
import { encodeConnectionLabel, type ConnectionLabel, type ListenerLabel } from './label.js';
import { SOCK_STREAM, bindAbstract, close, sendMessage, setSendBuffer, socketpair, unreadBytes } from './native.js';

/** Bytes that may be under way in each direction of a virtual connection before the writer must wait. */
export const DEFAULT_SEND_BUFFER = 1 << 20;

const CONNECTION = Uint8Array.of(1);

/** The hypervisor's end of a connection to a replica. */
export class VirtualConnection extends net.Socket {
  private readonly descriptor: number;

  constructor(fd: number) {
    super({ fd, readable: true, writable: true });
    this.descriptor = fd;
  }

  /** The replica has read everything that the kernel has been handed. True of a connection that is closed. */
  get isRead(): boolean {
    return this.destroyed || unreadBytes(this.descriptor) === 0;
  }
}

export class VirtualListener {
  readonly family: 4 | 6;
  readonly address: string;
  readonly port: number;
  readonly id: string;
  /** The daemon has called listen(), not only bind(). */
  listening = false;
  private fd: number;

  constructor(label: ListenerLabel, fd: number) {
    this.family = label.family;
    this.address = label.address;
    this.port = label.port;
    this.id = label.id;
    this.fd = fd;
  }

  get descriptor(): number {
    return this.fd;
  }

  /** How well the listener fits a local address: 2 exactly, 1 as wildcard, 0 not at all. */
  match(localAddress: string): 0 | 1 | 2 {
    const bare = withoutZone(localAddress);
    if (addressFamily(bare) !== this.family) return 0;
    if (bare === this.address) return 2;
    return this.address === '0.0.0.0' || this.address === '::' ? 1 : 0;
  }

  /**
   * Hands the replica one end of a fresh stream and returns the other. The replica sees the connection as soon as it
   * polls; nothing tells when it has accepted. Throws SystemCallError (EAGAIN: the replica does not accept and its queue
   * is full; EPIPE: it has closed the listener; EMFILE).
   */
  connect(connection: ConnectionLabel, sendBuffer = DEFAULT_SEND_BUFFER): VirtualConnection {
    const [near, far] = socketpair(SOCK_STREAM);
    try {
      setSendBuffer(near, sendBuffer);
      setSendBuffer(far, sendBuffer);
      bindAbstract(far, encodeConnectionLabel(connection, randomBytes(8)));
      sendMessage(this.fd, CONNECTION, far);
    } catch (error) {
      close(near);
      throw error;
    } finally {
      close(far);
    }
    return new VirtualConnection(near);
  }

  close(): void {
    if (this.fd < 0) return;
    close(this.fd);
    this.fd = -1;
  }
}
