// How the replicas are: samples what their processes use, how fast they answer and how much they say, shows it, and passes early warnings on
// to the log, the vote log and recovery. Owns when it is measured; what is unusual is decided in recovery/early-warning.ts.
import { EarlyWarning, type HealthSample, type WarningEvent } from '../../recovery/early-warning.js';
import { wallClock } from '../clock.js';
import type { RouterContext } from '../context.js';
import type { HealthStatus } from '../status.js';
import { plainRecord } from '../vote-records.js';
import { usageOf, type Usage } from './process-usage.js';

/** What can be seen of a running replica from inside the hypervisor. */
export interface Vitals {
  /** The first process of each of its process groups. */
  pids: readonly number[];
  /** Synchronised: it votes, or could. */
  settled: boolean;
  /** Round trip of the last probe, or how long the present one is out, ms. */
  latencyMs: number;
  /** UPDATEs that it has sent to neighbours so far. */
  updates: number;
}

export interface HealthParts {
  /** By replica; undefined while it does not run. */
  vitals(r: number, at: number): Vitals | undefined;
  /** UPDATEs from all neighbours so far. */
  updatesIn(): number;
  usage?: (pids: readonly number[]) => Usage;
}

interface Reading {
  pid: number;
  cpuSeconds: number;
  updates: number;
}

type DeskContext = Pick<RouterContext, 'config' | 'log' | 'voteLog' | 'recovery'>;

export class HealthDesk {
  private readonly context: DeskContext;
  private readonly parts: HealthParts;
  private readonly early: EarlyWarning;
  /** What the last sample began with; undefined for a replica that did not run then. */
  private readonly readings: (Reading | undefined)[];
  private readonly latest: (HealthSample | undefined)[];
  private sampledAt = -Infinity;
  private updatesIn = 0;

  constructor(context: DeskContext, parts: HealthParts) {
    const count = context.config.replicas.length;
    this.context = context;
    this.parts = parts;
    this.early = new EarlyWarning(count);
    this.readings = new Array<Reading | undefined>(count).fill(undefined);
    this.latest = new Array<HealthSample | undefined>(count).fill(undefined);
  }

  /** Takes a sample when it is time. */
  tick(at: number): void {
    const { enabled, interval } = this.context.config.earlyWarning;
    if (!enabled || at - this.sampledAt < interval) return;
    const seconds = (at - this.sampledAt) / 1000;
    this.sampledAt = at;
    const judged = this.latest.map((_, r) => this.sample(r, seconds, at));
    const updates = this.parts.updatesIn();
    const input = Number.isFinite(seconds) ? (updates - this.updatesIn) / seconds : 0;
    this.updatesIn = updates;
    for (const event of this.early.observe(judged, input, at)) this.tell(event, at);
    for (const r of judged.keys()) this.pass(r);
  }

  /** Null while it does not run, was not measured yet, or nothing is measured (`early-warning.enabled: false`). */
  status(r: number): HealthStatus | null {
    const sample = this.latest[r];
    if (sample === undefined) return null;
    const { cpu, memory, latency, messages } = sample;
    return {
      cpu: Math.round(cpu * 1000) / 1000,
      memory,
      latencyMs: Math.round(latency),
      messagesPerSecond: Math.round(messages * 10) / 10,
      warnings: this.early.warnings(r).map(({ kind, since, text }) => ({ kind, since: wallClock(since), text })),
    };
  }

  /** Measures a replica. Returns what may be judged: nothing of one that still loads, or of which there is no earlier reading. */
  private sample(r: number, seconds: number, at: number): HealthSample | undefined {
    const vitals = this.parts.vitals(r, at);
    const before = this.readings[r];
    if (vitals === undefined) {
      this.readings[r] = this.latest[r] = undefined;
      return undefined;
    }
    const { pids, updates, latencyMs: latency } = vitals;
    const { cpuSeconds, memory } = (this.parts.usage ?? usageOf)(pids);
    const reading = { pid: pids[0] ?? 0, cpuSeconds, updates };
    this.readings[r] = reading;
    if (before === undefined || before.pid !== reading.pid) {
      this.latest[r] = { cpu: 0, memory, latency, messages: 0 };
      return undefined;
    }
    const sample = {
      // A process of several that has ended takes its time with it.
      cpu: Math.max(0, cpuSeconds - before.cpuSeconds) / seconds,
      memory,
      latency,
      messages: (updates - before.updates) / seconds,
    };
    this.latest[r] = sample;
    return vitals.settled ? sample : undefined;
  }

  private tell({ type, replica, warning }: WarningEvent, at: number): void {
    const { config, log, voteLog } = this.context;
    const { name } = config.replicas[replica];
    if (type === 'begins') log.warn(`replica ${name}: early warning: it ${warning.text}`);
    else log.info(`replica ${name}: the early warning about its ${warning.kind} is over`);
    const { kind, text } = warning;
    voteLog.append(plainRecord(at, 'warning', { replica: name, state: type, what: kind, text }));
  }

  /** Again and again while it lasts: recovery acts as soon as the others can do without the replica. */
  private pass(r: number): void {
    const [first] = this.early.warnings(r);
    if (first !== undefined) this.context.recovery.earlyWarning(r, `early warning: it ${first.text}`);
  }
}
