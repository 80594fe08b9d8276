// A small network on this machine: namespaces, veth links with addresses, and programs that run in them.
// Owns everything it makes and removes it: on destroy(), on SIGINT/SIGTERM, on exit, and (sweepStale) after a crash.
// What runs in the namespaces belongs to the demo, the bench and the tests.
import { execFileSync } from 'node:child_process';
import { accessSync, chmodSync, constants, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { UserError } from '../errors.js';
import { LabProcess, send } from './process.js';
import type { SpawnOptions } from './process.js';
import { waitFor } from './wait.js';

/** Names start with this and go on with the owner's pid, so that leftovers of a dead owner can be told. */
const PREFIX = 'btr';
const STALE_NAME = new RegExp(`^${PREFIX}-(\\d+)-`);

export interface LinkEnd {
  namespace: string;
  /** Interface name inside the namespace, at most 15 characters. Default: eth0, eth1, … */
  interface?: string;
  /** With prefix length: `10.0.1.1/24`, `2001:db8:1::1/64`. */
  addresses: readonly string[];
}

export interface LabOptions {
  /** Destroy the lab and exit when SIGINT, SIGTERM or SIGHUP arrives. Default true; false when the caller does it. */
  handleSignals?: boolean;
}

export class Lab {
  readonly name: string;
  /** A directory of this lab's own, world-readable (replicas drop their privileges), removed with it. */
  readonly directory: string;
  readonly #id: string;
  readonly #namespaces = new Map<string, { full: string; interfaces: number }>();
  readonly #processes: LabProcess[] = [];
  readonly #onExit = () => this.#destroyNow();
  readonly #onSignal = (signal: NodeJS.Signals) => void this.#endBySignal(signal);
  #destroyed: Promise<void> | undefined;

  private constructor(name: string, directory: string, options: LabOptions) {
    this.name = name;
    this.directory = directory;
    this.#id = path.basename(directory);
    process.once('exit', this.#onExit);
    if (options.handleSignals ?? true) for (const signal of SIGNALS) process.once(signal, this.#onSignal);
  }

  /** Throws a UserError that says what is missing when this process cannot make namespaces. */
  static create(name = 'lab', options: LabOptions = {}): Lab {
    const problem = labProblem();
    if (problem) throw new UserError(problem);
    const directory = mkdtempSync(path.join(tmpdir(), `${PREFIX}-${process.pid}-${name}-`));
    chmodSync(directory, 0o755);
    return new Lab(name, directory, options);
  }

  /** Removes namespaces, processes in them and directories of labs whose owner is dead. Returns what was removed. */
  static sweepStale(): string[] {
    const removed: string[] = [];
    const stale = (name: string) => {
      const owner = STALE_NAME.exec(name)?.[1];
      return owner !== undefined && Number(owner) !== process.pid && !send(Number(owner), 0);
    };
    for (const namespace of listNamespaces().filter(stale)) {
      deleteNamespace(namespace);
      removed.push(namespace);
    }
    for (const entry of readdirSync(tmpdir()).filter(stale)) {
      rmSync(path.join(tmpdir(), entry), { recursive: true, force: true });
      removed.push(path.join(tmpdir(), entry));
    }
    return removed;
  }

  /** Adds a namespace with loopback up and without duplicate address detection. Returns its full name. */
  addNamespace(name: string): string {
    const full = `${this.#id}-${name}`;
    ip('netns', 'add', full);
    this.#namespaces.set(name, { full, interfaces: 0 });
    // Detection would leave every IPv6 address tentative for a second or two, in which nothing can bind to it.
    const off = ['all', 'default'].map((which) => `echo 0 > /proc/sys/net/ipv6/conf/${which}/accept_dad`);
    ip('netns', 'exec', full, 'sh', '-c', `[ ! -d /proc/sys/net/ipv6 ] || { ${off.join(' && ')}; }`);
    ip('-n', full, 'link', 'set', 'lo', 'up');
    return full;
  }

  /** The name by which `ip netns` knows a namespace of this lab. */
  namespace(name: string): string {
    return this.#space(name).full;
  }

  /** Connects two namespaces by a veth pair; both ends come up with their addresses. Returns the interface names. */
  link(a: LinkEnd, b: LinkEnd): [string, string] {
    const ends = [a, b].map((end) => {
      const space = this.#space(end.namespace);
      return { ...end, full: space.full, device: end.interface ?? `eth${space.interfaces++}` };
    });
    const [left, right] = [ends[0]!, ends[1]!];
    const peer = ['peer', 'name', right.device, 'netns', right.full];
    ip('link', 'add', 'name', left.device, 'netns', left.full, 'type', 'veth', ...peer);
    for (const end of ends) {
      for (const address of end.addresses) {
        const nodad = address.includes(':') ? ['nodad'] : [];
        ip('-n', end.full, 'addr', 'add', address, 'dev', end.device, ...nodad);
      }
      ip('-n', end.full, 'link', 'set', end.device, 'up');
    }
    return [left.device, right.device];
  }

  /** Starts a program in a namespace. It is told to end (SIGTERM) should this process die without cleaning up. */
  async spawn(namespace: string, argv: readonly string[], options: SpawnOptions = {}): Promise<LabProcess> {
    if (this.#destroyed) throw new Error(`lab ${this.name} is destroyed`);
    const name = options.name ?? path.basename(argv[0]!);
    const log = options.log ?? path.join(this.directory, 'log', `${this.#processes.length}-${name}.log`);
    const started = await LabProcess.spawn(this.argv(namespace, argv), { ...options, name, log });
    this.#processes.push(started);
    return started;
  }

  /** The command line that runs `argv` in a namespace, for callers that start it by other means. */
  argv(namespace: string, argv: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.namespace(namespace), 'setpriv', '--pdeathsig', 'TERM', ...argv];
  }

  /** Runs a short program in a namespace to its end and returns its stdout. Throws when it fails. */
  run(namespace: string, argv: readonly string[]): string {
    return ip('netns', 'exec', this.namespace(namespace), ...argv);
  }

  /** Polls until `predicate` answers; see wait.ts. */
  readonly waitFor = waitFor;

  /** Ends every process (in order: SIGTERM, after `graceMs` SIGKILL), then removes namespaces and the directory. */
  destroy(graceMs = 3000): Promise<void> {
    this.#destroyed ??= this.#destroy(graceMs);
    return this.#destroyed;
  }

  async #destroy(graceMs: number): Promise<void> {
    await Promise.all(this.#processes.map((child) => child.stop(graceMs)));
    this.#destroyNow();
    process.off('exit', this.#onExit);
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }

  /** Without waiting for anybody: also what runs when the process exits half way. */
  #destroyNow(): void {
    for (const child of this.#processes) if (child.running) send(-child.pid, 'SIGKILL');
    for (const { full } of this.#namespaces.values()) deleteNamespace(full);
    this.#namespaces.clear();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 3 });
  }

  async #endBySignal(signal: NodeJS.Signals): Promise<void> {
    await this.destroy();
    process.exit(signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 129);
  }

  #space(name: string): { full: string; interfaces: number } {
    const space = this.#namespaces.get(name);
    if (!space) throw new Error(`lab ${this.name} has no namespace ${name}`);
    return space;
  }
}

const SIGNALS: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Why no lab can be made here, or undefined when one can. */
export function labProblem(): string | undefined {
  if (process.geteuid?.() !== 0) return 'network namespaces need root: run this with sudo';
  for (const program of ['ip', 'setpriv']) {
    if (!findProgram(program)) return `the program "${program}" is missing: apt-get install iproute2 util-linux`;
  }
  return undefined;
}

/** Absolute path of a program on PATH or in the places where administrators' programs are, else undefined. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function ip(...args: string[]): string {
  try {
    return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const stderr = (error as { stderr?: string }).stderr?.trim();
    throw new Error(`ip ${args.join(' ')}: ${stderr || (error as Error).message}`, { cause: error });
  }
}

function listNamespaces(): string[] {
  try {
    return readdirSync('/run/netns');
  } catch {
    return [];
  }
}

function deleteNamespace(full: string): void {
  try {
    for (const pid of ip('netns', 'pids', full).split('\n').filter(Boolean)) send(Number(pid), 'SIGKILL');
    ip('netns', 'del', full);
  } catch {
    // Somebody removed it already: that is what was wanted.
  }
}
