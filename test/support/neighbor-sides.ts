// Sessions under test on loopback: two of ours against each other, or one against a scripted raw peer.
import net from 'node:net';
import { once } from 'node:events';
import { MessageFramer } from '../../wire/bgp/framing.js';
import { makeCapabilities } from '../../wire/bgp/capabilities.js';
import { encodeOpen } from '../../wire/bgp/open.js';
import type { OpenMessage } from '../../wire/bgp/open.js';
import type { DownReason, Negotiated } from '../../session/fsm.js';
import { NeighborListener } from '../../hypervisor/neighbors/neighbor-listener.js';
import { NeighborSession } from '../../hypervisor/neighbors/neighbor-session.js';
import type { NeighborSettings } from '../../hypervisor/neighbors/neighbor-session.js';
import type { SessionCallbacks } from '../../hypervisor/io/session-runner.js';

/** Resolves when the condition holds; rejects, naming it, after `limit` ms. */
export async function until(what: string, condition: () => boolean, limit = 8000): Promise<void> {
  const deadline = performance.now() + limit;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${limit} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Callbacks that write everything down. */
export class Recorder implements SessionCallbacks {
  readonly established: Negotiated[] = [];
  readonly downs: DownReason[] = [];
  readonly failures: DownReason[] = [];
  readonly updates: Uint8Array[] = [];
  readonly refreshes: number[] = [];
  writables = 0;
  onEstablished = (negotiated: Negotiated): void => void this.established.push(negotiated);
  onDown = (reason: DownReason): void => void this.downs.push(reason);
  onAttemptFailed = (reason: DownReason): void => void this.failures.push(reason);
  onUpdate = (buffer: Uint8Array, start: number, end: number): void => void this.updates.push(buffer.slice(start, end));
  onRouteRefresh = (family: number): void => void this.refreshes.push(family);
  onWritable = (): void => void this.writables++;
}

export function capabilitiesOf(as: number): ReturnType<typeof makeCapabilities> {
  return makeCapabilities({ families: 3, as, routeRefresh: true, extendedMessage: true });
}

export interface Side {
  session: NeighborSession;
  listener: NeighborListener;
  recorder: Recorder;
  warnings: string[];
  close(): Promise<void>;
}

/** One of our routers with one neighbour. `port` 0 picks a port; without a listener address it only connects. */
export async function side(
  as: number,
  routerId: string,
  settings: Partial<NeighborSettings> & { address: string; localAddress: string; peerAs: number },
  port: number,
  queueBytes?: number,
): Promise<Side> {
  const warnings: string[] = [];
  const listener = new NeighborListener({
    port,
    addresses: [settings.localAddress],
    warn: (text) => warnings.push(text),
  });
  await listener.open();
  const recorder = new Recorder();
  const session = new NeighborSession({
    neighbor: { passive: false, remotePort: 1, holdTime: 90, keepaliveInterval: 30, connectRetry: 1, ...settings },
    router: { as, routerId },
    capabilities: capabilitiesOf(as),
    listener,
    callbacks: recorder,
    jitter: 1,
    ...(queueBytes ? { queueBytes } : {}),
  });
  const close = async (): Promise<void> => {
    await session.stop(2);
    await listener.close();
  };
  return { session, listener, recorder, warnings, close };
}

/** A peer that does exactly what the test tells it. */
export class RawPeer {
  readonly messages: { type: number; bytes: Uint8Array }[] = [];
  ended = false;
  readonly socket: net.Socket;
  private readonly framer = new MessageFramer(65535);

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.framer.push(chunk);
      while (this.framer.next()) {
        const { buffer, start, end, type } = this.framer;
        this.messages.push({ type, bytes: buffer.slice(start, end) });
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => (this.ended = true));
  }

  static async connect(host: string, port: number, localAddress: string): Promise<RawPeer> {
    const socket = net.connect({ host, port, localAddress });
    await once(socket, 'connect');
    return new RawPeer(socket);
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  open(as: number, routerId: string, changes: Partial<OpenMessage> = {}): void {
    const open = { version: 4, as, holdTime: 90, routerId, capabilities: capabilitiesOf(as), ...changes };
    this.send(encodeOpen(open));
  }

  /** Code and subcode of the NOTIFICATION received, `6/7`. */
  get notification(): string | undefined {
    const found = this.messages.find(({ type }) => type === 3);
    return found && `${found.bytes[19]}/${found.bytes[20]}`;
  }
}

/** A free port: the listener of one side needs it before the other side exists. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
