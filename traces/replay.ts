// Plays trace files as one or several BGP neighbours: files as they are read, each route to the neighbours that play its peer, at the trace's
// pace or as fast as the slowest of them takes it. One pass over the files serves all neighbours, and the file waits for the slowest: that
// bounds the memory. Keeps no routes.
import { parseAddress } from '../wire/ip.js';
import { TraceDecoder } from './decoder.js';
import { peerName, type TracePeer } from './peers.js';
import { readTrace, type ReadOptions } from './reader.js';
import { TraceError } from './source.js';
import type { NeighborPlan } from './replay-plan.js';
import { NO_COUNTS, RouteFeed, type FeedCounts } from './route-feed.js';
import { describeDown, Speaker } from './speaker.js';
import type { NextHops } from './update-writer.js';

export interface ReplayOptions extends ReadOptions {
  /** RIBs first, then update files; End-of-RIB is sent between them. */
  readonly files: readonly string[];
  readonly neighbors: readonly NeighborPlan[];
  /** 1: the trace's own timing, 10: ten times as fast. Undefined: as fast as the other side takes it. RIBs have no timing. */
  readonly speed?: number;
  /** Prefixes of RIBs for each neighbour. */
  readonly limit?: number;
  readonly nextHopV4?: string;
  readonly nextHopV6?: string;
  readonly peerAs?: number;
  readonly holdTime?: number;
  /** Seconds to keep trying to connect. */
  readonly patience?: number;
  /** Milliseconds: update files (not RIBs) are played again and again until so long has passed; a pass that has begun is finished. */
  readonly loopMs?: number;
  /** Messages of update files are sent byte for byte, not as an eBGP neighbour with another AS and address would send them. */
  readonly verbatim?: boolean;
  /** A neighbour's session is closed and opened again where the trace says that it went down and came up. */
  readonly sessions?: boolean;
  /** Ends the replay early; sessions are closed with Cease. */
  readonly signal?: AbortSignal;
}

/** One neighbour while it plays, and what came of it. */
export interface Player {
  readonly plan: NeighborPlan;
  /** Another one after each time that the trace closed the session. */
  speaker: Speaker;
  /** The trace has closed the session and not opened it again. */
  closed: boolean;
  /** Undefined until the session is established. */
  feed?: RouteFeed;
  /** UPDATEs received from the other side. */
  updatesReceived: number;
  /** Why the session ended before its time. */
  ended?: string;
}

/** RFC 4271 state, as MRT numbers them. */
const ESTABLISHED = 6;
const CHUNK = 1 << 16;
/** Milliseconds of work after which timers and sockets get their turn. */
const TURN = 15;

/** "196.223.14.55 AS30844 as AS65001, derived" */
export function playerName({ plan }: Player): string {
  const derived = plan.derive === undefined ? '' : `, derived view ${plan.derive}`;
  return `${peerName(plan.peer)} played as AS${plan.as}${derived}`;
}

function nextHopsOf(options: ReplayOptions, local: string | undefined): NextHops {
  const own = local === undefined ? undefined : parseAddress(local);
  const given = (text: string | undefined) => (text === undefined ? undefined : parseAddress(text));
  return {
    ipv4: given(options.nextHopV4) ?? (own?.length === 4 ? own : undefined),
    ipv6: given(options.nextHopV6) ?? (own?.length === 16 ? own : undefined),
  };
}

export class Replay {
  readonly players: Player[];
  /** Milliseconds since 1970 of the record played last. */
  traceTime = NaN;
  /** Part of the current file that was read, 0..1, and its name. */
  progress = 0;
  file = '';
  /** Records that were not played, by what they are. */
  readonly skipped: ReadonlyMap<string, number>;
  /** How often the files have been begun. */
  passes = 0;
  readonly #options: ReplayOptions;
  readonly #decoder: TraceDecoder;
  readonly #byPeer = new Map<string, Player[]>();
  readonly #wanted = new Map<TracePeer, Player[]>();
  #wakeSleeper: () => void = () => undefined;
  #inUpdates = false;
  #updateRecord = false;
  #origin: { trace: number; clock: number } | undefined;
  #turnEnd = 0;
  readonly #sessionChanges: { player: Player; up: boolean }[] = [];
  /** Update files that end too early: their writer was killed. The next ones have been played nevertheless. */
  readonly cut: string[] = [];

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.players = options.neighbors.map((plan) => this.#makePlayer(plan));
    for (const player of this.players) {
      const name = peerName(player.plan.peer);
      this.#byPeer.set(name, [...(this.#byPeer.get(name) ?? []), player]);
    }
    this.#decoder = new TraceDecoder({
      wants: (peer) => this.#playersOf(peer).length > 0 || this.#sessionsOf(peer).length > 0,
      route: (peer, route) => {
        for (const player of this.#playersOf(peer)) if (player.ended === undefined) player.feed?.route(route);
      },
      message: (peer, buf, start, end, as4) => {
        for (const player of this.#playersOf(peer)) {
          if (player.ended !== undefined) continue;
          if (options.verbatim) player.feed?.verbatim(buf, start, end, as4);
          else player.feed?.message(buf, start, end, as4);
        }
      },
      stateChange: (peer, oldState, newState) => {
        if ((oldState === ESTABLISHED) === (newState === ESTABLISHED)) return;
        for (const player of this.#sessionsOf(peer)) {
          this.#sessionChanges.push({ player, up: newState === ESTABLISHED });
        }
      },
    });
    this.skipped = this.#decoder.skipped;
    options.signal?.addEventListener('abort', () => void this.stop(), { once: true });
  }

  /** Brings all sessions up. Throws SpeakerError; the sessions that were up are closed then. */
  async connect(): Promise<void> {
    const settled = await Promise.allSettled(this.players.map((player) => this.#connect(player)));
    const failed = settled.find((result) => result.status === 'rejected');
    if (failed === undefined) return;
    await this.stop();
    throw failed.reason;
  }

  /** Plays the files to their end and waits until everything was handed to the other sides. Throws TraceError. */
  async play(): Promise<void> {
    const end = performance.now() + (this.#options.loopMs ?? 0);
    try {
      do await this.#pass();
      while (performance.now() < end && !this.#over());
    } finally {
      this.#endOfRib();
      this.#sendAll(0);
      await Promise.all(this.players.map(({ speaker }) => speaker.flushed()));
    }
  }

  /** Resolves when no session is left: all were lost, or the signal ended them. */
  async hold(): Promise<void> {
    await Promise.all(this.players.map(({ speaker }) => speaker.ended));
  }

  /** Closes all sessions with Cease/Administrative Shutdown. */
  async stop(): Promise<void> {
    this.#wakeSleeper();
    await Promise.all(this.players.map(({ speaker }) => speaker.stop()));
  }

  async #pass(): Promise<void> {
    this.passes++;
    this.#origin = undefined;
    for (const file of this.#options.files) {
      this.file = file;
      await readTrace(file, (record) => this.#visit(record.time, record.type, () => this.#decoder.visit(record)), {
        ...this.#options,
        progress: (read, size) => (this.progress = read / size),
      }).catch((error: unknown) => {
        if (!(error instanceof TraceError && error.cut && this.#updateRecord)) throw error;
        this.cut.push(error.message);
      });
      if (this.#over()) break;
    }
  }

  #makePlayer(plan: NeighborPlan): Player {
    const player: Player = {
      plan,
      speaker: this.#makeSpeaker(plan, () => void player.updatesReceived++),
      closed: false,
      updatesReceived: 0,
    };
    return player;
  }

  #makeSpeaker(plan: NeighborPlan, onUpdate: () => void): Speaker {
    const { host, port, localAddress, as, routerId } = plan;
    const { peerAs, holdTime, patience } = this.#options;
    const possible = nextHopsOf(this.#options, localAddress ?? (host.includes(':') ? '::' : '0.0.0.0'));
    const families = (possible.ipv4 ? 1 : 0) | (possible.ipv6 ? 2 : 0);
    return new Speaker({
      host,
      port,
      localAddress,
      as,
      routerId,
      peerAs,
      holdTime,
      patience,
      families,
      onUpdate,
    });
  }

  async #connect(player: Player): Promise<void> {
    const { speaker, plan } = player;
    const { families, as4 } = await speaker.connect();
    const nextHops = nextHopsOf(this.#options, speaker.localAddress);
    player.feed = new RouteFeed({
      as: plan.as,
      nextHops,
      families,
      as4,
      derive: plan.derive,
      limit: this.#options.limit,
      counts: player.feed?.counts,
    });
    void speaker.ended.then((reason) => {
      if (player.closed) return;
      player.ended = describeDown(reason);
      if (this.#over()) this.#wakeSleeper();
    });
  }

  #playersOf(peer: TracePeer): Player[] {
    let players = this.#wanted.get(peer);
    if (players === undefined) {
      players = this.#byPeer.get(peerName(peer)) ?? [];
      this.#wanted.set(peer, players);
    }
    return players;
  }

  /** Whose sessions follow what the trace says of this peer's. */
  #sessionsOf(peer: TracePeer): Player[] {
    if (!this.#options.sessions) return [];
    return this.players.filter(({ plan }) => plan.peer.address === peer.address && plan.peer.as === peer.as);
  }

  /** Closes and opens sessions as the trace says. */
  async #changeSessions(): Promise<'stop' | undefined> {
    this.#sendAll(0);
    for (const { player, up } of this.#sessionChanges.splice(0)) {
      if (player.ended !== undefined || up !== player.closed) continue;
      if (up) {
        player.speaker = this.#makeSpeaker(player.plan, () => void player.updatesReceived++);
        player.closed = false;
        await this.#connect(player).catch((error: Error) => (player.ended = error.message));
        // What the RIBs said is not said again.
        player.feed?.endOfRib();
      } else {
        await player.speaker.flushed();
        player.closed = true;
        await player.speaker.stop();
      }
    }
    return this.#over() ? 'stop' : undefined;
  }

  #over(): boolean {
    return this.#options.signal?.aborted === true || this.players.every(({ ended }) => ended !== undefined);
  }

  /** Plays one record; a promise when there is something to wait for. */
  #visit(time: number, type: number, decode: () => void): undefined | 'stop' | Promise<'stop' | undefined> {
    this.#updateRecord = type >= 16;
    if (!this.#updateRecord && this.passes > 1) return 'stop';
    this.traceTime = time;
    if (this.#updateRecord) {
      this.#endOfRib();
      const wait = this.#timeToWait(time);
      if (wait > 0) return this.#later(wait, decode);
    }
    decode();
    if (this.#sessionChanges.length > 0) return this.#changeSessions();
    if (!this.#updateRecord && this.players.every(({ feed }) => feed?.limitReached ?? true)) return 'stop';
    if (!this.#sendAll(CHUNK) || performance.now() > this.#turnEnd) return this.#breathe();
    return undefined;
  }

  /** Milliseconds until this record is due. */
  #timeToWait(time: number): number {
    const { speed } = this.#options;
    if (speed === undefined) return 0;
    this.#origin ??= { trace: time, clock: performance.now() };
    const due = this.#origin.clock + (time - this.#origin.trace) / speed;
    const wait = due - performance.now();
    // A timer is no more exact than this.
    return wait > 1 ? wait : 0;
  }

  async #later(wait: number, decode: () => void): Promise<'stop' | undefined> {
    this.#sendAll(0);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.#wakeSleeper = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    if (this.#over()) return 'stop';
    decode();
    if (this.#sessionChanges.length > 0) return this.#changeSessions();
    this.#sendAll(CHUNK);
    return undefined;
  }

  async #breathe(): Promise<'stop' | undefined> {
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all(this.players.map(({ speaker }) => speaker.drained()));
    this.#turnEnd = performance.now() + TURN;
    return this.#over() ? 'stop' : undefined;
  }

  /** The RIBs are over: say so once, before the first UPDATE of the trace or at the end. */
  #endOfRib(): void {
    if (this.#inUpdates) return;
    this.#inUpdates = true;
    for (const { feed, ended } of this.players) if (ended === undefined) feed?.endOfRib();
  }

  /** Sends what has been written beyond `threshold` bytes. False: somebody has to be waited for. */
  #sendAll(threshold: number): boolean {
    let free = true;
    for (const { feed, speaker, ended, closed } of this.players) {
      if (feed === undefined || feed.out.length <= threshold) continue;
      const bytes = feed.out.take();
      if (ended === undefined && !closed && !speaker.send(bytes)) free = false;
    }
    return free;
  }
}

/** Sum of what all neighbours were sent. */
export function totalCounts(players: readonly Player[]): FeedCounts {
  const total: FeedCounts = { ...NO_COUNTS };
  for (const { feed } of players) {
    for (const key of Object.keys(total) as (keyof FeedCounts)[]) total[key] += feed?.counts[key] ?? 0;
  }
  return total;
}
