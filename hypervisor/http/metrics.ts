// GET /metrics: everything that is counted, for Prometheus (docs/metrics.md). Owns the path and what is put together.
import { exposition, type MetricFamily } from '../metrics/exposition.js';
import { fibMetrics } from '../metrics/fib-metrics.js';
import { ProcessMeter } from '../metrics/process-meter.js';
import { replicaMetrics } from '../metrics/replica-metrics.js';
import { sessionMetrics } from '../metrics/session-metrics.js';
import { recorderMetrics, voteMetrics } from '../metrics/vote-metrics.js';
import type { RouterStatus } from '../status.js';
import { sendPieces } from './answers.js';
import type { HttpParts, Route } from './routes.js';

const TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function metricsRoutes(parts: HttpParts): Route[] {
  const meter = new ProcessMeter();
  return [
    {
      method: 'GET',
      path: '/metrics',
      access: 'token',
      handle: async (_, response) => sendPieces(response, TYPE, exposition(await families(parts, meter))),
    },
  ];
}

/** Out of one status, so that the numbers of one answer fit together and are those of `btr status`. */
async function families({ context, methods, neighbors }: HttpParts, process: ProcessMeter): Promise<MetricFamily[]> {
  const status = (await methods.status({})) as RouterStatus;
  const { meters, records, recorder } = context;
  return [
    ...voteMetrics(status, meters),
    ...replicaMetrics(status, records.replicas, meters),
    ...sessionMetrics(neighbors),
    ...fibMetrics(status.fib, status.fibError),
    ...recorderMetrics(recorder?.stats()),
    ...process.families(),
  ];
}
