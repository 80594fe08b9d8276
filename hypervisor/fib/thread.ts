// The forwarding table's thread: one loop that polls the replicas' netlink sockets and the kernel's events, obeys the main thread, and
// writes what the engine wants written, a bounded piece of each in turn. Owns the loop, the backend's life and the order at start and
// end; decisions are fib/engine.ts, answers to operators reports.ts, sockets sockets.ts.
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { FibEngine } from '../../fib/engine.js';
import { createRouteBatch } from '../../fib/route-batch.js';
import type { Injection } from '../../fib/virtual-kernel/types.js';
import { acknowledgeWrites, clearEvent } from '../../preload/native.js';
import { PrefixClock } from '../../wire/prefix-clock.js';
import { now } from '../clock.js';
import { Audit, visitor } from './audit.js';
import { FibJournal } from './fib-journal.js';
import { parseInjection } from './injections.js';
import { InstalledNews } from './installed-news.js';
import { openBackend } from './kernel/open.js';
import { BackendError, type FibBackend } from './kernel/backend.js';
import type { FibRequest, FibWorkerData, FromFib, ToFib } from './protocol.js';
import { FibReports } from './reports.js';
import { ReplicaSockets } from './sockets.js';
import { Verification } from './verification.js';

/** How often time-driven work is looked at, ms; also the longest sleep. */
const TICK_MS = 25;
/** The same while ballots wait for their review, ms. */
const BUSY_TICK_MS = 5;
/**
 * Everything is done in small pieces: the socket of a replica that writes route by route holds some hundred of them, and it waits when
 * there is no room. Routes in one batch; time for what the main thread says, ms.
 */
const BATCH = 256;
const OBEY_MS = 2;
/** Removing all routes at the end may take this long, ms. */
const REMOVAL_MS = 15_000;

const [WAKE, KERNEL] = [1, 2];

export class FibThread {
  private readonly data: FibWorkerData;
  private readonly port: MessagePort;
  private readonly backend: FibBackend;
  private readonly engine: FibEngine;
  private readonly reports: FibReports;
  private readonly journal: FibJournal;
  private readonly news: InstalledNews | undefined;
  private sockets!: ReplicaSockets;
  private audit!: Audit;
  private verification: Verification | undefined;
  private readonly batch = createRouteBatch(BATCH);
  /** The main thread may have said more than was heard. */
  private unheard = true;
  private frozen = false;
  private stopWith: { keep: boolean } | undefined;
  private nextTick = 0;
  private overruns = 0;

  constructor(data: FibWorkerData, port: MessagePort) {
    this.data = data;
    this.port = port;
    this.engine = new FibEngine(
      { ...data.engine, clock: new PrefixClock(data.clockMemory), reportWithdrawn: data.reportInstalled },
      {
        send: (socket, buf, start, end) => this.sockets.send(socket, buf, start, end),
        overrun: (replica, reason) => this.tell({ kind: 'fault', replica, reason }),
        probe: (replica, n) => this.tell({ kind: 'probe', replica, n }),
        proposeOverthrow: (from, candidates) =>
          this.tell({ kind: 'overthrow', from, candidates, epoch: this.engine.electorate.epoch }),
      },
    );
    this.backend = openBackend(data.backend, data.engine.own, this.engine);
    this.reports = new FibReports(this.engine, data.engine, data.replicas);
    this.journal = new FibJournal(this.engine, data.replicas, (errno) => this.backend.refusal(errno));
    if (data.reportInstalled) this.news = new InstalledNews(this.engine);
  }

  /** Blocks until the main thread says stop, or until the backend cannot work. */
  run(): void {
    try {
      this.begin();
    } catch (error) {
      const hint = error instanceof BackendError && error.hint !== undefined ? `: ${error.hint}` : '';
      this.tell({ kind: 'failed', message: `forwarding table: ${(error as Error).message}${hint}` });
      this.backend.close();
      return;
    }
    while (this.stopWith === undefined) this.turn();
    this.end(this.stopWith.keep);
  }

  /** Reads the kernel as it is: links, addresses and foreign routes for the replicas, our own routes for the installer. */
  private begin(): void {
    const { backend, engine, data } = this;
    backend.open();
    this.loadMirror();
    const found: [number, number] = [0, 0];
    const dump = backend.startDump(
      visitor(engine, (prefix, hops) => {
        engine.installer.found(prefix, hops);
        found[engine.prefixes.family(prefix)]++;
      }),
    );
    while (dump.step());
    if (dump.error !== undefined) throw new BackendError(`our own routes cannot be read: ${dump.error}`);
    this.audit = new Audit(engine, backend, data.auditInterval, now(), (text) => this.say('warn', text));
    this.sockets = new ReplicaSockets([data.wake, backend.eventFd], {
      datagram: (replica, fd, buf, start, end) => engine.datagram(replica, fd, buf, start, end, now()),
      writable: (replica, fd) => engine.kernels[replica]?.writable(fd),
      wantsWrite: (replica, fd) => engine.kernels[replica]?.wantsWrite(fd) ?? false,
      closed: (replica, fd) => engine.kernels[replica]?.close(fd),
    });
    this.tell({ kind: 'ready', found });
  }

  private loadMirror(): void {
    this.engine.beginResync();
    this.backend.loadMirror((buf, start, end) => this.engine.kernelMessage(buf, start, end, now()));
    this.engine.endResync();
  }

  private turn(): void {
    const busy =
      this.unheard || this.audit.running || this.verification !== undefined || this.engine.installer.pending > 0;
    const ready = this.sockets.poll(busy || this.engine.voter.dirty > 0 ? 0 : TICK_MS);
    if ((ready & WAKE) !== 0) clearEvent(this.data.wake);
    this.obey();
    if (this.stopWith !== undefined) return;
    if ((ready & KERNEL) !== 0) this.readKernel();
    this.sockets.read();
    const at = now();
    if (at >= this.nextTick) this.tick(at);
    this.write();
    if (this.verification !== undefined) this.verify();
    else this.audit.step(now());
  }

  private tick(at: number): void {
    this.nextTick = at + (this.engine.tick(at) ? BUSY_TICK_MS : TICK_MS);
    if (this.engine.takeAuditReason()) this.audit.hurry(at);
    const lines = this.journal.lines(at, (level, text) => this.say(level, text));
    if (lines.length > 0) this.tell({ kind: 'records', lines });
    const news = this.news?.take();
    if (news !== undefined) this.tell({ kind: 'installed', ...news });
  }

  private write(): number {
    return this.carryOut(this.engine.nextWrites(this.batch, now()));
  }

  /** Writes the first `count` changes of the batch. Returns `count`. */
  private carryOut(count: number): number {
    if (count === 0) return 0;
    this.backend.write(this.batch);
    this.engine.settle(this.batch, now());
    return count;
  }

  private readKernel(): void {
    const result = this.backend.readEvents((buf, start, end) => this.engine.kernelMessage(buf, start, end, now()));
    if (result === 'ok') return;
    this.overruns++;
    this.say('warn', 'events of the kernel were lost (its queue ran over): everything is read anew');
    this.loadMirror();
    this.audit.hurry(now());
  }

  private obey(): void {
    const until = now() + OBEY_MS;
    do {
      const next = receiveMessageOnPort(this.port);
      this.unheard = next !== undefined;
      if (next !== undefined) this.handle(next.message as ToFib);
    } while (this.unheard && now() < until);
  }

  private handle(message: ToFib): void {
    const { engine } = this;
    switch (message.kind) {
      case 'socket':
        this.sockets.add(message.replica, message.fd);
        engine.openSocket(message.replica, message.fd, message.portId);
        if (engine.kernels[message.replica]?.acksWrites) acknowledgeWrites(message.fd);
        break;
      case 'reset':
        this.sockets.drop(message.replica);
        engine.resetReplica(message.replica);
        break;
      case 'electorate':
        if (!this.frozen) engine.followElectorate(message.state);
        break;
      case 'caught-up':
        engine.setCaughtUp(message.replica, message.until);
        break;
      case 'input':
        engine.voter.noteInput(message.at);
        break;
      case 'tap':
        this.tap(message.replica, message.bytes);
        break;
      case 'sweep-stale':
        this.say('info', `resynchronised: ${engine.installer.sweepStale()} stale routes go`);
        break;
      case 'request':
        this.answer(message.id, message.request);
        break;
      case 'stop':
        this.stopWith = { keep: message.keep };
        break;
    }
  }

  private tap(replica: number, bytes: Uint8Array): void {
    for (let at = 0; at + 19 <= bytes.length;) {
      const end = at + ((bytes[at + 16] << 8) | bytes[at + 17]);
      if (end < at + 19) return;
      this.engine.tapUpdate(replica, bytes, at, end, now());
      at = end;
    }
  }

  private answer(id: number, request: FibRequest): void {
    try {
      if (request.what === 'verify') this.startVerification(id, request.advertised);
      else this.tell({ kind: 'answer', id, result: this.result(request) });
    } catch (error) {
      this.tell({ kind: 'answer', id, error: (error as Error).message });
    }
  }

  private result(request: Exclude<FibRequest, { what: 'verify' }>): unknown {
    switch (request.what) {
      case 'status':
        return this.reports.status(this.backend, this.sockets, this.audit, this.overruns);
      case 'routes':
        return this.reports.routes(request.query);
      case 'inject':
        return this.inject(request.replica, parseInjection(request.injection, this.engine));
      case 'freeze':
        this.frozen = true;
        this.engine.followElectorate({ ...this.engine.electorate.state, members: 0, master: -1 });
        return null;
    }
  }

  private inject(replica: number, injection: Injection | undefined): null {
    const kernel = this.engine.kernels[replica];
    if (kernel === undefined) throw new Error('only a replica that writes to its kernel can be injected into');
    kernel.inject(injection);
    if (kernel.acksWrites) this.sockets.forEach(replica, (fd) => acknowledgeWrites(fd));
    return null;
  }

  private startVerification(id: number, advertised: readonly [Uint8Array, Uint8Array]): void {
    if (this.verification !== undefined) throw new Error('a verification is under way');
    this.audit.abandon(now());
    this.verification = new Verification(id, this.engine, this.backend, this.reports, advertised);
  }

  private verify(): void {
    const outcome = this.verification?.step();
    if (outcome === undefined) return;
    this.verification = undefined;
    this.tell({ kind: 'answer', ...outcome });
  }

  /** Routes go, unless they are to be kept; then everything is closed. */
  private end(keep: boolean): void {
    const { engine } = this;
    const deadline = now() + REMOVAL_MS;
    if (!keep) {
      engine.installer.removeAll(now());
      // Verdicts that have not been taken yet must not bring routes back: only what is left to remove is written.
      while (this.carryOut(engine.installer.next(this.batch, now())) > 0 && now() < deadline);
      if (engine.installer.failing > 0) this.say('error', `${engine.installer.failing} routes could not be removed`);
    }
    this.sockets.closeAll();
    this.backend.close();
    this.tell({ kind: 'stopped' });
  }

  private say(level: 'error' | 'warn' | 'info' | 'debug', text: string): void {
    this.tell({ kind: 'log', level, text });
  }

  private tell(message: FromFib): void {
    this.port.postMessage(message);
  }
}
