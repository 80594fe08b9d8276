// A model of a routing daemon: correct best-path selection on what it was given, with delays; and every way of going wrong that we know.
// Talks to the router only through bytes in and votes out. Its faults are switched from outside (faults.ts).
import { extractRouteAttributes } from '../../wire/bgp/route-attributes.js';
import { NlriCursor, parseUpdate, UpdateView } from '../../wire/bgp/update.js';
import type { EventQueue } from './event-queue.js';
import type { Random } from './random.js';
import { FAMILIES } from './routes.js';
import type { Routes } from './routes.js';

export interface ReplicaTiming {
  digestion: number;
  thinking: number;
  duplicates: number;
}

/** What the replica says instead of the truth on a prefix. */
export type Lie = { kind: 'fake'; choice: number } | { kind: 'silence' } | { kind: 'stuck' };

export type CastVote = (r: number, session: number, n: number, prefix: number, route: number) => void;

const context = { as4: true, ebgp: true, families: FAMILIES };
const view = new UpdateView();
const cursor = new NlriCursor();
const raw = new Uint8Array(65536);

export class ModelReplica {
  readonly index: number;
  hung = false;
  readonly lies = new Map<number, Lie>();
  private readonly routes: Routes;
  private readonly queue: EventQueue;
  private readonly random: Random;
  private readonly timing: ReplicaTiming;
  private readonly cast: CastVote;
  /** Grows with every restart, so that what an earlier life had in mind is dropped. */
  private life = 0;
  private deferred: (() => void)[] = [];
  /** Per neighbour whose session is up: number of the session, what it announced, what it was told. */
  private sessions: (ModelSession | undefined)[] = [];
  private digestedAt = 0;
  private lastOutputAt = 0;
  private readonly thinkingOf = new Set<number>();

  constructor(
    index: number,
    parts: { routes: Routes; queue: EventQueue; random: Random; timing: ReplicaTiming; cast: CastVote },
  ) {
    this.index = index;
    this.routes = parts.routes;
    this.queue = parts.queue;
    this.random = parts.random;
    this.timing = parts.timing;
    this.cast = parts.cast;
  }

  /** A new process that knows nothing. Its lies stay: they are in the code. */
  restart(): void {
    this.life++;
    this.hung = false;
    this.deferred = [];
    this.sessions = [];
    this.thinkingOf.clear();
  }

  sessionUp(n: number, session: number): void {
    this.digest(() => {
      this.sessions[n] = { session, rib: new Map(), told: new Map() };
      for (const prefix of this.routes.ids) this.think(prefix);
    });
  }

  sessionDown(n: number): void {
    this.digest(() => {
      const lost = this.sessions[n];
      this.sessions[n] = undefined;
      for (const prefix of lost?.rib.keys() ?? []) this.think(prefix);
    });
  }

  /** Whole messages of neighbour `n`. */
  deliver(n: number, bytes: Uint8Array): void {
    this.digest(() => {
      for (let at = 0; at < bytes.length;) {
        const end = at + ((bytes[at + 16] << 8) | bytes[at + 17]);
        this.read(n, bytes, at, end);
        at = end;
      }
    });
  }

  /** Calls back when everything delivered so far has been worked off and its outcome has been said. */
  probe(done: () => void): void {
    this.later(this.digestedAt, () => this.later(this.lastOutputAt, done));
  }

  resume(): void {
    this.hung = false;
    const { deferred } = this;
    this.deferred = [];
    for (const run of deferred) run();
  }

  /** Says now, on all prefixes, what it would say anyway: after its lies changed. */
  speakUp(): void {
    for (const prefix of this.routes.ids) this.think(prefix);
  }

  /** Says any route whatever on one prefix to one neighbour, and takes it back when it next thinks about it. */
  babble(n: number, prefix: number, route: number): void {
    const target = this.sessions[n];
    if (this.hung || !target) return;
    target.told.set(prefix, route);
    this.cast(this.index, target.session, n, prefix, route);
    this.think(prefix);
  }

  /** What a correct replica that knows what this one knows says to neighbour `n`. */
  bestFor(n: number, prefix: number): number {
    let best = 0;
    this.sessions.forEach((session, m) => {
      if (m !== n && session) best = this.routes.better(best, session.rib.get(prefix) ?? 0);
    });
    return best;
  }

  /** What neighbour `n` has told it of a prefix: attribute id, 0 for no route. */
  known(n: number, prefix: number): number {
    return this.sessions[n]?.rib.get(prefix) ?? 0;
  }

  private digest(work: () => void): void {
    this.digestedAt = Math.max(this.digestedAt, this.queue.now + this.random.between(0, this.timing.digestion));
    this.later(this.digestedAt, work);
  }

  private later(time: number, run: () => void): void {
    const { life } = this;
    this.queue.at(time, () => {
      if (life !== this.life) return;
      if (this.hung) this.deferred.push(run);
      else run();
    });
  }

  private read(n: number, buf: Uint8Array, start: number, end: number): void {
    const verdict = parseUpdate(buf, start, end, context, view);
    const rib = this.sessions[n]?.rib;
    if (!rib || verdict.kind === 'reset') return;
    for (let i = 0; i < view.sectionCount; i++) {
      const { kind, family, start: from, end: to, mp } = view.sections[i];
      const absent = kind === 'withdraw' || verdict.kind === 'treat-as-withdraw';
      const length = absent ? 0 : extractRouteAttributes(buf, view, mp, raw, 0);
      const route = absent ? 0 : this.routes.attributes.intern(raw, 0, length);
      cursor.reset(buf, from, to, family);
      while (cursor.next()) {
        const prefix = this.routes.prefixes.intern(family, buf, cursor.at, cursor.bits);
        if (route === 0) rib.delete(prefix);
        else rib.set(prefix, route);
        this.think(prefix);
      }
    }
  }

  /** Says what follows for a prefix after a while; prefixes overtake each other, and states that do not last are never said. */
  private think(prefix: number): void {
    if (this.thinkingOf.has(prefix)) return;
    this.thinkingOf.add(prefix);
    const time = this.queue.now + this.random.between(0, this.timing.thinking);
    this.lastOutputAt = Math.max(this.lastOutputAt, time);
    this.later(time, () => {
      this.thinkingOf.delete(prefix);
      this.sessions.forEach((session, n) => session && this.tell(n, session, prefix));
    });
  }

  private tell(n: number, session: ModelSession, prefix: number): void {
    const lie = this.lies.get(prefix);
    if (lie?.kind === 'stuck') return;
    let route = this.bestFor(n, prefix);
    if (lie?.kind === 'silence') route = 0;
    else if (lie?.kind === 'fake') route = this.routes.fakeRoute(prefix, lie.choice);
    const repeated = this.random.chance(this.timing.duplicates);
    if ((session.told.get(prefix) ?? 0) === route && !repeated) return;
    session.told.set(prefix, route);
    this.cast(this.index, session.session, n, prefix, route);
  }
}

interface ModelSession {
  session: number;
  rib: Map<number, number>;
  told: Map<number, number>;
}
