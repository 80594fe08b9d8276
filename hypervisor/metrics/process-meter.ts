// How the hypervisor's own process does: how late its main loop is, processor time and memory. Owns the measuring.
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { histogram, single, type MetricFamily } from './exposition.js';
import { Histogram } from './histogram.js';

/** A timer due so often tells how late the main loop is, ms. */
const INTERVAL_MS = 20;
/** Upper bounds of the buckets, seconds. */
const DELAY_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

export class ProcessMeter {
  /** Seconds by which the timer came too late. */
  readonly delays = new Histogram(DELAY_BOUNDS);
  private readonly timer: NodeJS.Timeout;
  private last = performance.now();

  constructor() {
    this.timer = setInterval(() => this.look(), INTERVAL_MS).unref();
  }

  close(): void {
    clearInterval(this.timer);
  }

  families(): MetricFamily[] {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const { active } = performance.eventLoopUtilization();
    return [
      histogram(
        'btr_event_loop_delay_seconds',
        `How late the main loop was, looked at every ${INTERVAL_MS} ms.`,
        this.delays,
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

  private look(): void {
    const at = performance.now();
    this.delays.add(Math.max(0, at - this.last - INTERVAL_MS) / 1000);
    this.last = at;
  }
}
