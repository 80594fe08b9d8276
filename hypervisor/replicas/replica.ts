// One replica: writes its files, starts its daemon with the shim, tells when it is ready, connects sessions inward, stops
// it and reports how it ended. Owns one control channel and one set of processes at a time. Whether and when to start it
// again is the supervisor's decision, and who answers its netlink sockets is not known here.
import { EventEmitter } from 'node:events';
import path from 'node:path';
import type { GeneratedFile, ReplicaPaths } from '../../configs/generate/types.js';
import type { ReplicaConfig } from '../../configs/model.js';
import type { ReplicaSession } from '../../configs/session-plan.js';
import type { ControlChannel, ShimHub } from '../../preload/hub.js';
import type { VirtualConnection } from '../../preload/listener.js';
import { close } from '../../preload/native.js';
import { chooseAccount, type Account } from './account.js';
import { scopeIdOf } from './addresses.js';
import { makeReplicaDirectory, removeLeftovers, replicaPaths, writeReplicaFile } from './directory.js';
import { ReplicaError, detectVersion, findExecutable, type DaemonCapabilities, type Driver } from './driver.js';
import { DRIVERS } from './drivers.js';
import { launch, shimEnvironment } from './launch.js';
import { LogFile } from './log-file.js';
import { describeExit, type ProcessSet, type SetExit } from './process-set.js';

/** The port the replicas listen on, whatever the router's own is: it exists only behind the shim. */
export const REPLICA_PORT = 179;
const FIRST_EPHEMERAL_PORT = 49152;
const TAIL_LINES = 5;

export type ReplicaState = 'idle' | 'starting' | 'ready' | 'stopping' | 'exited';

export interface ReplicaExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** We asked for it, by stop(). */
  expected: boolean;
  /** One line for people. */
  text: string;
}

export interface ReplicaEvents {
  state: [state: ReplicaState];
  /** Every planned session can be connected. */
  ready: [];
  /** All processes are gone. The state is `exited` and start() may be called again. */
  exit: [exit: ReplicaExit];
  /** Something the operator may want to know; nothing has failed. */
  warn: [text: string];
  /** The daemon wanted to connect to a neighbour by itself and was refused. */
  refused: [address: string];
  /**
   * A process of the replica opened a netlink socket (option `netlink`). Whoever listens owns the descriptor, a
   * SOCK_SEQPACKET socket, and answers on it as the kernel would to port `portId`; the process waits for that. End of
   * file means that the socket was closed or the process has ended; closing it first ends the process.
   */
  netlink: [fd: number, portId: number];
}

export interface ReplicaOptions {
  hub: ShimHub;
  replica: ReplicaConfig;
  /** Absolute path; the replica lives in a directory of its own below. */
  runDirectory: string;
  sessions: readonly ReplicaSession[];
  /** The native configuration, the main file first. */
  generate: (paths: ReplicaPaths) => GeneratedFile[];
  /**
   * Give the replica a kernel of its own: its netlink sockets come as `netlink` events, and FRR runs with zebra. Default
   * false: netlink sockets are the real kernel's, which an unprivileged replica can only read.
   */
  netlink?: boolean;
  /** Milliseconds from start to ready. Default 30,000. */
  readyTimeout?: number;
  /** Milliseconds between SIGTERM and SIGKILL. Default 5000. */
  stopGrace?: number;
  /** Bytes under way per direction and virtual connection. Default 1 MiB. */
  sendBuffer?: number;
}

export class Replica extends EventEmitter<ReplicaEvents> {
  readonly name: string;
  readonly driver: Driver;
  readonly paths: ReplicaPaths;
  readonly logFile: string;
  /** Known from the first start on. */
  version: string | undefined;
  capabilities: DaemonCapabilities | undefined;
  private readonly options: ReplicaOptions;
  private current: ReplicaState = 'idle';
  private control: ControlChannel | undefined;
  private processes: ProcessSet | undefined;
  private log: LogFile | undefined;
  private exiting: Promise<void> | undefined;
  private starting: Promise<void> | undefined;
  private cancelled = false;
  private nextPort = FIRST_EPHEMERAL_PORT;

  constructor(options: ReplicaOptions) {
    super();
    this.options = options;
    this.name = options.replica.name;
    this.driver = DRIVERS[options.replica.kind];
    this.paths = replicaPaths(options.runDirectory, this.name);
    this.logFile = path.join(path.resolve(options.runDirectory), `${this.name}.log`);
  }

  get state(): ReplicaState {
    return this.current;
  }

  /** The process that speaks BGP; undefined while none runs. */
  get pid(): number | undefined {
    return this.processes?.main?.pid;
  }

  /** The first process of each process group of the replica. */
  get pids(): number[] {
    return this.processes?.pids ?? [];
  }

  /** The last lines of this run's output, while it runs and until the next start. */
  outputTail(): string {
    return this.log?.tail(TAIL_LINES) ?? '';
  }

  private lastWords(): string {
    const said = this.outputTail();
    return said === '' ? '' : `; it said:\n${said}`;
  }

  /**
   * Starts the daemon; resolves when it is ready. Rejects with ReplicaError when it cannot be started, ends before it is
   * ready or takes too long; no process of it is left then.
   */
  async start(): Promise<void> {
    if (this.current !== 'idle' && this.current !== 'exited') {
      throw new ReplicaError(`replica ${this.name}: already ${this.current}`);
    }
    this.cancelled = false;
    this.enter('starting');
    this.starting = this.launch();
    try {
      await this.starting;
    } catch (error) {
      this.release();
      this.enter('exited');
      if (error instanceof ReplicaError) throw error;
      throw new ReplicaError(`replica ${this.name}: ${(error as Error).message}${this.lastWords()}`);
    }
    await this.untilReady();
  }

  /** Ends the daemon and resolves when none of its processes is left. Safe to call at any time, and twice. */
  async stop(): Promise<void> {
    this.cancelled = true;
    await this.starting?.catch(() => undefined);
    if (this.processes === undefined || this.exiting === undefined) return;
    this.enter('stopping');
    await this.processes.stop(this.options.stopGrace ?? 5000);
    await this.exiting;
  }

  /** Signals the process that speaks BGP (SIGSTOP, SIGKILL, …) without changing what we expect of it. */
  kill(signal: NodeJS.Signals): boolean {
    return this.processes?.main?.signal(signal) ?? false;
  }

  /** Signals every process of the replica (to hang or to kill it as a whole). */
  killAll(signal: NodeJS.Signals): boolean {
    return this.processes?.signalGroups(signal) ?? false;
  }

  /**
   * Opens a planned session inward. Throws Error with `code`: ECONNREFUSED (not listening), EAGAIN (the replica does not
   * accept), EPIPE (it is ending). The socket ends when the replica closes the session or dies.
   */
  connect(session: ReplicaSession): VirtualConnection {
    if (this.control === undefined) {
      throw Object.assign(new Error(`replica ${this.name} does not run`), { code: 'ECONNREFUSED' });
    }
    const peerPort = this.nextPort;
    this.nextPort = peerPort === 65535 ? FIRST_EPHEMERAL_PORT : peerPort + 1;
    const { peerAddress, localAddress } = session;
    const scopeId = scopeIdOf(peerAddress, localAddress);
    return this.control.connect(
      { localAddress, localPort: REPLICA_PORT, peerAddress, peerPort, scopeId },
      this.options.sendBuffer,
    );
  }

  private enter(state: ReplicaState): void {
    if (this.current === state) return;
    this.current = state;
    this.emit('state', state);
  }

  private async launch(): Promise<void> {
    const { replica, sessions, hub, runDirectory, netlink = false } = this.options;
    const executable = findExecutable(this.driver, this.name, replica.binary);
    this.version = await detectVersion(this.driver, this.name, executable);
    if (this.cancelled) throw new ReplicaError(`replica ${this.name}: stopped before it was started`);
    this.capabilities = this.driver.capabilities(this.version);
    const account = chooseAccount(this.name, replica.user, this.driver.users);
    const configFile = this.prepareFiles(account);
    const commands = this.driver.commands({
      executable,
      paths: this.paths,
      configFile,
      sessionCount: sessions.length,
      port: REPLICA_PORT,
      netlink,
    });
    this.log?.close();
    this.log = new LogFile(this.logFile);
    this.control = this.watchControl(hub.createControl());
    this.processes = await launch({
      commands,
      directory: this.paths.dir,
      libraryDirectory: path.join(runDirectory, 'lib'),
      account,
      logFd: this.log.fd,
      controlFd: this.control.childFd,
      environment: { ...replica.environment, ...shimEnvironment(REPLICA_PORT, sessions, netlink) },
      diversity: replica.diversity,
      warn: (text) => this.emit('warn', text),
      limit: this.readyTimeout,
      cancelled: () => this.cancelled,
      cleanUp: (pids) => removeLeftovers(this.driver.leftovers(this.paths, pids)),
    });
    this.control.handedOver();
    this.exiting = this.processes.exited.then((exit) => this.ended(exit));
  }

  /** Returns the main configuration file's path. */
  private prepareFiles(account: Account | undefined): string {
    makeReplicaDirectory(this.name, this.paths.dir, account);
    removeLeftovers(this.driver.leftovers(this.paths, []));
    const files = this.options.generate(this.paths);
    for (const file of files) writeReplicaFile(this.paths.dir, file, account);
    return path.join(this.paths.dir, files[0]?.name ?? this.driver.configName);
  }

  private watchControl(control: ControlChannel): ControlChannel {
    control.on('warn', (text) => this.emit('warn', text));
    control.on('refused', (to) => this.emit('refused', to.address));
    if (this.options.netlink) control.on('netlink', (socket) => this.adoptNetlink(socket));
    control.on('listening', () => {
      const all = this.options.sessions.every((session) => control.find(session.localAddress, REPLICA_PORT));
      if (this.current !== 'starting' || !all) return;
      this.enter('ready');
      this.emit('ready');
    });
    return control;
  }

  /** Without a kernel behind it the socket would keep the replica waiting for ever: it had better end. */
  private adoptNetlink({ fd, portId }: { fd: number; portId: number }): void {
    if (this.emit('netlink', fd, portId)) return;
    close(fd);
    this.emit('warn', 'a netlink socket was opened, but nobody plays the kernel');
  }

  private get readyTimeout(): number {
    return this.options.readyTimeout ?? 30_000;
  }

  private async untilReady(): Promise<void> {
    const { processes: running } = this;
    const limit = this.readyTimeout;
    let helloSeen = false;
    this.control?.once('hello', () => (helloSeen = true));
    const cancel = new AbortController();
    const ready = new Promise<'ready'>((resolve) => {
      if (this.current === 'ready') resolve('ready');
      else this.once('ready', () => resolve('ready'));
    });
    const ended = new Promise<ReplicaExit>((resolve) => this.once('exit', resolve));
    const late = new Promise<'late'>((resolve) => {
      const timer = setTimeout(() => resolve('late'), limit);
      cancel.signal.addEventListener('abort', () => clearTimeout(timer));
    });
    const outcome = await Promise.race([ready, ended, late]);
    cancel.abort();
    if (outcome === 'ready') return;
    const because = this.lastWords();
    if (outcome !== 'late')
      throw new ReplicaError(`replica ${this.name}: ${outcome.text} before it was ready${because}`);
    if (this.processes === running) await this.stop();
    const missing = helloSeen ? 'it did not listen for every session' : 'the preloaded shim did not start in it';
    throw new ReplicaError(`replica ${this.name}: not ready within ${limit} ms: ${missing}${because}`);
  }

  private ended(exit: SetExit): void {
    const { code, signal, culprit } = exit;
    const expected = this.current === 'stopping';
    const text = (culprit === undefined ? '' : `its ${culprit} `) + describeExit(exit);
    try {
      removeLeftovers(this.driver.leftovers(this.paths, this.pids));
    } catch (error) {
      // A disk that cannot be written any more must not keep anybody from learning that it has ended.
      this.emit('warn', `what it left behind cannot be removed: ${(error as Error).message}`);
    }
    this.release();
    this.enter('exited');
    this.emit('exit', { code, signal, expected, text });
  }

  private release(): void {
    this.control?.close();
    this.control = undefined;
    this.processes = undefined;
    this.exiting = undefined;
  }
}
