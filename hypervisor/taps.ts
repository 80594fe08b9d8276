// Who listens to the messages themselves: what neighbours sent, what each replica sent for each neighbour, and what went out. Owns the list
// of listeners; what they make of it (recordings, BMP) is theirs. A listener must not keep a buffer beyond the call, nor throw, nor wait.
import type { DownReason, Negotiated } from '../session/types.js';

/** `n`, `r`: indexes of neighbour and replica. `at`: ms of the process's clock (clock.ts). Bytes are whole BGP messages. */
export interface MessageTap {
  neighborUp(n: number, negotiated: Negotiated, at: number): void;
  neighborDown(n: number, reason: DownReason, at: number): void;
  /** An UPDATE as it came in, before anything is repaired or translated. */
  received(n: number, buffer: Uint8Array, start: number, end: number, at: number): void;
  /** UPDATEs as they were handed to the session, one after the other. */
  advertised(n: number, messages: Uint8Array, at: number): void;
  /** The session that stands for neighbour `n` came up or ended at replica `r`. */
  replicaUp(r: number, n: number, at: number): void;
  replicaDown(r: number, n: number, at: number): void;
  /** An UPDATE that replica `r` sends to neighbour `n`. */
  voted(r: number, n: number, buffer: Uint8Array, start: number, end: number, at: number): void;
}

export class Taps implements MessageTap {
  private readonly list: MessageTap[] = [];

  add(tap: MessageTap): void {
    this.list.push(tap);
  }

  neighborUp(n: number, negotiated: Negotiated, at: number): void {
    for (const tap of this.list) tap.neighborUp(n, negotiated, at);
  }

  neighborDown(n: number, reason: DownReason, at: number): void {
    for (const tap of this.list) tap.neighborDown(n, reason, at);
  }

  received(n: number, buffer: Uint8Array, start: number, end: number, at: number): void {
    for (const tap of this.list) tap.received(n, buffer, start, end, at);
  }

  advertised(n: number, messages: Uint8Array, at: number): void {
    for (const tap of this.list) tap.advertised(n, messages, at);
  }

  replicaUp(r: number, n: number, at: number): void {
    for (const tap of this.list) tap.replicaUp(r, n, at);
  }

  replicaDown(r: number, n: number, at: number): void {
    for (const tap of this.list) tap.replicaDown(r, n, at);
  }

  voted(r: number, n: number, buffer: Uint8Array, start: number, end: number, at: number): void {
    for (const tap of this.list) tap.voted(r, n, buffer, start, end, at);
  }
}
