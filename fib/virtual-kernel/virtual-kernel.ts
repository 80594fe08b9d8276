// The kernel that one replica sees over rtnetlink: the real kernel's links, addresses, rules, neighbours and foreign routes, and the
// replica's own routes, which go nowhere but into its votes. Owns the replica's sockets and routes; bytes come and go through the caller.
import type { InternalLink, Injection, KernelCounters, MirrorChange, VirtualKernelOptions } from './types.js';

export class VirtualKernel {
  readonly internal: InternalLink;

  constructor(options: VirtualKernelOptions) {
    this.internal = options.internal;
  }

  /** Sockets open now. */
  get socketCount(): number {
    return 0;
  }

  /** Own routes in all tables. */
  get routeCount(): number {
    return 0;
  }

  /** Whether route writes must be answered here: while errors are injected the shim may not acknowledge by itself. */
  get acksWrites(): boolean {
    return false;
  }

  get counters(): KernelCounters {
    throw new Error('not built');
  }

  /** A socket of the daemon; `socket` is the caller's number for it, `portId` its netlink port id. false: too many. */
  open(socket: number, portId: number): boolean {
    return socket < 0 && portId < 0;
  }

  /** One datagram from the daemon: requests, or the shim's own messages about groups and options. */
  receive(socket: number, buf: Uint8Array, start: number, end: number): void {
    void [socket, buf, start, end];
  }

  /** There is room again in a socket for which `sink.send` answered false. */
  writable(socket: number): void {
    void socket;
  }

  /** Whether `writable` is waited for: what POLLOUT is to be asked for. */
  wantsWrite(socket: number): boolean {
    return socket < 0;
  }

  close(socket: number): void {
    void socket;
  }

  /** A new start of the replica: no sockets, no routes (each is reported gone). The injection stays. */
  reset(): void {
    return;
  }

  /** Something changed in the real kernel: pushed on to the sockets that asked for it. Call it after the mirror has changed. */
  changed(change: MirrorChange): void {
    void change;
  }

  /** Sets or (undefined) ends a fault; the votes follow at once. */
  inject(injection: Injection | undefined): void {
    void injection;
  }

  /** Visits the replica's votes as the daemon wrote them, without any injection. */
  forEachRoute(visit: (prefix: number, hops: number) => void): void {
    void visit;
  }

  /** Sets used[id] for every prefix id in use here. */
  markPrefixes(used: Uint8Array): void {
    void used;
  }

  /** Sets used[id] for every id of the two tables in use here. Both must be as long as their table's limit. */
  markAttributes(hopsUsed: Uint8Array, bodiesUsed: Uint8Array): void {
    void [hopsUsed, bodiesUsed];
  }
}
