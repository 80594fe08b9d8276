// The dashboard's part of the HTTP server: the page, the events that keep it alive, and the history that its charts begin with. Owns the
// paths and the beat, once a second; what is measured, kept and sent is in the files beside it.
import type { RouterStatus } from '../../status.js';
import { HttpError, sendJson } from '../answers.js';
import type { HttpParts, HttpRequest, Route } from '../routes.js';
import { EventStreams } from './events.js';
import { RecentRecords } from './recent-records.js';
import { Sampler, type Sample } from './sampler.js';
import { StaticFiles } from './static.js';

const BEAT_MS = 1000;

export function dashboardRoutes(parts: HttpParts): Route[] {
  const dashboard = new Dashboard(parts);
  // It ends with the process.
  setInterval(() => void dashboard.beat(), BEAT_MS).unref();
  return dashboard.routes();
}

class Dashboard {
  private readonly parts: HttpParts;
  private readonly streams = new EventStreams();
  private readonly recent = new RecentRecords();
  private readonly sampler: Sampler;
  private busy = false;

  constructor(parts: HttpParts) {
    const { meters, records, voteLog } = parts.context;
    this.parts = parts;
    this.sampler = new Sampler({
      replicas: records.replicas,
      decisions: () => meters.decisions,
      latency: meters.latency,
    });
    voteLog.watch((line, kind) => this.recent.note(line, kind));
  }

  routes(): Route[] {
    const files = new StaticFiles();
    const page = { method: 'GET', access: 'token' } as const;
    return [
      { ...page, path: '/', handle: ({ raw }, response) => files.serve('index.html', raw, response) },
      { ...page, path: '/dashboard/*', handle: ({ rest, raw }, response) => files.serve(rest, raw, response) },
      {
        ...page,
        path: '/api/v1/history',
        handle: ({ query }, response) => sendJson(response, this.sampler.history(rangeOf(query))),
      },
      { ...page, path: '/api/v1/events', handle: (request, response) => this.listen(request, response) },
    ];
  }

  /** Once a second: a point of the history, and news for whoever listens. A router that is slow to answer is asked once, not twice. */
  async beat(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      const status = await this.status();
      const sample = this.sampler.sample(status, Date.now());
      this.tell(status, sample);
    } catch (error) {
      this.parts.log.warn(`dashboard: ${(error as Error).message}`);
    } finally {
      this.busy = false;
    }
  }

  private tell(status: RouterStatus, sample: Sample): void {
    if (this.streams.size === 0) {
      this.recent.skip();
      return;
    }
    this.streams.send('status', status);
    this.streams.send('sample', sample);
    const news = this.recent.take();
    if (news !== undefined) this.streams.send('record', news);
  }

  /** A new listener has everything at once: the status, and the last lines of the vote log. */
  private async listen({ raw }: HttpRequest, response: Parameters<EventStreams['open']>[0]): Promise<void> {
    if (raw.method === 'HEAD') throw new HttpError(405, 'a stream has no end and no HEAD');
    const status = await this.status();
    this.streams.open(response, [
      ['status', status],
      ['record', { records: this.recent.all(), leftOut: 0 }],
    ]);
  }

  private status(): Promise<RouterStatus> {
    return Promise.resolve(this.parts.methods.status({})) as Promise<RouterStatus>;
  }
}

function rangeOf(query: URLSearchParams): 'fine' | 'coarse' {
  const range = query.get('range') ?? 'fine';
  if (range === 'fine' || range === 'coarse') return range;
  throw new HttpError(
    400,
    'range: expected fine (10 minutes, a point each second) or coarse (12 hours, each 15 seconds)',
  );
}
