// Who listens to the messages themselves: what neighbours sent, what each replica sent for each neighbour, and what went out. Owns the list
// of listeners, and which sessions are up, for those who come later; what listeners make of it (recordings, BMP) is theirs. A listener must not
// keep a buffer beyond the call, nor throw, nor wait.
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
  /** Sessions that are up: with neighbours, and how many each replica has for a neighbour, by replica. */
  private readonly neighbors = new Map<number, Negotiated>();
  private readonly replicas = new Map<number, Map<number, number>>();

  /** Tells `tap` of everything from now on; first that those sessions came up which are up already. */
  add(tap: MessageTap, at: number): void {
    for (const [n, negotiated] of this.neighbors) tap.neighborUp(n, negotiated, at);
    for (const [r, sessions] of this.replicas) {
      for (const [n, count] of sessions) for (let i = 0; i < count; i++) tap.replicaUp(r, n, at);
    }
    this.list.push(tap);
  }

  /** Tells it nothing more. */
  remove(tap: MessageTap): void {
    const index = this.list.indexOf(tap);
    if (index >= 0) this.list.splice(index, 1);
  }

  neighborUp(n: number, negotiated: Negotiated, at: number): void {
    this.neighbors.set(n, negotiated);
    for (const tap of this.list) tap.neighborUp(n, negotiated, at);
  }

  neighborDown(n: number, reason: DownReason, at: number): void {
    this.neighbors.delete(n);
    for (const tap of this.list) tap.neighborDown(n, reason, at);
  }

  received(n: number, buffer: Uint8Array, start: number, end: number, at: number): void {
    for (const tap of this.list) tap.received(n, buffer, start, end, at);
  }

  advertised(n: number, messages: Uint8Array, at: number): void {
    for (const tap of this.list) tap.advertised(n, messages, at);
  }

  replicaUp(r: number, n: number, at: number): void {
    this.count(r, n, 1);
    for (const tap of this.list) tap.replicaUp(r, n, at);
  }

  replicaDown(r: number, n: number, at: number): void {
    this.count(r, n, -1);
    for (const tap of this.list) tap.replicaDown(r, n, at);
  }

  voted(r: number, n: number, buffer: Uint8Array, start: number, end: number, at: number): void {
    for (const tap of this.list) tap.voted(r, n, buffer, start, end, at);
  }

  private count(r: number, n: number, by: number): void {
    const sessions = this.replicas.get(r) ?? new Map<number, number>();
    this.replicas.set(r, sessions);
    const count = (sessions.get(n) ?? 0) + by;
    if (count > 0) sessions.set(n, count);
    else sessions.delete(n);
  }
}
