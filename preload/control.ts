// The control channel of one replica: its end of the one inherited socket, and the listeners the replica opened through
// it. Owns those descriptors and is told by the hub when one of them is readable.
import { EventEmitter } from 'node:events';
import { decodeControlMessage, type ConnectionLabel, type ListenerLabel } from './label.js';
import { VirtualListener, type VirtualConnection } from './listener.js';
import { SOCK_SEQPACKET, close, receiveMessage, socketpair, type ReceivedMessage } from './native.js';
import type { Poller } from './poller.js';

/** A replica has a handful of listeners; more is a daemon gone mad, and each costs a descriptor. */
export const MAX_LISTENERS = 256;

export interface ControlEvents {
  /** The shim is loaded in this process of the replica. */
  hello: [pid: number];
  /** A listening socket is ready for connections. */
  listening: [listener: VirtualListener];
  /** The replica closed it, or died. */
  unlisten: [listener: VirtualListener];
  /**
   * The replica opened a netlink socket and waits for a kernel to answer on this SOCK_SEQPACKET socket, to which its side
   * is known as `portId`. The receiver owns `fd`; closing it ends the process that opened the socket when it next uses it.
   */
  netlink: [socket: { fd: number; portId: number }];
  /** An active connect to the BGP port was refused. */
  refused: [to: ListenerLabel];
  warn: [text: string];
  /** No process of the replica holds the control socket any more. */
  gone: [];
}

export class ControlChannel extends EventEmitter<ControlEvents> {
  /** Bound listeners, oldest first. */
  readonly open: VirtualListener[] = [];
  private readonly poller: Poller;
  private readonly token: number;
  private readonly tokens = new Map<VirtualListener, number>();
  private near: number;
  private far: number;

  private readonly onClosed: (channel: ControlChannel) => void;

  constructor(poller: Poller, onClosed: (channel: ControlChannel) => void) {
    super();
    this.poller = poller;
    this.onClosed = onClosed;
    [this.near, this.far] = socketpair(SOCK_SEQPACKET);
    this.token = poller.register(() => this.receive());
    poller.watch(this.token, this.near);
  }

  /** The replica's end, to be inherited by the process that is started; then call `handedOver`. */
  get childFd(): number {
    return this.far;
  }

  /** Closes our copy of the replica's end, so that the replica's death shows as end of file. */
  handedOver(): void {
    if (this.far < 0) return;
    close(this.far);
    this.far = -1;
  }

  /** The listener that a connection to `localAddress`:`port` reaches: exact before wildcard, newest first. */
  find(localAddress: string, port: number): VirtualListener | undefined {
    let best: VirtualListener | undefined;
    let bestMatch = 0;
    for (const listener of this.open) {
      const match = listener.listening && listener.port === port ? listener.match(localAddress) : 0;
      if (match !== 0 && match >= bestMatch) [best, bestMatch] = [listener, match];
    }
    return best;
  }

  /** Connects inward; see VirtualListener.connect. Throws an Error with code ECONNREFUSED when nothing listens there. */
  connect(connection: ConnectionLabel, sendBuffer?: number): VirtualConnection {
    const listener = this.find(connection.localAddress, connection.localPort);
    if (listener === undefined) {
      const text = `the replica does not listen on ${connection.localAddress} port ${connection.localPort}`;
      throw Object.assign(new Error(text), { code: 'ECONNREFUSED' });
    }
    return listener.connect(connection, sendBuffer);
  }

  /** Closes everything. A replica that still runs ends itself when it next looks at a listener. */
  close(): void {
    this.handedOver();
    for (const listener of [...this.open]) this.drop(listener, false);
    if (this.near < 0) return;
    this.poller.unregister(this.token);
    close(this.near);
    this.near = -1;
    this.onClosed(this);
  }

  private receive(): void {
    for (let message = receiveMessage(this.near); message; message = receiveMessage(this.near)) {
      if (message.bytes.length === 0) {
        this.close();
        this.emit('gone');
        return;
      }
      this.handle(message);
      if (this.near < 0) return; // a handler closed us
    }
    this.poller.watch(this.token, this.near);
  }

  private handle({ bytes, fd }: ReceivedMessage): void {
    const message = decodeControlMessage(bytes);
    if (message.kind === 'bound' && fd !== undefined && this.open.length < MAX_LISTENERS) {
      this.adopt(new VirtualListener(message.label, fd));
      return;
    }
    if (message.kind === 'netlink' && fd !== undefined && this.listenerCount('netlink') > 0) {
      this.emit('netlink', { fd, portId: message.portId });
      return;
    }
    if (fd !== undefined) close(fd);
    if (message.kind === 'hello') this.emit('hello', message.pid);
    else if (message.kind === 'warn') this.emit('warn', message.text);
    else if (message.kind === 'refused') this.emit('refused', message.label);
    else if (message.kind === 'listening') {
      const listener = this.open.find((l) => l.id === message.label.id);
      if (listener === undefined || listener.listening) return;
      listener.listening = true;
      this.emit('listening', listener);
    } else this.emit('warn', `control socket: a message of kind ${message.kind} cannot be used`);
  }

  /** Nothing ever arrives on a listener's own socket: readable means that the replica has closed its end. */
  private adopt(listener: VirtualListener): void {
    this.open.push(listener);
    const token = this.poller.register(() => this.drop(listener, true));
    this.tokens.set(listener, token);
    this.poller.watch(token, listener.descriptor);
  }

  private drop(listener: VirtualListener, tell: boolean): void {
    const at = this.open.indexOf(listener);
    if (at === -1) return;
    this.open.splice(at, 1);
    this.poller.unregister(this.tokens.get(listener)!);
    this.tokens.delete(listener);
    listener.close();
    if (tell) this.emit('unlisten', listener);
  }
}
