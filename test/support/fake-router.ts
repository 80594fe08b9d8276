// A router that is only an HTTP server: the dashboard's own files, and whatever a test wants to be true. Owns the answers; the page behind
// it is the real one. Used for what real daemons do not say on demand: hostile texts, many neighbours, twelve hours of history.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventStreams } from '../../hypervisor/http/dashboard/events.js';
import { StaticFiles } from '../../hypervisor/http/dashboard/static.js';
import type { HistoryAnswer, Sample } from '../../hypervisor/http/dashboard/sampler.js';
import type { BallotReport, NeighborStatus, ReplicaStatus, RouterStatus } from '../../hypervisor/status.js';

/** What it says; a test changes it as it likes, and it is told with the next beat. */
export interface FakeAnswers {
  status: RouterStatus;
  sample: Sample;
  history: HistoryAnswer;
  faults: unknown;
  votes: { ballots: BallotReport[]; total: number };
  explain: unknown;
  records: Record<string, unknown>[];
}

const SECURITY = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
};

export class FakeRouter {
  readonly answers: FakeAnswers;
  readonly streams = new EventStreams();
  private readonly files: StaticFiles;
  private readonly server: http.Server;
  private timer: NodeJS.Timeout | undefined;

  constructor(answers: FakeAnswers, directory?: string) {
    this.answers = answers;
    this.files = new StaticFiles(directory);
    this.server = http.createServer((request, response) => this.answer(request, response));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.timer = setInterval(() => this.beat(), 1000);
    return this;
  }

  beat(): void {
    const { status, sample } = this.answers;
    this.streams.send('status', status);
    this.streams.send('sample', { ...sample, t: Date.now() });
  }

  close(): Promise<void> {
    clearInterval(this.timer);
    this.streams.close();
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    for (const [name, value] of Object.entries(SECURITY)) response.setHeader(name, value);
    const { pathname } = new URL(request.url!, this.url);
    const { status, records } = this.answers;
    if (pathname === '/') return this.files.serve('index.html', request, response);
    if (pathname.startsWith('/dashboard/')) return this.files.serve(pathname.slice(11), request, response);
    if (pathname === '/api/v1/events') {
      return this.streams.open(response, [
        ['status', status],
        ['record', { records, leftOut: 0 }],
      ]);
    }
    const name = pathname.replace('/api/v1/', '') as keyof FakeAnswers;
    const known = Object.hasOwn(this.answers, name);
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(known ? this.answers[name] : { error: `there is no ${name}` }));
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
  const history = more.history ?? fakeHistory(400);
  const sample = {
    ...(Object.fromEntries(
      Object.entries(history.columns).map(([name, column]) => [name, column.at(-1)]),
    ) as unknown as Sample),
    replicas: {},
  };
  return {
    status: fakeStatus(),
    sample,
    history,
    faults: { findings: [], patterns: [], knownDifferences: 0, oscillating: 0 },
    votes: { ballots: [], total: 0 },
    explain: {},
    records: [],
    ...more,
  };
}
