// How the hypervisor's own process does: how late its main loop is, processor time and memory. Owns the measuring.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import process from 'node:process';
import { each, single, type MetricFamily } from './exposition.js';

/** How exactly delays are known, ms; each of these steps wakes the process up. */
const RESOLUTION_MS = 20;
/** Quantiles are those of the last whole window, so that they are the same whoever asks, and however often. */
const WINDOW_MS = 15_000;
const QUANTILES = [0.5, 0.9, 0.99, 1] as const;

export class ProcessMeter {
  private readonly loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private readonly window: NodeJS.Timeout;
  /** Of the last window, seconds; undefined in the first one. */
  private delays: number[] | undefined;

  constructor() {
    this.loop.enable();
    this.window = setInterval(() => this.turn(), WINDOW_MS).unref();
  }

  close(): void {
    clearInterval(this.window);
    this.loop.disable();
  }

  families(): MetricFamily[] {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const { active } = performance.eventLoopUtilization();
    const delays = this.delays ?? this.quantiles();
    return [
      each(
        'gauge',
        'btr_event_loop_delay_seconds',
        `How late the main loop was, quantiles of ${WINDOW_MS / 1000} s (1: the longest).`,
        QUANTILES.map((quantile, i) => ({ quantile, delay: delays[i] })),
        ({ quantile, delay }) => ({ labels: { quantile }, value: delay }),
      ),
      single('counter', 'btr_event_loop_active_seconds_total', 'Time that the main loop was busy.', active / 1000),
      single(
        'counter',
        'process_cpu_seconds_total',
        'Processor time of the hypervisor, all its threads.',
        (user + system) / 1e6,
      ),
      single('gauge', 'process_resident_memory_bytes', 'Resident memory of the hypervisor.', rss),
      single('gauge', 'process_heap_bytes', 'Memory of its JavaScript objects in use (main thread).', heapUsed),
      single(
        'gauge',
        'process_start_time_seconds',
        'When the hypervisor was started, seconds since 1970.',
        Math.round(performance.timeOrigin) / 1000,
      ),
    ];
  }

  private turn(): void {
    this.delays = this.quantiles();
    this.loop.reset();
  }

  /** Node measures the time between two wake-ups, not how late the second one is. */
  private quantiles(): number[] {
    const { loop } = this;
    if (loop.count === 0) return QUANTILES.map(() => 0);
    return QUANTILES.map((quantile) => {
      const nanoseconds = quantile === 1 ? loop.max : loop.percentile(quantile * 100);
      return Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS) / 1000;
    });
  }
}
