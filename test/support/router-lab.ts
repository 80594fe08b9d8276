// The router as users run it (`btr run` in a process of its own) in a network of its own: the test process is the world outside, in a
// namespace without a name; the router sits in a second one behind a link. Owns the namespaces, the router's process and asking its
// control socket. Neighbours are scripted in router-neighbors.ts, what they say is router-routes.ts.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { Lab, labProblem } from '../../cli/lab/lab.js';
import type { LabProcess } from '../../cli/lab/process.js';
import { waitFor } from '../../cli/lab/wait.js';
import { ControlClient } from '../../hypervisor/control/client.js';
import { DRIVERS } from '../../hypervisor/replicas/drivers.js';
import type { BallotReport, NeighborStatus, ReplicaStatus, RouterStatus } from '../../hypervisor/status.js';
import { CLONE_NEWNET, unshare } from '../../preload/native.js';
import { DocumentedLog } from './documented-log.js';
import { processesOf } from './replica-lab.js';

export const ROUTER_AS = 65000;
const MAIN = path.resolve(import.meta.dirname, '../../dist/cli/main.js');
const SHIM = path.resolve(import.meta.dirname, '../../preload/shim/btr-shim.so');
const DEADLINE_MS = 30_000;

/** Why these tests cannot run here, or undefined. A checkout that is not built is an error, not a reason to skip. */
export function routerProblem(): string | undefined {
  const problem = labProblem();
  if (problem) return problem;
  for (const driver of Object.values(DRIVERS)) {
    if (!driver.executables.some((file) => existsSync(file))) return `needs the Debian package ${driver.debianPackage}`;
  }
  if (!existsSync(MAIN) || !existsSync(SHIM)) throw new Error('this checkout is not built: run "npm run build" first');
  return undefined;
}

/** Neighbour n of the lab: 10.0.n.2 (fd00:n::2) with AS 65000 + n; the router is 10.0.n.1 (fd00:n::1) towards it. */
export const address = (n: number): string => `10.0.${n}.2`;
export const localAddress = (n: number): string => `10.0.${n}.1`;
export const address6 = (n: number): string => `fd00:${n}::2`;
export const localAddress6 = (n: number): string => `fd00:${n}::1`;
export const asOf = (n: number): number => ROUTER_AS + n;
/** The router's interface towards neighbour n, where neighbours have links of their own, and the other end of it. */
export const linkOf = (n: number): string => `r${n}`;
export const worldLinkOf = (n: number): string => `w${n}`;

export type Config = Record<string, unknown>;

/** The entry of neighbour n, which connects by itself unless told otherwise. */
export function neighborConfig(n: number, more: Config = {}): Config {
  return {
    'neighbor-address': address(n),
    'peer-as': asOf(n),
    'local-address': localAddress(n),
    'passive-mode': true,
    ...more,
  };
}

export const REPLICAS: Config[] = [
  { name: 'frr', kind: 'frr' },
  { name: 'bird', kind: 'bird' },
  { name: 'openbgpd', kind: 'openbgpd' },
];

/** What a test's router is made of; everything else has its default. */
export interface RouterSetup {
  neighbors: Config[];
  replicas?: Config[];
  voting?: Config;
  more?: Config;
  /** Name of the run directory, below the lab's. */
  run?: string;
}

export class RouterLab {
  readonly lab: Lab;

  private constructor(lab: Lab) {
    this.lab = lab;
  }

  /**
   * Takes the test process out of its namespace. Call it once per test file, before any socket is opened. `links`: all neighbours
   * stand behind one link, or each behind one of its own.
   */
  static create(name: string, neighbors: number, { links = 'one' }: { links?: 'one' | 'each' } = {}): RouterLab {
    Lab.sweepStale();
    unshare(CLONE_NEWNET);
    execFileSync('ip', ['link', 'set', 'lo', 'up']);
    const router = new RouterLab(Lab.create(name, { handleSignals: false }));
    router.lab.addNamespace('router');
    const all = Array.from({ length: neighbors }, (_, i) => i + 1);
    if (links === 'one') router.joinWorld(0, all);
    else for (const n of all) router.joinWorld(n, [n]);
    return router;
  }

  /** Writes a configuration file. */
  write(setup: RouterSetup): { file: string; directory: string } {
    const name = setup.run ?? 'run';
    const directory = path.join(this.lab.directory, name);
    const config = {
      router: { as: ROUTER_AS, 'router-id': '10.0.0.1', 'run-directory': directory },
      neighbors: setup.neighbors,
      replicas: setup.replicas ?? REPLICAS,
      voting: { strategy: 'continuous-majority', 'stability-threshold': '300ms', ...setup.voting },
      fib: { backend: 'none' },
      ...setup.more,
    };
    const file = path.join(this.lab.directory, `${name.replaceAll('/', '-')}.yaml`);
    writeFileSync(file, JSON.stringify(config, null, 2));
    return { file, directory };
  }

  /** Starts `btr run`, by way of `wrap` if given. Resolves when the process is there, not when anything works. */
  async run(setup: RouterSetup, wrap: (argv: string[]) => string[] = (argv) => argv): Promise<RunningRouter> {
    const { file, directory } = this.write(setup);
    return new RunningRouter(await this.btr(['run', file], wrap), directory, file);
  }

  /** Starts any `btr` verb next to the router. */
  btr(args: string[], wrap: (argv: string[]) => string[] = (argv) => argv): Promise<LabProcess> {
    return this.lab.spawn('router', wrap([process.execPath, MAIN, ...args]), { name: `btr-${args[0]}` });
  }

  /** Runs a `btr` verb to its end: its exit status, and stdout and stderr together. */
  async btrOutput(args: string[]): Promise<{ code: number | undefined; text: string }> {
    const child = await this.btr(args);
    const { code } = await child.exited;
    return { code, text: readFileSync(child.logFile, 'utf8') };
  }

  destroy(): Promise<void> {
    return this.lab.destroy();
  }

  /** A link to the router's namespace that carries these neighbours of the test process. */
  private joinWorld(link: number, neighbors: number[]): void {
    const ip = (...args: string[]): void => void execFileSync('ip', args);
    const full = this.lab.namespace('router');
    const [outer, inner] = [worldLinkOf(link), linkOf(link)];
    ip('link', 'add', 'name', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', full);
    for (const n of neighbors) {
      ip('address', 'add', `${address(n)}/24`, 'dev', outer);
      ip('address', 'add', `${address6(n)}/64`, 'dev', outer, 'nodad');
      ip('-n', full, 'address', 'add', `${localAddress(n)}/24`, 'dev', inner);
      ip('-n', full, 'address', 'add', `${localAddress6(n)}/64`, 'dev', inner, 'nodad');
    }
    ip('link', 'set', outer, 'up');
    ip('-n', full, 'link', 'set', inner, 'up');
  }
}

export interface VoteLine extends Record<string, unknown> {
  t: string;
  kind: string;
}

/** One `btr run` and what can be asked of it. */
export class RunningRouter {
  readonly process: LabProcess;
  readonly directory: string;
  readonly file: string;
  private client: ControlClient | undefined;

  constructor(child: LabProcess, directory: string, file: string) {
    this.process = child;
    this.directory = directory;
    this.file = file;
  }

  get socket(): string {
    return path.join(this.directory, 'control.sock');
  }

  /** What it has logged so far. */
  get log(): string {
    return readFileSync(this.process.logFile, 'utf8');
  }

  async request(method: string, params: Config = {}): Promise<unknown> {
    try {
      this.client ??= await ControlClient.connect(this.socket);
      return await this.client.request(method, params);
    } catch (error) {
      this.client?.close();
      this.client = undefined;
      throw error;
    }
  }

  status(): Promise<RouterStatus> {
    return this.request('status') as Promise<RouterStatus>;
  }

  async replica(name: string): Promise<ReplicaStatus> {
    const found = (await this.status()).replicas.find((replica) => replica.name === name);
    if (found === undefined) throw new Error(`no replica ${name}`);
    return found;
  }

  async neighbor(n: number): Promise<NeighborStatus> {
    const all = (await this.status()).neighbors;
    const found = all.find((neighbor) => neighbor.address === address(n) || neighbor.address === address6(n));
    if (found === undefined) throw new Error(`no neighbour ${n}`);
    return found;
  }

  async votes(params: Config = {}): Promise<BallotReport[]> {
    return ((await this.request('votes', params)) as { ballots: BallotReport[] }).ballots;
  }

  /** Polls until `condition` holds for the router's status; what it last was is part of the error. */
  async until(
    what: string,
    condition: (status: RouterStatus) => boolean,
    deadlineMs = DEADLINE_MS,
  ): Promise<RouterStatus> {
    let last: RouterStatus | undefined;
    const gone = new AbortController();
    void this.process.exited.then(() => gone.abort(new Error(`waited for "${what}", and the router ended`)));
    try {
      return await waitFor(
        async () => {
          last = await this.status();
          return condition(last) && last;
        },
        { what, deadlineMs, intervalMs: 25, signal: gone.signal },
      );
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const state = last && { neighbors: last.neighbors, replicas: last.replicas, ballots: last.ballots };
      throw new Error(`${error.message}\nlast status: ${JSON.stringify(state)}\nlog:\n${this.process.logTail(40)}`, {
        cause: error,
      });
    }
  }

  /** All replicas vote; all neighbours' sessions may be open. */
  untilVoting(replicas: number, deadlineMs = DEADLINE_MS): Promise<RouterStatus> {
    return this.until(`${replicas} replicas vote`, (status) => status.electorate.length === replicas, deadlineMs);
  }

  /** Everybody has worked off everything, and nobody disagrees. */
  untilUnanimous(replicas: number): Promise<RouterStatus> {
    return this.until(
      'nothing is contested',
      (status) => status.electorate.length === replicas && status.ballots.contested === 0,
    );
  }

  /** The lines of the vote log so far; the hypervisor writes them with a small delay. */
  voteLog(): VoteLine[] {
    const text = readFileSync(path.join(this.directory, 'votes.jsonl'), 'utf8');
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as VoteLine);
  }

  async pidOf(replica: string): Promise<number> {
    const { pid } = await this.replica(replica);
    if (pid === null) throw new Error(`replica ${replica} does not run`);
    return pid;
  }

  /** Signals every process of a replica, as `kill` by hand would. Returns the pid of its first process. */
  async signalReplica(replica: string, signal: NodeJS.Signals): Promise<number> {
    const pid = await this.pidOf(replica);
    process.kill(-pid, signal);
    return pid;
  }

  /** Throws when its vote log has something that docs/vote-log.md does not. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Awaited<ReturnType<LabProcess['stop']>>> {
    this.client?.close();
    this.client = undefined;
    const ended = await this.process.stop(10_000, signal);
    const problems = existsSync(this.directory) ? DocumentedLog.load().problemsIn(this.directory) : [];
    if (problems.length > 0) throw new Error(`not as docs/vote-log.md says:\n${problems.slice(0, 10).join('\n')}`);
    return ended;
  }
}

/** True when processes of the group exist and every one of them is stopped (state T). */
export function isStopped(group: number): boolean {
  const members = processesOf(group);
  return members.length > 0 && members.every(({ pid }) => stateOf(pid) === 'T');
}

function stateOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
}

/** Pids of the processes in the router's namespace, as `ip netns pids` lists them. */
export function processesIn(lab: RouterLab): number[] {
  const text = execFileSync('ip', ['netns', 'pids', lab.lab.namespace('router')], { encoding: 'utf8' });
  return text.split('\n').filter(Boolean).map(Number);
}
