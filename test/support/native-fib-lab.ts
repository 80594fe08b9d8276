// A router in a namespace of its own whose replica runs without the shim, on that namespace's real kernel, and the world around it in
// the test process's namespace: what the daemon would write to its virtual kernel is what this kernel holds. Owns links, the daemon, its
// sessions and asking kernel and daemon; what is announced and expected is the test's.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { Lab } from '../../cli/lab/lab.js';
import { makeOpenbgpdHome } from '../../cli/lab/openbgpd-home.js';
import type { LabProcess } from '../../cli/lab/process.js';
import { waitFor } from '../../cli/lab/wait.js';
import { generate } from '../../configs/generate/index.js';
import { internalLinkAddresses } from '../../configs/internal-link.js';
import type { ReplicaConfig, ReplicaKind, RouterConfig } from '../../configs/model.js';
import { planSessions, tapIpv6Ends } from '../../configs/session-plan.js';
import { DRIVERS } from '../../hypervisor/replicas/drivers.js';
import { accepts } from '../../hypervisor/replicas/process-set.js';
import { CLONE_NEWNET, unshare } from '../../preload/native.js';
import { CollectedTable } from '../../traces/collector.js';
import { MessageFramer } from '../../wire/bgp/framing.js';
import { MessageType } from '../../wire/bgp/message.js';
import { ReplicaSpeaker } from './replica-speaker.js';

const DEADLINE_MS = 20_000;
/** Links 1 to 3: the router has 10.0.n.1 and fd00:n::1 on interface en, the world everything else there. */
const LINKS = [1, 2, 3];

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

/** One session of the plan, seen from the world's end. */
export interface NativeSession {
  speaker: ReplicaSpeaker;
  /** What the replica says on it. */
  table: CollectedTable;
}

export class NativeFibLab {
  readonly config: RouterConfig;
  readonly replica: ReplicaConfig;
  private readonly lab: Lab;
  private readonly namespace: string;
  private readonly directory: string;
  private readonly sessions = new Map<string, NativeSession>();
  private readonly processes: LabProcess[] = [];

  private constructor(lab: Lab, config: RouterConfig, replica: ReplicaConfig) {
    this.lab = lab;
    this.config = config;
    this.replica = replica;
    this.namespace = lab.addNamespace('router');
    this.directory = path.join(lab.directory, replica.name);
    mkdirSync(this.directory);
    chmodSync(this.directory, 0o777);
  }

  /** Takes the test process out of its namespace; once per process. */
  static leaveHost(): void {
    unshare(CLONE_NEWNET);
    ip('link', 'set', 'lo', 'up');
  }

  /** The links are there, `prepare` has run, the daemon runs, and all planned sessions are established. */
  static async start(
    config: RouterConfig,
    kind: ReplicaKind,
    prepare: (lab: NativeFibLab) => void = () => {},
  ): Promise<NativeFibLab> {
    const replica = config.replicas.find((candidate) => candidate.kind === kind)!;
    const lab = new NativeFibLab(Lab.create(`native-${kind}`, { handleSignals: false }), config, replica);
    try {
      for (const n of LINKS) lab.connect(n);
      lab.connectInside();
      prepare(lab);
      await lab.startDaemon();
      for (const { name } of planSessions(config, replica)) await lab.open(name);
      return lab;
    } catch (error) {
      await lab.destroy();
      throw error;
    }
  }

  /** `ip` in the router's namespace. */
  readonly ip = (...args: string[]): string => ip('-n', this.namespace, ...args);

  /** `ip` in the world. */
  world(...args: string[]): string {
    return ip(...args);
  }

  /** The routes that the replica wrote, as prefix → `via GATEWAY dev LINK` (or the route's type). */
  routes(): Map<string, string> {
    const protocol = this.replica.kind === 'frr' ? 'bgp' : 'bird';
    const found = new Map<string, string>();
    for (const family of ['-4', '-6']) {
      const text = this.ip('-j', '-d', family, 'route', 'show', 'table', 'all', 'proto', protocol);
      for (const route of JSON.parse(text || '[]') as KernelRoute[]) found.set(withLength(route.dst), describe(route));
    }
    return found;
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    try {
      await waitFor(condition, { what, deadlineMs: DEADLINE_MS, intervalMs: 20 });
    } catch (error) {
      const logs = this.processes.map((child) => `${child.name}:\n${child.logTail(30)}`).join('\n');
      const routes = JSON.stringify([...this.routes()]);
      throw new Error(`${(error as Error).message}\nroutes: ${routes}\n${logs}`, { cause: error });
    }
  }

  session(name: string): NativeSession {
    return this.sessions.get(name)!;
  }

  /** Names of the sessions that the daemon has closed or complained about. */
  closedSessions(): string[] {
    return [...this.sessions].filter(([, { speaker }]) => speaker.closed || speaker.notification).map(([name]) => name);
  }

  /** What the daemon's own tool answers. */
  ask(...question: string[]): string {
    const socket = path.join(this.directory, `${this.replica.kind}.sock`);
    const tool = {
      frr: ['vtysh', '--vty_socket', this.directory, ...question.flatMap((line) => ['-c', line])],
      bird: ['birdc', '-s', socket, ...question],
      openbgpd: ['bgpctl', '-s', socket, ...question],
    }[this.replica.kind];
    return this.lab.run('router', tool);
  }

  /** Starts a program beside the daemon. */
  spawn(argv: string[]): Promise<LabProcess> {
    return this.lab.spawn('router', argv);
  }

  logs(): string {
    return this.processes.map((child) => readFileSync(child.logFile, 'utf8')).join('\n');
  }

  async destroy(): Promise<void> {
    for (const { speaker } of this.sessions.values()) speaker.socket.destroy();
    // Before the namespace: the kernel may take its time with that, and the next lab uses the same names.
    const names = [...LINKS.map((n) => `w${n}`), 'inside'];
    for (const name of names.filter((each) => existsSync(`/proc/self/net/dev_snmp6/${each}`)))
      ip('link', 'delete', name);
    await this.lab.destroy();
  }

  private connect(n: number): void {
    ip('link', 'add', 'name', `w${n}`, 'type', 'veth', 'peer', 'name', `e${n}`, 'netns', this.namespace);
    this.ip('address', 'add', `10.0.${n}.1/24`, 'dev', `e${n}`);
    this.ip('address', 'add', `fd00:${n}::1/64`, 'dev', `e${n}`, 'nodad');
    ip('address', 'add', `10.0.${n}.2/24`, 'dev', `w${n}`);
    ip('address', 'add', `fd00:${n}::2/64`, 'dev', `w${n}`, 'nodad');
    ip('link', 'set', `w${n}`, 'up');
    this.ip('link', 'set', `e${n}`, 'up');
  }

  /** The link that only replicas see, as their virtual kernel shows it. */
  private connectInside(): void {
    const { localAddress, probeAddress, tapAddress } = this.config.internal;
    const { addresses, connected } = internalLinkAddresses(this.config);
    const ipv6 = tapIpv6Ends(this.config);
    ip('link', 'add', 'name', 'inside', 'type', 'veth', 'peer', 'name', 'btr0', 'netns', this.namespace);
    ip('link', 'set', 'inside', 'up');
    this.ip('link', 'set', 'btr0', 'up');
    for (const address of addresses) this.ip('address', 'add', address, 'dev', 'btr0', 'noprefixroute');
    this.ip('address', 'add', `${ipv6.localAddress}/128`, 'dev', 'btr0', 'nodad');
    for (const address of [probeAddress, tapAddress]) ip('address', 'add', `${address}/32`, 'dev', 'inside');
    ip('address', 'add', `${ipv6.peerAddress}/128`, 'dev', 'inside', 'nodad');
    for (const there of [...connected, `${ipv6.peerAddress}/128`]) {
      this.ip('route', 'add', there, 'dev', 'btr0', 'proto', 'static', 'scope', 'link');
    }
    ip('route', 'add', `${localAddress}/32`, 'dev', 'inside');
    ip('route', 'add', `${ipv6.localAddress}/128`, 'dev', 'inside');
  }

  private async startDaemon(): Promise<void> {
    const { kind } = this.replica;
    const controlSocket = path.join(this.directory, `${kind}.sock`);
    const files = generate(this.config, this.replica, { dir: this.directory, controlSocket }).map((file) => {
      const name = path.join(this.directory, file.name);
      writeFileSync(name, file.contents);
      // FRR reads its files as a user of its own.
      chmodSync(name, kind === 'frr' ? 0o644 : file.mode);
      return name;
    });
    if (kind === 'frr') await this.startFrr(files[0]!, files[1]);
    else if (kind === 'bird') await this.run([executable('bird'), '-f', '-c', files[0]!, '-s', controlSocket]);
    else {
      makeOpenbgpdHome();
      await this.run([executable('openbgpd'), '-d', '-f', files[0]!]);
    }
  }

  private async startFrr(bgpd: string, zebra: string | undefined): Promise<void> {
    const socket = path.join(this.directory, 'zserv.api');
    const own = (name: string): string[] => [
      ...['-i', path.join(this.directory, `${name}.pid`), '--vty_socket', this.directory, '-P', '0'],
      ...['-z', socket, '--log', 'stdout', '--log-level', 'informational'],
    ];
    const zebraBinary = path.join(path.dirname(executable('frr')), 'zebra');
    if (zebra !== undefined) {
      await this.run([zebraBinary, '-f', zebra, ...own('zebra')]);
      // A bgpd that finds nobody tries again after ten seconds only, and knows no links until then.
      await waitFor(() => accepts(socket), {
        what: 'zebra accepts on its socket',
        deadlineMs: DEADLINE_MS,
        intervalMs: 10,
      });
    }
    await this.run([executable('frr'), '-f', bgpd, ...own('bgpd'), ...(zebra === undefined ? ['-Z', '-n'] : [])]);
  }

  private async run(argv: string[]): Promise<void> {
    this.processes.push(await this.spawn(argv));
  }

  private async open(name: string): Promise<void> {
    const session = planSessions(this.config, this.replica).find((candidate) => candidate.name === name)!;
    const { localAddress, peerAddress } = session;
    await this.until(`session ${name} established`, () => {
      const known = this.sessions.get(name);
      if (known?.speaker.established === true) return true;
      // The daemon may not listen yet, or not know the session yet: then another attempt.
      if (known === undefined || known.speaker.closed) {
        const socket = net.connect({ host: localAddress, port: 179, localAddress: peerAddress });
        const speaker = new ReplicaSpeaker(session, socket);
        this.sessions.set(name, { speaker, table: collect(speaker, session.role !== 'tap') });
      }
      return false;
    });
  }
}

interface KernelRoute {
  dst: string;
  type?: string;
  gateway?: string;
  via?: { host: string };
  dev?: string;
  nexthops?: KernelRoute[];
}

/** `ip` shows host routes without their length. */
const withLength = (dst: string): string => (dst.includes('/') ? dst : `${dst}/${dst.includes(':') ? 128 : 32}`);

function describe({ type, gateway, via, dev, nexthops }: KernelRoute): string {
  if (type !== undefined && type !== 'unicast') return type;
  if (nexthops !== undefined) return nexthops.map(describe).sort().join(' ');
  const host = gateway ?? via?.host;
  return `${host === undefined ? '' : `via ${host} `}dev ${dev}`;
}

function executable(kind: ReplicaKind): string {
  return DRIVERS[kind].executables.find((file) => existsSync(file))!;
}

function collect(speaker: ReplicaSpeaker, ebgp: boolean): CollectedTable {
  const collected = new CollectedTable();
  const framer = new MessageFramer();
  speaker.socket.on('data', (chunk: Uint8Array) => {
    framer.push(chunk);
    while (framer.next()) {
      if (framer.type !== MessageType.UPDATE) continue;
      collected.update(framer.buffer, framer.start, framer.end, { as4: true, ebgp, families: 3 });
    }
  });
  return collected;
}
