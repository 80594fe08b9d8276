// GET /metrics: everything that is counted, for Prometheus (docs/metrics.md). Owns the path and what is put together.
import { exposition, type MetricFamily } from '../metrics/exposition.js';
import { fibMetrics } from '../metrics/fib-metrics.js';
import { bmpMetrics, httpMetrics, recorderMetrics } from '../metrics/outlet-metrics.js';
import { ProcessMeter } from '../metrics/process-meter.js';
import { replicaMetrics } from '../metrics/replica-metrics.js';
import { sessionMetrics } from '../metrics/session-metrics.js';
import { voteMetrics } from '../metrics/vote-metrics.js';
import type { RouterStatus } from '../status.js';
import { sendPieces } from './answers.js';
import type { HttpCounters } from './counters.js';
import { Gate } from './gate.js';
import type { HttpParts, Route } from './routes.js';

const TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** Scrapes under way at once. */
const MAX_SCRAPES = 8;

export function metricsRoutes(parts: HttpParts, counters: HttpCounters): Route[] {
  const meter = new ProcessMeter();
  const gate = new Gate(MAX_SCRAPES, 'scrapes');
  const families = async (): Promise<MetricFamily[]> => [
    ...(await routerFamilies(parts)),
    ...httpMetrics(counters),
    ...meter.families(),
  ];
  return [
    {
      method: 'GET',
      path: '/metrics',
      access: 'token',
      handle: (_, response) =>
        gate.pass(response, async () => sendPieces(response, TYPE, exposition(await families()))),
    },
  ];
}

/** Out of one status, so that the numbers of one answer fit together and are those of `btr status`. */
async function routerFamilies({ context, methods, neighbors }: HttpParts): Promise<MetricFamily[]> {
  const status = (await methods.status({})) as RouterStatus;
  const { meters, records, recorder, bmp } = context;
  const names = { replicas: records.replicas, neighbors: neighbors.map(({ config }) => config.address) };
  return [
    ...voteMetrics(status, meters),
    ...replicaMetrics(status, names, meters),
    ...sessionMetrics(neighbors),
    ...fibMetrics(status.fib, status.fibError),
    ...recorderMetrics(recorder?.stats()),
    ...bmpMetrics(bmp?.stats() ?? []),
  ];
}
