// What a neighbour sent, in the order it came: one log for all readers that want the same bytes, so that a message is copied once however
// many replicas get it. Owns bytes and positions; how far a reader may fall behind is decided in replicator.ts.
//
// The log is a chain of blocks of which only the last is held here. Readers hold the block they are in; what all have passed is garbage.

const BLOCK_SIZE = 128 * 1024;
/** The first block is small: most logs are of neighbours that have little to say. */
const FIRST_BLOCK_SIZE = 4 * 1024;
/**
 * Before each message, four bytes each: its sequence number, its time (ms modulo 2^32), and the route attributes that it announces with the
 * classic fields and with MP_REACH_NLRI (attribute ids, 0 for none).
 */
const RECORD_HEADER = 16;
const LENGTH_AT = RECORD_HEADER + 16;

interface Block {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  used: number;
  next: Block | undefined;
}

export class MessageLog {
  /** Bytes of messages that were ever appended. */
  position = 0;
  /** Readers that follow the log; without any, nothing need be appended. */
  readers = 0;
  private tail: Block = newBlock(FIRST_BLOCK_SIZE);

  /**
   * Appends the BGP message start..end (header included, at most 65535 bytes). `sequence` grows with every message of the neighbour;
   * `route` and `mpRoute` are what it announces.
   */
  append(buf: Uint8Array, start: number, end: number, sequence: number, now: number, route = 0, mpRoute = 0): void {
    const length = end - start;
    if (this.tail.used + RECORD_HEADER + length > this.tail.bytes.length) {
      this.tail.next = newBlock(BLOCK_SIZE);
      this.tail = this.tail.next;
    }
    const { bytes, view, used } = this.tail;
    view.setUint32(used, sequence);
    view.setUint32(used + 4, now);
    view.setUint32(used + 8, route);
    view.setUint32(used + 12, mpRoute);
    bytes.set(buf.subarray(start, end), used + RECORD_HEADER);
    this.tail.used = used + RECORD_HEADER + length;
    this.position += length;
  }

  /** A reader that starts at the end: it sees what is appended from now on. */
  follow(): LogReader {
    this.readers++;
    return new LogReader(this, this.tail, this.tail.used, this.position);
  }
}

/** A place in a log, always between two messages. */
export class LogReader {
  /** Bytes of messages before this place. */
  position: number;
  private readonly log: MessageLog;
  private block: Block;
  private offset: number;

  constructor(log: MessageLog, block: Block, offset: number, position: number) {
    this.log = log;
    this.position = position;
    this.block = block;
    this.offset = offset;
  }

  /** Another reader at the same place. It keeps nothing going: it may be used while one that follows the log is ahead of it. */
  fork(): LogReader {
    return new LogReader(this.log, this.block, this.offset, this.position);
  }

  /** Bytes between here and the end. */
  get backlog(): number {
    return this.log.position - this.position;
  }

  /** Must be called once, when the reader is not used any more. */
  close(): void {
    this.log.readers--;
  }

  /** Whether there is a message to read; the next three members tell about it. */
  ready(): boolean {
    while (this.offset >= this.block.used) {
      if (this.block.next === undefined) return false;
      this.block = this.block.next;
      this.offset = 0;
    }
    return true;
  }

  get bytes(): Uint8Array {
    return this.block.bytes;
  }

  /** Where in `bytes` the message starts. */
  get start(): number {
    return this.offset + RECORD_HEADER;
  }

  get length(): number {
    return this.block.view.getUint16(this.offset + LENGTH_AT);
  }

  get sequence(): number {
    return this.block.view.getUint32(this.offset);
  }

  /** What it announces with the classic fields and with MP_REACH_NLRI: attribute ids, 0 for nothing. */
  get route(): number {
    return this.block.view.getUint32(this.offset + 8);
  }

  get mpRoute(): number {
    return this.block.view.getUint32(this.offset + 12);
  }

  /** Appends the message to another log. */
  copyTo(log: MessageLog): void {
    const { bytes, start, sequence, route, mpRoute } = this;
    log.append(bytes, start, start + this.length, sequence, this.block.view.getUint32(this.offset + 4), route, mpRoute);
  }

  /** When it came in: a whole number of ms, not after the true time, which is less than 49 days before `now`. */
  time(now: number): number {
    return timeBefore(now, this.block.view.getUint32(this.offset + 4));
  }

  /** Whether it came in after `limit`, ms (finite: less than 24 days before or after). */
  isAfter(limit: number): boolean {
    if (!Number.isFinite(limit)) return limit < 0;
    return ((this.block.view.getUint32(this.offset + 4) - (Math.floor(limit) >>> 0)) | 0) > 0;
  }

  /** Goes to the following message. */
  advance(): void {
    const { length } = this;
    this.offset += RECORD_HEADER + length;
    this.position += length;
  }
}

/** The latest time not after `now` (ms) that is `low` modulo 2^32. */
export function timeBefore(now: number, low: number): number {
  const present = Math.floor(now);
  return present - (((present >>> 0) - low) >>> 0);
}

function newBlock(size: number): Block {
  const bytes = new Uint8Array(size);
  return { bytes, view: new DataView(bytes.buffer), used: 0, next: undefined };
}
