// Cuts a TCP byte stream into BGP messages and checks their headers (RFC 4271 section 6.1, RFC 8654). Owns at most one incomplete message;
// the bodies are other people's business.
import { copyBytes } from '../byte-writer.js';
import { bgpError, ErrorCode } from './error.js';
import type { BgpError } from './error.js';
import { HEADER_LENGTH, MARKER_LENGTH, MAX_MESSAGE_LENGTH, MessageType } from './message.js';

export type HeaderError = BgpError;

const CONNECTION_NOT_SYNCHRONIZED = 1;
const BAD_MESSAGE_LENGTH = 2;
const BAD_MESSAGE_TYPE = 3;

const EMPTY = new Uint8Array(0);

/**
 * Usage: `push` what was read, then call `next` until it returns false. After each true, bytes `start`..`end` of `buffer` are one whole
 * message, header included, of type `type`; they stay valid until the next `push` or `next`. A message that lies whole inside a chunk is not
 * copied. After a header error `error` is set and `next` returns false for good: the stream cannot be synchronised again.
 */
export class MessageFramer {
  buffer: Uint8Array = EMPTY;
  start = 0;
  end = 0;
  type = 0;
  error: HeaderError | undefined;

  private maxLength: number;
  private chunk: Uint8Array = EMPTY;
  private at = 0;
  // The incomplete message at the end of the last chunk: bytes 0..partialLength.
  private partial = new Uint8Array(MAX_MESSAGE_LENGTH);
  private partialLength = 0;

  /** `maxLength`: 4096, or 65535 once the extended message capability is negotiated. */
  constructor(maxLength = MAX_MESSAGE_LENGTH) {
    this.maxLength = maxLength;
  }

  setMaxLength(maxLength: number): void {
    this.maxLength = maxLength;
  }

  /** Hands over a chunk. It is read, not copied, until `next` has returned false; messages not fetched before are kept. */
  push(chunk: Uint8Array): void {
    const left = this.chunk.length - this.at;
    if (left > 0) {
      const joined = new Uint8Array(left + chunk.length);
      joined.set(this.chunk.subarray(this.at));
      joined.set(chunk, left);
      this.chunk = joined;
    } else {
      this.chunk = chunk;
    }
    this.at = 0;
  }

  /** Moves to the next whole message; false when there is none yet, or after an error. */
  next(): boolean {
    if (this.error) return false;
    return this.partialLength > 0 ? this.completePartial() : this.nextInChunk();
  }

  private nextInChunk(): boolean {
    const left = this.chunk.length - this.at;
    const length = left >= HEADER_LENGTH ? this.checkHeader(this.chunk, this.at) : HEADER_LENGTH;
    if (this.error) return false;
    if (left < length) {
      this.keepPartial(left);
      return false;
    }
    this.present(this.chunk, this.at, length);
    this.at += length;
    return true;
  }

  private completePartial(): boolean {
    if (!this.fillPartial(HEADER_LENGTH)) return false;
    const length = this.checkHeader(this.partial, 0);
    if (this.error) return false;
    if (!this.fillPartial(length)) return false;
    this.present(this.partial, 0, length);
    this.partialLength = 0;
    return true;
  }

  /** Tops the incomplete message up to `length` bytes from the chunk; false when the chunk does not hold enough. */
  private fillPartial(length: number): boolean {
    const missing = length - this.partialLength;
    if (missing <= 0) return true;
    const taken = Math.min(missing, this.chunk.length - this.at);
    this.growPartial(length);
    copyBytes(this.chunk, this.at, this.at + taken, this.partial, this.partialLength);
    this.partialLength += taken;
    this.at += taken;
    return taken === missing;
  }

  private keepPartial(left: number): void {
    this.growPartial(left);
    copyBytes(this.chunk, this.at, this.chunk.length, this.partial, 0);
    this.partialLength = left;
    this.at = this.chunk.length;
  }

  private growPartial(length: number): void {
    if (length <= this.partial.length) return;
    const grown = new Uint8Array(Math.max(length, this.maxLength));
    grown.set(this.partial.subarray(0, this.partialLength));
    this.partial = grown;
  }

  private present(buffer: Uint8Array, start: number, length: number): void {
    this.buffer = buffer;
    this.start = start;
    this.end = start + length;
    this.type = buffer[start + HEADER_LENGTH - 1];
  }

  /** The message length that a header states; sets `error` when the header is not acceptable. */
  private checkHeader(buf: Uint8Array, at: number): number {
    for (let i = at; i < at + MARKER_LENGTH; i++) {
      if (buf[i] !== 0xff) return this.fail(CONNECTION_NOT_SYNCHRONIZED, 'marker is not all ones', EMPTY);
    }
    const length = (buf[at + 16] << 8) | buf[at + 17];
    const type = buf[at + 18];
    if (length < HEADER_LENGTH || length > this.maxLength) {
      return this.fail(
        BAD_MESSAGE_LENGTH,
        `message length ${length} outside 19..${this.maxLength}`,
        statedLength(buf, at),
      );
    }
    if (type < MessageType.OPEN || type > MessageType.ROUTE_REFRESH) {
      return this.fail(BAD_MESSAGE_TYPE, `unknown message type ${type}`, buf.slice(at + 18, at + 19));
    }
    if (!isPlausibleLength(type, length)) {
      return this.fail(
        BAD_MESSAGE_LENGTH,
        `message length ${length} is impossible for type ${type}`,
        statedLength(buf, at),
      );
    }
    return length;
  }

  private fail(subcode: number, reason: string, data: Uint8Array): number {
    this.error = bgpError(ErrorCode.MESSAGE_HEADER, subcode, reason, data);
    return HEADER_LENGTH;
  }
}

/** The length field, which a Bad Message Length carries as its data. */
function statedLength(buf: Uint8Array, at: number): Uint8Array {
  return buf.slice(at + 16, at + 18);
}

/** RFC 4271 section 6.1 per type. OPEN and KEEPALIVE never exceed 4096 bytes (RFC 8654 section 4). */
function isPlausibleLength(type: number, length: number): boolean {
  switch (type) {
    case MessageType.OPEN:
      return length >= 29 && length <= MAX_MESSAGE_LENGTH;
    case MessageType.UPDATE:
      return length >= 23;
    case MessageType.NOTIFICATION:
      return length >= 21;
    case MessageType.KEEPALIVE:
      return length === HEADER_LENGTH;
    default:
      // ROUTE-REFRESH: its own decoder answers a wrong length, with an error code of its own (RFC 7313 section 5).
      return true;
  }
}
