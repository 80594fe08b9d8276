// A router that is only an HTTP server: the real one with the dashboard, the JSON API and its headers, over whatever a test wants to be true.
// Owns the answers. Used for what real daemons do not say on demand: hostile texts, many neighbours, hours of history.
import { Histogram } from '../../hypervisor/metrics/histogram.js';
import { HttpCounters } from '../../hypervisor/http/counters.js';
import { apiRoutes } from '../../hypervisor/http/api.js';
import { sendJson } from '../../hypervisor/http/answers.js';
import { dashboardRoutes } from '../../hypervisor/http/dashboard/index.js';
import type { HistoryAnswer } from '../../hypervisor/http/dashboard/sampler.js';
import type { HttpParts, Route } from '../../hypervisor/http/routes.js';
import { HttpServer } from '../../hypervisor/http/server.js';
import type { FibStatus } from '../../hypervisor/fib/status.js';
import type { VoteLogListener } from '../../hypervisor/vote-log.js';
import type { BallotReport, NeighborStatus, ReplicaStatus, RouterStatus } from '../../hypervisor/status.js';

interface FakeVotes {
  ballots: BallotReport[];
  total: number;
  next: string | null;
}

/** What it says; a test changes it as it likes, and it is told with the next beat. */
export interface FakeAnswers {
  status: RouterStatus;
  /** Undefined: that of the server itself. */
  history?: HistoryAnswer;
  faults: unknown;
  votes: FakeVotes | ((query: Record<string, unknown>) => FakeVotes);
  fib: { routes: unknown[]; total: number };
  explain: unknown;
  /** What has been written to the vote log before anybody listened. */
  records: Record<string, unknown>[];
}

export class FakeRouter {
  readonly answers: FakeAnswers;
  /** Writes to the vote log. */
  record!: VoteLogListener;
  private readonly port: number;
  private readonly server: HttpServer;

  /** On 127.0.0.1. */
  constructor(answers: FakeAnswers, port: number) {
    this.answers = answers;
    this.port = port;
    const config = { enabled: true, address: '127.0.0.1', port, open: true, hosts: [], lookingGlass: false };
    const parts = this.parts();
    const routes = [...this.ownRoutes(), ...apiRoutes(parts), ...dashboardRoutes(parts)];
    for (const record of answers.records) this.record(JSON.stringify(record), String(record.kind));
    this.server = new HttpServer(config, routes, new HttpCounters(), parts.log);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  async listen(): Promise<this> {
    await this.server.listen();
    return this;
  }

  close(): Promise<void> {
    return this.server.close();
  }

  /** As much of a router as these routes need. */
  private parts(): HttpParts {
    const complain = (text: string): void => {
      throw new Error(text);
    };
    const context = {
      records: { replicas: this.answers.status.replicas.map(({ name }) => name) },
      meters: { decisions: 0, latency: new Histogram([1]) },
      voteLog: { watch: (listener: VoteLogListener) => (this.record = listener) },
    };
    const names = ['status', 'votes', 'faults', 'explain', 'fib', 'quarantine'] as const;
    const answer = (name: keyof FakeAnswers | 'quarantine', query: Record<string, unknown>): unknown => {
      const said = name === 'quarantine' ? undefined : this.answers[name];
      return typeof said === 'function' ? said(query) : said;
    };
    return {
      context,
      methods: Object.fromEntries(names.map((name) => [name, (query: Record<string, unknown>) => answer(name, query)])),
      log: { warn: complain, error: complain },
      neighbors: [],
      replicas: [],
    } as unknown as HttpParts;
  }

  private ownRoutes(): Route[] {
    const { history } = this.answers;
    if (history === undefined) return [];
    return [
      {
        method: 'GET',
        path: '/api/v1/history',
        access: 'token',
        handle: (_, response) => sendJson(response, history),
      },
    ];
  }
}

const ago = (seconds: number): string => new Date(Date.now() - 1000 * seconds).toISOString();

export function fakeNeighbor(n: number, more: Partial<NeighborStatus> = {}): NeighborStatus {
  return {
    address: `10.0.${n}.2`,
    as: 65_000 + n,
    state: 'Established',
    uptime: 11_122,
    flaps: 0,
    prefixesIn: 940_211,
    prefixesOut: 12,
    messagesIn: 88_214,
    messagesOut: 12_006,
    paused: false,
    gracefulRestart: true,
    endOfRib: ['ipv4-unicast'],
    lastError: null,
    ...more,
  };
}

export function fakeReplica(name: string, more: Partial<ReplicaStatus> = {}): ReplicaStatus {
  return {
    name,
    kind: name,
    version: '8.4.4',
    pid: 4711,
    state: 'voting',
    since: ago(11_100),
    nextStart: null,
    standby: 'no',
    restarts: 0,
    sessionsUp: 5,
    sessions: 5,
    lagMs: 0,
    backlogBytes: 0,
    dissents: 0,
    faults: { open: 0, found: 0, known: 0 },
    abstains: { quarantined: 0, muted: 0 },
    votes: 2_214_551,
    health: { cpu: 0.02, memory: 214 << 20, latencyMs: 3, messagesPerSecond: 4, warnings: [] },
    lastError: null,
    ...more,
  };
}

/** A forwarding table with everything in its place. */
export function fakeFib(more: Partial<FibStatus> = {}): FibStatus {
  const zero = { contested: 0, withoutMajority: 0, pending: 0, failing: 0, stale: 0, replaced: 0, deleted: 0 };
  const never = { repaired: 0, foreign: 0, audits: 0, auditDifferences: 0, overruns: 0, tableFull: 0 };
  return {
    ...{ backend: 'kernel', table: 254, protocol: 180, metric: 180, routes: 940_211, installed: 940_211 },
    ...{ ...zero, ...never, created: 940_211, refused: {}, replicas: [], ...more },
  };
}

/** A router on which all is well: three replicas, `neighbors` neighbours. */
export function fakeStatus(more: Partial<RouterStatus> = {}, neighbors = 3): RouterStatus {
  return {
    version: '0.1.0',
    pid: 4000,
    uptime: 11_125,
    as: 65_000,
    routerId: '10.0.0.1',
    strategy: 'continuous-majority',
    electorate: ['frr', 'bird', 'openbgpd'],
    epoch: 3,
    master: null,
    succession: [],
    quorum: 2,
    tolerates: 1,
    alarms: [],
    open: true,
    restart: { state: 'resynchronised', restarting: false, missing: [] },
    neighbors: Array.from({ length: neighbors }, (_, i) => fakeNeighbor(i + 1)),
    replicas: ['frr', 'bird', 'openbgpd'].map((name) => fakeReplica(name)),
    ballots: { total: 2_820_633, unanimous: 2_820_633, contested: 0, withoutMajority: 0 },
    tables: { prefixes: 940_211, attributes: 151_002, attributeBytes: 9_800_000, full: 0 },
    fib: null,
    fibError: null,
    counters: { updatesIn: 88_214, decisions: 940_211 },
    voteLogDropped: 0,
    logLevels: { log: 'info', voteLog: 'dissent' },
    reload: null,
    http: null,
    memory: 512 << 20,
    ...more,
  };
}

/** `points` of them, up to now. */
export function fakeHistory(points: number, interval = 1): HistoryAnswer {
  const wave = (i: number, base: number, swing: number): number => base + swing * Math.sin(i / 9) * Math.sin(i / 31);
  const column = (of: (i: number) => number | null): (number | null)[] =>
    Array.from({ length: points }, (_, i) => of(i));
  const start = Date.now() - 1000 * interval * points;
  return {
    interval,
    columns: {
      t: column((i) => start + 1000 * interval * i),
      voters: column(() => 3),
      tolerates: column(() => 1),
      ballots: column(() => 2_820_633),
      contested: column(() => 0),
      withoutMajority: column(() => 0),
      votes: column((i) => Math.round(wave(i, 240, 180))),
      decisions: column((i) => Math.round(wave(i, 80, 60))),
      latencyP50: column((i) => wave(i, 2.1, 0.9)),
      latencyP95: column((i) => wave(i, 28, 9)),
      latencyP99: column((i) => wave(i, 55, 22)),
      loopP50: column((i) => wave(i, 0.4, 0.1)),
      loopP99: column((i) => wave(i, 2, 1)),
      loopMax: column((i) => wave(i, 6, 5)),
      faults: column(() => 0),
      memory: column(() => 512 << 20),
    },
    replicas: {},
    lanes: Object.fromEntries(
      ['frr', 'bird', 'openbgpd'].map((name) => [
        name,
        { state: [{ from: start, to: null, value: 'voting' }], dissent: [], quarantine: [] },
      ]),
    ),
  };
}

export function fakeAnswers(more: Partial<FakeAnswers> = {}): FakeAnswers {
  return {
    status: fakeStatus(),
    history: fakeHistory(400),
    faults: { findings: [], patterns: [], knownDifferences: 0, oscillating: 0, withoutMajority: 0 },
    votes: { ballots: [], total: 0, next: null },
    fib: { routes: [], total: 0 },
    explain: {},
    records: [],
    ...more,
  };
}
