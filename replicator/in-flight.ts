// What was given to a replica on one session and has not proven harmless, within a limit: the neighbour's messages (which stay in the
// log that they were read from; what a feed leaves behind there is copied) and groups out of the current state. Owns what a returned probe
// proves; whose fault something is, and what is done about it, is decided elsewhere.
import { GroupLog } from './group-log.js';
import { MessageLog } from './message-log.js';
import type { LogReader } from './message-log.js';

/** A place in all three parts. */
interface Mark {
  groups: number;
  written: number;
  past: number;
  live: number;
}

export class InFlight {
  /** Messages and groups that were dropped because there were more than the limit. */
  forgotten = 0;
  private readonly limit: number;
  private readonly groups = new GroupLog();
  /** Prefixes out of the current state that have proven harmless, of all that were written. */
  private proven = 0;
  /** LIVE: the place in the log up to which everything has proven harmless; the feed's own reader is ahead of it. */
  private trail: LogReader | undefined;
  /** Copies of messages of earlier times LIVE. */
  private past: { log: MessageLog; reader: LogReader } | undefined;
  /** Bytes of messages that were ever copied. */
  private copied = 0;
  /** Where the probe that is out, and the last one that came back, were sent. */
  private out: Mark | undefined;
  private returned: Mark | undefined;

  /** `limit`: bytes; 0 keeps nothing. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Prefixes out of the current state that have not proven harmless, forgotten ones included. */
  get unproven(): number {
    return this.groups.written - this.proven;
  }

  /** Whether nothing is in flight; of a feed that has left the log. */
  get isEmpty(): boolean {
    return this.groups.bytes === 0 && this.past === undefined;
  }

  /** The prefixes ids[from..to) were given with these attributes (0: withdrawn). */
  wrote(route: number, ids: Uint32Array, from: number, to: number, now: number): void {
    this.groups.append(route, ids, from, to, now);
    this.trim(undefined);
  }

  /** The feed goes LIVE at `reader`. */
  follow(reader: LogReader): void {
    if (this.limit > 0) this.trail = reader.fork();
  }

  /** The feed has read on in the log. */
  readUntil(reader: LogReader): void {
    if (this.trail && reader.position - this.trail.position + this.kept > this.limit) this.trim(reader);
  }

  /** The feed leaves the log at `reader`. What it read there must not keep the rest of the log in memory. */
  leave(reader: LogReader): void {
    const { trail } = this;
    if (!trail) return;
    this.trail = undefined;
    let start = 0;
    if (trail.position < reader.position || this.past) {
      const past = (this.past ??= pastFrom(this.copied));
      start = past.log.position - trail.position;
      while (trail.position < reader.position && trail.ready()) {
        trail.copyTo(past.log);
        trail.advance();
      }
      this.copied = past.log.position;
    }
    if (!this.past) return;
    // A mark of an earlier time LIVE comes to lie before what it stands for already.
    for (const mark of [this.out, this.returned]) if (mark) mark.past = Math.max(mark.past, start + mark.live);
  }

  /** A probe goes out; `reader`: the feed's place in the log when LIVE. */
  probeSent(reader: LogReader | undefined): void {
    this.out = {
      groups: this.groups.position,
      written: this.groups.written,
      past: this.copied,
      live: reader?.position ?? 0,
    };
  }

  /** The probe that is out came back. */
  probeReturned(): void {
    const { out, returned } = this;
    if (returned) this.prove(returned);
    if (out) this.returned = out;
    this.out = undefined;
  }

  /** Visits the groups out of the current state, oldest first. Time: ms modulo 2^32. */
  forEachGroup(visit: (route: number, ids: Uint32Array, time: number) => void): void {
    this.groups.forEach(visit);
  }

  /** Visits the messages up to the feed's place in the log, oldest first. */
  forEachMessage(reader: LogReader | undefined, visit: (message: LogReader) => void): void {
    if (this.past) walk(this.past.reader.fork(), this.past.log.position, visit);
    if (this.trail && reader) walk(this.trail.fork(), reader.position, visit);
  }

  /** As `forEachMessage`, and on to the end of the log: what will be in flight. */
  forEachKept(visit: (message: LogReader) => void): void {
    if (this.past) walk(this.past.reader.fork(), this.past.log.position, visit);
    if (this.trail) walk(this.trail.fork(), Infinity, visit);
  }

  /** Bytes that are kept apart from the log. */
  private get kept(): number {
    return this.groups.bytes + (this.past?.reader.backlog ?? 0);
  }

  private prove(mark: Mark): void {
    this.groups.dropUntil(mark.groups);
    this.proven = mark.written;
    const { past, trail } = this;
    if (past) {
      while (past.reader.position < mark.past && past.reader.ready()) past.reader.advance();
      if (past.reader.backlog === 0) this.past = undefined;
    }
    if (trail) while (trail.position < mark.live && trail.ready()) trail.advance();
  }

  private trim(reader: LogReader | undefined): void {
    const { past, trail, groups } = this;
    const live = (): number => (reader && trail ? reader.position - trail.position : 0);
    while (this.kept + live() > this.limit) {
      if (past && past.reader.backlog > 0 && past.reader.ready()) past.reader.advance();
      else if (!groups.drop()) {
        if (!trail?.ready() || live() === 0) return;
        trail.advance();
      }
      if (this.limit > 0) this.forgotten++;
    }
  }
}

/** Positions go on where an earlier log ended, so that marks keep their meaning. */
function pastFrom(position: number): { log: MessageLog; reader: LogReader } {
  const log = new MessageLog();
  log.position = position;
  return { log, reader: log.follow() };
}

function walk(reader: LogReader, until: number, visit: (message: LogReader) => void): void {
  while (reader.position < until && reader.ready()) {
    visit(reader);
    reader.advance();
  }
}
