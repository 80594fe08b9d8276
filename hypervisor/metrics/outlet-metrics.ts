// The metrics of what carries things out of the router: recording, BMP and HTTP. Owns their names.
import type { BmpStats } from '../bmp/bmp-exporter.js';
import type { HttpCounters } from '../http/counters.js';
import type { RecorderStats } from '../recording/recorder.js';
import { each, single, type MetricFamily, type Sample } from './exposition.js';

/** Nothing while nothing is recorded. */
export function recorderMetrics(stats: RecorderStats | undefined): MetricFamily[] {
  if (stats === undefined) return [];
  return [
    single('counter', 'btr_recorder_records_total', 'Messages that were recorded.', stats.records),
    single('counter', 'btr_recorder_dropped_total', 'Messages that could not be recorded.', stats.dropped),
    single('gauge', 'btr_recorder_queued_bytes', 'Bytes on their way to the disk.', stats.queued),
    single('gauge', 'btr_recorder_files', 'Files of the recording.', stats.files),
    single('gauge', 'btr_recorder_size_bytes', 'Their size.', stats.bytes),
    single('gauge', 'btr_recorder_failing', '1 when the last write failed.', stats.error === null ? 0 : 1),
  ];
}

/** Nothing without collectors. */
export function bmpMetrics(stats: BmpStats): MetricFamily[] {
  if (stats.length === 0) return [];
  const perConnection = (
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    value: (one: BmpStats[number]) => number,
  ): MetricFamily =>
    each(type, name, help, stats, (one): Sample => {
      return { labels: { collector: one.collector, name: one.name }, value: value(one) };
    });
  return [
    perConnection('gauge', 'btr_bmp_connected', '1 while the collector is connected.', (one) => Number(one.connected)),
    perConnection('counter', 'btr_bmp_connects_total', 'Times it was connected.', (one) => one.connects),
    perConnection(
      'counter',
      'btr_bmp_overflows_total',
      'Times it was disconnected because it did not keep up.',
      (one) => one.overflows,
    ),
    perConnection('counter', 'btr_bmp_sent_bytes_total', 'Bytes it was sent.', (one) => one.bytes),
    perConnection('gauge', 'btr_bmp_queued_bytes', 'Bytes that wait for it.', (one) => one.queued),
  ];
}

export function httpMetrics({ answers, refused }: HttpCounters): MetricFamily[] {
  return [
    {
      name: 'btr_http_answers_total',
      type: 'counter',
      help: 'Answers of the HTTP server, by status code.',
      samples: [...answers].map(([code, value]) => ({ labels: { code }, value })),
    },
    single(
      'counter',
      'btr_http_connections_refused_total',
      'Connections to the HTTP server that found no room.',
      refused,
    ),
  ];
}
