// The router's listening sockets: accepts connections and gives each to the neighbour with that source address (and local address).
// Owns the sockets, their TCP-MD5 keys and the refusal of strangers. What becomes of a connection is the session's decision.
import net from 'node:net';
import { close } from '../../preload/native.js';
import { boundTcpSocket, setMaximumTtl, setMd5Key, setTtlSecurity } from './tcp-native.js';

/** A neighbour as the listener needs it. Addresses are in canonical text. */
export interface ListenerEntry {
  /** The neighbour's address. */
  address: string;
  /** The address it must have connected to. */
  localAddress: string;
  password?: string | undefined;
  ttlSecurityHops?: number | undefined;
  /** Takes the connection over. */
  accept(socket: net.Socket): void;
}

export interface ListenerOptions {
  port: number;
  /** Local addresses to listen on; `0.0.0.0` and `::` for all. Default: the neighbours' local addresses. */
  addresses?: readonly string[];
  warn(text: string): void;
}

interface Listening {
  address: string;
  fd: number;
  server: net.Server;
}

/** Strangers get one log line in this many milliseconds, with a count of those in between. */
const STRANGER_LOG_MS = 10_000;

export class NeighborListener {
  private readonly options: ListenerOptions;
  private readonly entries: ListenerEntry[] = [];
  private readonly listening: Listening[] = [];
  private strangers = 0;
  private strangerTimer: NodeJS.Timeout | undefined;

  constructor(options: ListenerOptions) {
    this.options = options;
  }

  /** Before or after `open`; an address that nothing listens on yet is only opened by `open`. */
  register(entry: ListenerEntry): void {
    this.entries.push(entry);
    for (const { fd, address } of this.listening) this.prepare(fd, address, entry);
  }

  unregister(entry: ListenerEntry): void {
    const index = this.entries.indexOf(entry);
    if (index < 0) return;
    this.entries.splice(index, 1);
    if (!entry.password) return;
    for (const { fd, address } of this.listening) if (serves(address, entry)) setMd5Key(fd, entry.address, '');
  }

  /** Listens. Rejects with a message that names address, port and reason; then nothing is left open. */
  async open(): Promise<void> {
    const addresses = this.options.addresses ?? this.entries.map(({ localAddress }) => localAddress);
    try {
      for (const address of new Set(addresses)) {
        if (!this.listening.some((other) => other.address === address)) await this.listen(address);
      }
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Listens on one more address, unless it does. Rejects as `open`; what there is stays. */
  async listenOn(address: string): Promise<void> {
    if (!this.listening.some((other) => other.address === address)) await this.listen(address);
  }

  /** No longer listens on an address. Connections that were accepted stay. */
  leave(address: string): void {
    const index = this.listening.findIndex((other) => other.address === address);
    if (index >= 0) this.listening.splice(index, 1)[0].server.close();
  }

  /** The ports in use, for a `port` of 0 in tests. */
  get ports(): number[] {
    return this.listening.map(({ server }) => (server.address() as net.AddressInfo).port);
  }

  async close(): Promise<void> {
    clearTimeout(this.strangerTimer);
    const servers = this.listening.splice(0).map(({ server }) => server);
    await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
  }

  private async listen(address: string): Promise<void> {
    const { port } = this.options;
    const problem = (error: unknown): Error => {
      const { code, message } = error as NodeJS.ErrnoException;
      const hint = code === 'EADDRINUSE' ? ' (does another BGP speaker run here?)' : '';
      return new Error(`cannot listen on ${address} port ${port}: ${code ?? message}${hint}`);
    };
    let fd: number;
    try {
      fd = boundTcpSocket(address, port);
    } catch (error) {
      throw problem(error);
    }
    const server = net.createServer((socket) => this.connection(socket));
    try {
      // Keys come before listen(), so that not even the first segment gets in without one.
      for (const entry of this.entries) this.prepare(fd, address, entry);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ fd }, () => resolve());
      });
    } catch (error) {
      if (server.listening) server.close();
      else close(fd);
      throw problem(error);
    }
    server.on('error', (error: NodeJS.ErrnoException) => {
      this.options.warn(`listening on ${address} port ${port}: ${error.code ?? error.message}`);
    });
    this.listening.push({ address, fd, server });
  }

  private prepare(fd: number, address: string, entry: ListenerEntry): void {
    if (!serves(address, entry)) return;
    if (entry.password) setMd5Key(fd, entry.address, entry.password);
    // Already the answer to the first segment has to come with the TTL that the neighbour asks for.
    if (entry.ttlSecurityHops) setMaximumTtl(fd, entry.address);
  }

  private connection(socket: net.Socket): void {
    const from = plain(socket.remoteAddress);
    const to = plain(socket.localAddress);
    const entry = this.entries.find(({ address, localAddress }) => address === from && localAddress === to);
    if (!entry) return this.refuse(socket, from, to);
    const { ttlSecurityHops } = entry;
    try {
      if (ttlSecurityHops) setTtlSecurity(descriptorOf(socket), entry.address, ttlSecurityHops);
    } catch (error) {
      this.options.warn(`connection from ${from} closed: cannot set ttl-security: ${(error as Error).message}`);
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    entry.accept(socket);
  }

  private refuse(socket: net.Socket, from: string, to: string): void {
    socket.on('error', () => undefined);
    socket.destroy();
    if (this.strangerTimer !== undefined) {
      this.strangers++;
      return;
    }
    this.options.warn(`connection from ${from || 'nowhere'} to ${to || 'nowhere'} refused: no such neighbour`);
    this.strangerTimer = setTimeout(() => {
      this.strangerTimer = undefined;
      if (this.strangers > 0) this.options.warn(`${this.strangers} more connections from strangers refused`);
      this.strangers = 0;
    }, STRANGER_LOG_MS).unref();
  }
}

function serves(listening: string, entry: ListenerEntry): boolean {
  if (net.isIP(listening) !== net.isIP(entry.localAddress)) return false;
  return listening === entry.localAddress || listening === '0.0.0.0' || listening === '::';
}

/** Without the zone of a link-local address. */
function plain(address: string | undefined): string {
  return (address ?? '').replace(/%.*$/, '');
}

/** Node has no public name for it; the only other way would be to do without its sockets. */
function descriptorOf(socket: net.Socket): number {
  const fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd;
  if (fd === undefined || fd < 0) throw new Error('the connection has no descriptor');
  return fd;
}
