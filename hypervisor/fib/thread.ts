// The forwarding table's thread: one loop that polls the replicas' netlink sockets and the kernel's events, obeys the main thread, and
// writes what the engine wants written, a bounded piece of each in turn. Owns the loop, the backend's life and the order at start and
// end; decisions are fib/engine.ts, answers to operators answers.ts, what replicas say replica-words.ts.
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { FibEngine } from '../../fib/engine.js';
import { createRouteBatch } from '../../fib/route-batch.js';
import { clearEvent, close } from '../../preload/native.js';
import { FAMILIES } from '../../wire/family.js';
import { PrefixClock } from '../../wire/prefix-clock.js';
import { now } from '../clock.js';
import { Answers } from './answers.js';
import { Audit, visitor } from './audit.js';
import { DissentNews } from './dissent-news.js';
import { FibJournal } from './fib-journal.js';
import { InstalledNews } from './installed-news.js';
import { KernelWatch } from './kernel-watch.js';
import { openBackend } from './kernel/open.js';
import { BackendError, type FibBackend } from './kernel/backend.js';
import type { FibRunTimeSettings, FibWorkerData, FromFib, ToFib } from './protocol.js';
import { ReplicaWords } from './replica-words.js';
import { FibReports } from './reports.js';

/** How often time-driven work is looked at, ms. */
const TICK_MS = 25;
/** The same while ballots wait for their review, ms. */
const BUSY_TICK_MS = 5;
/** The longest sleep, ms: an idle router costs nothing. */
const REST_MS = 100;
/** Between two times that it is told who writes routes, ms. */
const WRITING_MS = 500;
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
  private readonly dissents: DissentNews;
  private readonly news: InstalledNews | undefined;
  private words!: ReplicaWords;
  private audit!: Audit;
  private answers!: Answers;
  private readonly batch = createRouteBatch(BATCH);
  /** The main thread may have said more than was heard. */
  private unheard = true;
  private frozen = false;
  private stopWith: { keep: boolean } | undefined;
  private nextTick = 0;
  /** When it is to be told next who has written routes, ms. */
  private nextWriting = 0;
  private toldWithoutMajority = 0;
  private readonly watch: KernelWatch;

  constructor(data: FibWorkerData, port: MessagePort) {
    this.data = data;
    this.port = port;
    this.engine = new FibEngine(
      { ...data.engine, clock: new PrefixClock(data.clockMemory), reportWithdrawn: data.reportInstalled },
      {
        send: (socket, buf, start, end) => this.words.sockets.send(socket, buf, start, end),
        fault: (replica, reason) => this.words.fault(replica, reason),
        probe: (replica, n) => this.words.probe(replica, n),
        proposeOverthrow: (from, candidates) =>
          this.tell({ kind: 'overthrow', from, candidates, epoch: this.engine.electorate.ownersEpoch }),
        decided: (prefixes, count, at) => this.decided(prefixes, count, at),
        random: Math.random,
      },
    );
    this.backend = openBackend(data.backend, data.engine.own, this.engine);
    this.watch = new KernelWatch(this.engine, this.backend, (level, text) => this.say(level, text));
    this.reports = new FibReports(this.engine, data.engine, data.replicas);
    const clock = new PrefixClock(data.clockMemory);
    this.journal = new FibJournal(this.engine, data.voteLogLevel, {
      replicas: data.replicas,
      refusal: (errno) => this.backend.refusal(errno),
      lastInput: (prefix) => clock.last(this.engine.prefixes.hashOf(prefix)),
    });
    this.dissents = new DissentNews(this.engine, data.replicas.length, data.faultThreshold);
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
    this.watch.load();
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
    this.words = new ReplicaWords({
      engine,
      replicas: data.replicas,
      others: [data.wake, backend.eventFd],
      tell: (message) => this.tell(message),
    });
    this.answers = new Answers({
      engine,
      backend,
      reports: this.reports,
      sockets: this.words.sockets,
      audit: this.audit,
      sources: data.engine.sources,
      overruns: () => this.watch.overruns,
      freeze: () => this.freeze(),
      tell: (message) => this.tell(message),
    });
    this.tell({ kind: 'ready', found });
  }

  private turn(): void {
    const ready = this.words.poll(this.patience());
    if ((ready & WAKE) !== 0) clearEvent(this.data.wake);
    this.obey();
    if (this.stopWith !== undefined) return;
    if ((ready & KERNEL) !== 0) this.watch.readEvents();
    if (this.watch.reloadIfDue()) this.audit.hurry(now());
    this.words.read();
    const at = now();
    if (at >= this.nextTick) this.tick(at);
    this.write();
    if (this.answers.busy) this.answers.step();
    if (!this.answers.verifying) this.audit.step(now());
  }

  /** How long there is nothing to do unless something comes in, ms. */
  private patience(): number {
    const { installer, voter } = this.engine;
    const busy = this.unheard || this.audit.running || this.answers.busy || installer.pending > 0 || voter.dirty > 0;
    if (busy) return 0;
    return this.engine.isAtRest ? REST_MS : Math.min(TICK_MS, Math.max(0, Math.ceil(this.nextTick - now())));
  }

  private tick(at: number): void {
    this.words.tick(at);
    this.nextTick = at + (this.engine.tick(at) ? BUSY_TICK_MS : TICK_MS);
    if (this.engine.takeAuditReason()) this.audit.hurry(at);
    this.tellWriting(at);
    const events = this.engine.voter.drainEvents();
    const lines = this.journal.lines(events, (level, text) => this.say(level, text));
    if (lines.length > 0) this.tell({ kind: 'records', lines });
    const dissents = this.dissents.take(events, at);
    if (dissents !== undefined) this.tell({ kind: 'dissents', dissents });
    this.tellWithoutMajority();
    const news = this.news?.take();
    if (news !== undefined) this.tell({ kind: 'installed', ...news });
    // Last: what was told above names its prefixes by their ids, and so do answers that are under way.
    if (!this.answers.busy) this.engine.sweepIfGrown(at);
  }

  private tellWriting(at: number): void {
    if (at < this.nextWriting) return;
    const replicas = this.words.takeWriting();
    if (replicas === 0) return;
    this.nextWriting = at + WRITING_MS;
    this.tell({ kind: 'writing', replicas });
  }

  private tellWithoutMajority(): void {
    const { withoutMajority } = this.engine.voter.stats();
    if (withoutMajority === this.toldWithoutMajority) return;
    this.toldWithoutMajority = withoutMajority;
    this.tell({ kind: 'without-majority', ballots: withoutMajority });
  }

  private decided(prefixes: Uint32Array, count: number, at: number): void {
    const lines = this.journal.decided(prefixes, count, at);
    if (lines.length > 0) this.tell({ kind: 'records', lines });
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
        this.words.open(message.replica, message.fd, message.portId);
        break;
      case 'reset':
        this.words.reset(message.replica, message.life);
        break;
      case 'processes':
        this.words.runs(message.replica, message.pids);
        break;
      case 'electorate':
        if (!this.frozen) engine.followElectorate(message.state);
        break;
      case 'caught-up':
        engine.setCaughtUp(message.replica, message.until);
        break;
      case 'tap':
        this.words.tap(message.replica, message.bytes);
        break;
      case 'abstain':
        for (const family of FAMILIES) {
          engine.abstain(message.replica, family, message.nlri[family], message.on, now());
        }
        break;
      case 'configure':
        this.configure(message.settings);
        break;
      case 'vote-log-level':
        this.journal.level = message.level;
        break;
      case 'sweep-stale':
        this.sweepStale();
        break;
      case 'request':
        this.answers.take(message.id, message.request);
        break;
      case 'stop':
        this.stopWith = { keep: message.keep };
        break;
    }
  }

  private configure({ strategy, voter, networks, auditInterval, faultThreshold }: FibRunTimeSettings): void {
    this.engine.configure(strategy, voter, networks);
    this.audit.configure(auditInterval, now());
    this.dissents.configure(faultThreshold);
  }

  private freeze(): void {
    this.frozen = true;
    this.engine.followElectorate({ ...this.engine.electorate.state, members: 0, master: -1 });
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
    this.words.closeAll();
    this.closeUnopened();
    this.backend.close();
    this.tell({ kind: 'stopped' });
  }

  /** Sockets that were handed over after the word to stop are ours all the same. */
  private closeUnopened(): void {
    for (let next = receiveMessageOnPort(this.port); next !== undefined; next = receiveMessageOnPort(this.port)) {
      const message = next.message as ToFib;
      if (message.kind === 'socket') close(message.fd);
    }
  }

  /** All is known again: what an earlier life left and nobody asked for goes, also what it had written with another metric. */
  private sweepStale(): void {
    const stale = this.engine.installer.sweepStale();
    this.say('info', `resynchronised: ${stale} stale routes go`);
    try {
      const strays = this.backend.removeStrays();
      if (strays > 0) this.say('info', `${strays} routes that we once wrote with another metric go, too`);
    } catch (error) {
      this.say('warn', `routes that we once wrote with another metric may be left: ${(error as Error).message}`);
    }
  }

  private say(level: 'error' | 'warn' | 'info' | 'debug', text: string): void {
    this.tell({ kind: 'log', level, text });
  }

  private tell(message: FromFib): void {
    this.port.postMessage(message);
  }
}
