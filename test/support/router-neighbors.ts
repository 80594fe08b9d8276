// Scripted neighbours of the router under test: feeders that announce tables, customers that collect what they are told, and raw peers
// that send whatever bytes a test likes. Owns their sessions; the network is router-lab.ts, the routes router-routes.ts.
import net from 'node:net';
import { MessageFramer } from '../../wire/bgp/framing.js';
import { makeCapabilities } from '../../wire/bgp/capabilities.js';
import { encodeGracefulRestart, type GracefulRestart } from '../../wire/bgp/graceful-restart.js';
import { encodeKeepalive, MessageType } from '../../wire/bgp/message.js';
import { decodeNotification, notificationName, shutdownCommunication } from '../../wire/bgp/notification.js';
import { decodeOpen, encodeOpen, type OpenMessage } from '../../wire/bgp/open.js';
import { isBgpError } from '../../wire/bgp/error.js';
import type { Family } from '../../wire/family.js';
import type { CollectedTable, TableDifference } from '../../traces/collector.js';
import { Collector } from '../../traces/collector.js';
import type { SpeakerOptions } from '../../traces/speaker.js';
import { waitFor } from '../../cli/lab/wait.js';
import { address, address6, asOf, localAddress, localAddress6, ROUTER_AS, type RunningRouter } from './router-lab.js';
import {
  announcements,
  expectedRoutes,
  expectedTable,
  withdrawals,
  type Candidate,
  type Route,
  type Routes,
} from './router-routes.js';

const DEADLINE_MS = 30_000;

/** Neighbour n: announces what it is told to, and keeps a table of what it hears. */
export class Neighbor {
  readonly n: number;
  readonly as: number;
  readonly routerId: string;
  /** What it announces now. */
  readonly routes: Routes = new Map();
  private readonly options: Partial<SpeakerOptions>;
  private session!: Collector;

  constructor(n: number, options: Partial<SpeakerOptions> = {}) {
    this.n = n;
    this.as = asOf(n);
    this.routerId = address(n);
    this.options = options;
    this.renew();
  }

  get table(): CollectedTable {
    return this.session.table;
  }

  get established(): boolean {
    return this.session.speaker.established;
  }

  /** The session has gone down since it was connected. */
  get ended(): Collector['speaker']['ended'] {
    return this.session.speaker.ended;
  }

  get candidate(): Candidate {
    return { routes: this.routes, routerId: this.routerId };
  }

  async connect(): Promise<this> {
    await this.session.speaker.connect();
    return this;
  }

  /** After the session went down: a new one, with nothing heard or said yet. */
  renew(): void {
    this.routes.clear();
    const { n, as, routerId } = this;
    this.session = new Collector({
      host: localAddress(n),
      localAddress: address(n),
      as,
      peerAs: ROUTER_AS,
      routerId,
      patience: 20,
      ...this.options,
    });
  }

  async announce(routes: Routes): Promise<void> {
    for (const [prefix, route] of routes) this.routes.set(prefix, route);
    await this.send(announcements(routes, this.nextHop));
  }

  async change(prefix: string, route: Route): Promise<void> {
    await this.announce(new Map([[prefix, route]]));
  }

  async withdraw(prefixes: Iterable<string>): Promise<void> {
    const list = [...prefixes];
    for (const prefix of list) this.routes.delete(prefix);
    await this.send(withdrawals(list));
  }

  /** Whole messages, as they are. */
  async send(bytes: Uint8Array): Promise<void> {
    if (!this.session.speaker.send(bytes)) await this.session.speaker.drained();
  }

  async stop(): Promise<void> {
    await this.session.speaker.stop();
  }

  /** Where what it heard differs from the best of what these neighbours announce. */
  differences(from: readonly Neighbor[], limit = 5): TableDifference[] {
    const candidates = from.filter(({ n }) => n !== this.n).map(({ candidate }) => candidate);
    const own = from.some(({ n }) => n === this.n) ? [this.candidate] : [];
    const families = this.session.speaker.negotiated?.families ?? 0;
    const expected = expectedRoutes([...candidates, ...own], ROUTER_AS, this.as);
    for (const prefix of expected.keys()) {
      if ((families & (prefix.includes(':') ? 2 : 1)) === 0) expected.delete(prefix);
    }
    const hop = (family: Family): string => (family === 0 ? localAddress(this.n) : localAddress6(this.n));
    return this.table.diff(expectedTable(expected, hop), limit);
  }

  /** Polls until it holds exactly the best of what these neighbours announce. */
  async untilRight(from: readonly Neighbor[], deadlineMs = DEADLINE_MS): Promise<void> {
    let last: TableDifference[] = [];
    try {
      await waitFor(() => (last = this.differences(from)).length === 0, {
        what: `neighbour ${this.n} holds the right table`,
        deadlineMs,
        intervalMs: 50,
      });
    } catch (error) {
      const lines = last.map(({ prefix, kind, text }) => `${kind} ${prefix}: ${text}`);
      throw new Error(`${(error as Error).message}; it holds ${this.table.size} routes\n${lines.join('\n')}`, {
        cause: error,
      });
    }
  }

  private readonly nextHop = (family: Family): string => (family === 0 ? address(this.n) : address6(this.n));
}

/** What a raw peer was told last before the connection ended. */
export interface Farewell {
  code: number;
  subcode: number;
  name: string;
  data: Uint8Array;
  text: string | undefined;
}

export interface RawOptions {
  n: number;
  /** The source address, when it is not neighbour n's own. */
  from?: string;
  as?: number;
  families?: number;
  holdTime?: number;
  /** False: a speaker of before RFC 6793, with two octets for an AS. */
  as4?: boolean;
  /** Default: not a word of it. */
  gracefulRestart?: GracefulRestart;
}

/** A connection to the router on which a test writes bytes of its own making. */
export class RawPeer {
  open: OpenMessage | undefined;
  established = false;
  closed = false;
  farewell: Farewell | undefined;
  readonly messages: number[] = [];
  /** UPDATEs as they came, headers included. */
  readonly updates: Uint8Array[] = [];
  readonly socket: net.Socket;
  private readonly framer = new MessageFramer();
  private readonly options: RawOptions;

  private constructor(socket: net.Socket, options: RawOptions) {
    this.socket = socket;
    this.options = options;
    socket.on('data', (chunk) => this.receive(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closed = true));
  }

  /** Connects; a router that does not listen yet is tried again. */
  static async connect(options: RawOptions): Promise<RawPeer> {
    const { n, from = address(n) } = options;
    const socket = await waitFor(
      () =>
        new Promise<net.Socket | undefined>((resolve) => {
          const attempt = net.connect({ host: localAddress(n), port: 179, localAddress: from, noDelay: true });
          attempt.once('connect', () => resolve(attempt));
          attempt.once('error', () => resolve(undefined));
        }),
      { what: `a connection to ${localAddress(n)}`, deadlineMs: DEADLINE_MS },
    );
    return new RawPeer(socket, options);
  }

  /** Why what came is no stream of BGP messages any more. */
  get framingError(): string | undefined {
    return this.framer.error?.reason;
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  sendOpen(): void {
    const { n, as = asOf(n), families = 1, holdTime = 90, as4 = true, gracefulRestart } = this.options;
    const capabilities = makeCapabilities({ families, routeRefresh: true, ...(as4 ? { as } : {}) });
    if (gracefulRestart) capabilities.push(encodeGracefulRestart(gracefulRestart));
    this.write(encodeOpen({ version: 4, as, holdTime, routerId: address(n), capabilities }));
  }

  /** OPEN, KEEPALIVE, and the router's answer to both. */
  async establish(): Promise<this> {
    this.sendOpen();
    this.write(encodeKeepalive());
    await waitFor(() => this.established, {
      what: `session ${this.options.n} is established`,
      deadlineMs: DEADLINE_MS,
    });
    return this;
  }

  /** The router ends the connection; resolves with its NOTIFICATION, if there was one. */
  async untilClosed(deadlineMs = DEADLINE_MS): Promise<Farewell | undefined> {
    await waitFor(() => this.closed, { what: `the router closes connection ${this.options.n}`, deadlineMs });
    return this.farewell;
  }

  close(): void {
    this.socket.destroy();
  }

  private receive(chunk: Uint8Array): void {
    this.framer.push(chunk);
    while (this.framer.next()) {
      const { buffer, start, end, type } = this.framer;
      this.messages.push(type);
      if (type === MessageType.OPEN) {
        const open = decodeOpen(buffer, start, end);
        if (!isBgpError(open)) this.open = open;
      } else if (type === MessageType.KEEPALIVE) this.established = this.open !== undefined;
      else if (type === MessageType.UPDATE) this.updates.push(buffer.slice(start, end));
      else if (type === MessageType.NOTIFICATION) this.noteFarewell(buffer, start, end);
    }
  }

  private noteFarewell(buffer: Uint8Array, start: number, end: number): void {
    const notification = decodeNotification(buffer, start, end);
    if (isBgpError(notification)) return;
    const { code, subcode, data } = notification;
    this.farewell = {
      code,
      subcode,
      data,
      name: notificationName(code, subcode),
      text: shutdownCommunication(notification),
    };
  }
}

/** Session watch: no neighbour of these may have lost its session since this was made. */
export async function flapWatch(
  router: RunningRouter,
  neighbors: readonly Neighbor[],
): Promise<() => Promise<string[]>> {
  const before = new Map((await router.status()).neighbors.map(({ address: a, flaps }) => [a, flaps]));
  const sessions = neighbors.map((neighbor) => neighbor.ended);
  return async () => {
    const trouble: string[] = [];
    neighbors.forEach((neighbor, i) => {
      if (!neighbor.established || neighbor.ended !== sessions[i]) trouble.push(`${neighbor.n}: its session ended`);
    });
    for (const { address: a, flaps } of (await router.status()).neighbors) {
      if (neighbors.some(({ n }) => address(n) === a) && flaps !== before.get(a)) trouble.push(`${a} flapped`);
    }
    return trouble;
  };
}
