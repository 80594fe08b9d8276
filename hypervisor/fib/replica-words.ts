// What replicas say to the forwarding table's thread: on netlink sockets, or on the tap. Owns their sockets, which of its lives each is in,
// and that a mistake of ours, brought to light by one replica's words, costs no more than that replica a new start. What
// the words mean is fib/engine.ts; which of them are a dying replica's is last-words.ts.
import type { FibEngine } from '../../fib/engine.js';
import { acknowledgeWrites, close } from '../../preload/native.js';
import { HEADER_LENGTH } from '../../wire/bgp/message.js';
import { RTM_DELROUTE, RTM_NEWROUTE } from '../../wire/netlink/constants.js';
import { now } from '../clock.js';
import { LastWords } from './last-words.js';
import type { FromFib } from './protocol.js';
import { ReplicaSockets } from './sockets.js';

export interface WordsParts {
  engine: FibEngine;
  /** Names of the replicas. */
  replicas: readonly string[];
  /** Descriptors that are polled beside the sockets, at most 31. */
  others: readonly number[];
  tell(message: FromFib): void;
}

export class ReplicaWords {
  readonly sockets: ReplicaSockets;
  private readonly parts: WordsParts;
  private readonly lastWords: LastWords;
  /** By replica: which of its lives this is. */
  private readonly lives: number[];
  /** Replicas that have written routes since that was last asked for, as a bitmask. */
  private writing = 0;

  constructor(parts: WordsParts) {
    const { engine, replicas, others } = parts;
    this.parts = parts;
    this.lives = replicas.map(() => 0);
    this.lastWords = new LastWords(replicas.length, {
      decides: (replica) => engine.electorate.canDecideAlone(replica),
      hear: (replica, fd, buf, start, end) => this.heard(replica, fd, buf, start, end),
      fault: (replica, reason) => this.fault(replica, reason),
    });
    this.sockets = new ReplicaSockets(others, {
      datagram: (replica, fd, buf, start, end) => this.datagram(replica, fd, buf, start, end),
      writable: (replica, fd) => engine.kernels[replica]?.writable(fd),
      wantsWrite: (replica, fd) => engine.kernels[replica]?.wantsWrite(fd) ?? false,
      closed: (replica, fd) => {
        this.lastWords.closed(replica, fd);
        engine.kernels[replica]?.close(fd);
      },
    });
  }

  /** Polls the sockets and the other descriptors for up to `patience` ms; of the others, a bitmask of those that can be read. */
  poll(patience: number): number {
    return this.sockets.poll(patience);
  }

  read(): void {
    this.sockets.read();
  }

  tick(at: number): void {
    this.lastWords.tick(at);
  }

  /** The replicas that have written routes since the last call, as a bitmask. */
  takeWriting(): number {
    const { writing } = this;
    this.writing = 0;
    return writing;
  }

  /** The replica has been started anew: nothing of its life before counts. */
  reset(replica: number, life: number): void {
    this.lives[replica] = life;
    this.sockets.drop(replica);
    this.lastWords.forget(replica);
    this.parts.engine.resetReplica(replica);
  }

  /** The processes of its present life. */
  runs(replica: number, pids: readonly number[]): void {
    this.lastWords.runs(replica, pids);
  }

  /** A netlink socket that it has opened. */
  open(replica: number, fd: number, portId: number): void {
    const { engine, replicas, tell } = this.parts;
    if (!engine.openSocket(replica, fd, portId)) {
      // Whoever opened it would wait for ever.
      close(fd);
      const text = `replica ${replicas[replica]} has too many netlink sockets open: one more is closed`;
      tell({ kind: 'log', level: 'warn', text });
      return;
    }
    this.sockets.add(replica, fd);
    if (engine.kernels[replica]?.acksWrites) acknowledgeWrites(fd);
  }

  /** Whole messages of its tap. */
  tap(replica: number, bytes: Uint8Array): void {
    const { engine, tell } = this.parts;
    try {
      for (let at = 0; at + HEADER_LENGTH <= bytes.length;) {
        const end = at + ((bytes[at + 16] << 8) | bytes[at + 17]);
        if (end < at + HEADER_LENGTH) break;
        engine.tapUpdate(replica, bytes, at, end, now());
        at = end;
      }
    } catch (error) {
      this.failedOn(replica, error as Error);
    }
    tell({ kind: 'tapped', replica, life: this.lives[replica], bytes: bytes.length });
  }

  /** A probe has come out of its forwarding path. */
  probe(replica: number, n: number): void {
    this.parts.tell({ kind: 'probe', replica, life: this.lives[replica], n });
  }

  fault(replica: number, reason: string): void {
    this.parts.tell({ kind: 'fault', replica, life: this.lives[replica], reason });
  }

  closeAll(): void {
    this.sockets.closeAll();
  }

  private datagram(replica: number, fd: number, buf: Uint8Array, start: number, end: number): void {
    const { portion } = this.sockets;
    if (!this.lastWords.keeps(replica, fd, buf, start, end, portion, now())) this.heard(replica, fd, buf, start, end);
  }

  private heard(replica: number, fd: number, buf: Uint8Array, start: number, end: number): void {
    const type = buf[start + 4] | (buf[start + 5] << 8);
    if (type === RTM_NEWROUTE || type === RTM_DELROUTE) this.writing |= 1 << replica;
    try {
      this.parts.engine.datagram(replica, fd, buf, start, end, now());
    } catch (error) {
      this.failedOn(replica, error as Error);
    }
  }

  private failedOn(replica: number, error: Error): void {
    this.fault(replica, `says what the forwarding table fails on: ${error.message}`);
    this.parts.tell({ kind: 'log', level: 'error', text: error.stack ?? error.message });
  }
}
