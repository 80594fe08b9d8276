// Early warning: which replica has begun to behave unlike its own past and unlike the others, before it is at fault (docs/early-warning.md
// has the formulas). Pure: samples and the time go in, warnings that begin or end come out. Measuring is hypervisor/health/, what follows
// from a warning is the planner's.
//
// A load that everybody has is no illness: a score counts only as far as it exceeds what the others have scored lately, and nothing about
// CPU and latency is judged while, and shortly after, neighbours send far more than usual.
import { MemoryTrend } from './memory-trend.js';
import { medianOf, Rolling } from './rolling.js';

/** What was measured of one replica since the sample before. */
export interface HealthSample {
  /** Processor seconds per second, all its processes. */
  cpu: number;
  /** Resident bytes, all its processes. */
  memory: number;
  /** Round trip of the last probe, or how long the present one is out, ms. */
  latency: number;
  /** UPDATEs that it sent, per second. */
  messages: number;
}

/** `output`: UPDATEs sent for each that came in. `growth`: memory that grows and grows. */
export type WarningKind = 'cpu' | 'latency' | 'output' | 'growth';

export interface HealthWarning {
  kind: WarningKind;
  /** Ms. */
  since: number;
  /** For people: what is measured, what is usual. */
  text: string;
}

export interface WarningEvent {
  type: 'begins' | 'ends';
  replica: number;
  warning: HealthWarning;
}

interface Metric {
  kind: WarningKind;
  value(sample: HealthSample, input: number): number;
  /** Smallest spread that is believed: absolute, and as a share of what is usual. */
  floor: number;
  share: number;
  /** Not judged while a burst of input is worked off. */
  loaded: boolean;
  text(value: number, usual: number, sample: HealthSample): string;
}

/** Samples of a replica's past that it is compared with … */
export const PAST = 300;
/** … and that there must be before it is compared. */
export const WARM_UP = 60;
/** Samples for which a burst of input, or a score of the others, explains what a replica does. */
export const SETTLE = 60;
/** Samples in a row that a warning takes to begin, and to end. */
export const PERSIST = 10;
/** What is usual is found out anew every so many samples. */
const REFRESH = 10;
/** So many spreads above the usual, and so many of the others' scores on top, are too much. */
const LIMIT = 6;
const OTHERS = 2;
/** UPDATEs per second that are no burst in themselves. */
const INPUT_FLOOR = 200;

const METRICS: readonly Metric[] = [
  {
    kind: 'cpu',
    value: ({ cpu }) => cpu,
    floor: 0.1,
    share: 0.25,
    loaded: true,
    text: (value, usual) => `uses ${value.toFixed(2)} processors, usually ${usual.toFixed(2)}`,
  },
  {
    kind: 'latency',
    value: ({ latency }) => latency,
    floor: 100,
    share: 0.5,
    loaded: true,
    text: (value, usual) => `answers after ${Math.round(value)} ms, usually ${Math.round(usual)} ms`,
  },
  {
    kind: 'output',
    value: ({ messages }, input) => messages / (1 + input),
    floor: 10,
    share: 0.5,
    loaded: false,
    text: (value, usual, { messages }) =>
      `sends ${Math.round(messages)} UPDATEs/s, ${value.toFixed(1)} times what comes in, usually ${usual.toFixed(1)} times`,
  },
];

/** One metric of one replica, or its memory. */
class Watch {
  warning: HealthWarning | undefined;
  private row = 0;

  /** `relation`: the score as a share of its limit. Begins at 1, ends below one half, both after `persist` samples in a row. */
  judge(relation: number, persist: number, warning: () => HealthWarning): 'begins' | 'ends' | undefined {
    const turning = this.warning === undefined ? relation >= 1 : relation < 0.5;
    this.row = turning ? this.row + 1 : 0;
    if (this.warning !== undefined && relation >= 0.5) this.warning = { ...warning(), since: this.warning.since };
    if (this.row < persist) return undefined;
    this.row = 0;
    if (this.warning !== undefined) return 'ends';
    this.warning = warning();
    return 'begins';
  }

  /** Not to be judged now. */
  pause(): void {
    if (this.warning === undefined) this.row = 0;
  }
}

class Track {
  readonly past = new Rolling(PAST);
  readonly scores = new Rolling(SETTLE);
  readonly watch = new Watch();
  usual = 0;
  private spread = 0;
  private age = 0;

  /** Spreads above the usual; 0 for what is below, or while there is too little to compare with. */
  score(value: number, { floor, share }: Metric): number {
    if (this.past.count < WARM_UP) return 0;
    if (this.age++ % REFRESH === 0) {
      this.usual = this.past.median();
      this.spread = Math.max(this.past.spread(this.usual), floor, share * this.usual);
    }
    return Math.max(0, (value - this.usual) / this.spread);
  }
}

class Patient {
  readonly tracks = METRICS.map(() => new Track());
  readonly memory = new MemoryTrend();
  readonly memoryWatch = new Watch();

  get watches(): Watch[] {
    return [...this.tracks.map(({ watch }) => watch), this.memoryWatch];
  }
}

export class EarlyWarning {
  private readonly patients: (Patient | undefined)[];
  private readonly input = new Rolling(PAST);
  private readonly lately = new Rolling(PERSIST);
  private sinceBurst = Infinity;
  private events: WarningEvent[] = [];
  private readonly scratch: Float64Array;

  constructor(replicas: number) {
    this.patients = new Array<Patient | undefined>(replicas).fill(undefined);
    this.scratch = new Float64Array(replicas);
  }

  /** Open warnings of replica `r`. */
  warnings(r: number): HealthWarning[] {
    return (this.patients[r]?.watches ?? []).flatMap(({ warning }) => warning ?? []);
  }

  /**
   * One sample per replica; undefined for those that do not vote (or stand by) now: their past is forgotten. `input`: UPDATEs per second from
   * all neighbours. The samples must be equally far apart.
   */
  observe(samples: readonly (HealthSample | undefined)[], input: number, now: number): WarningEvent[] {
    this.events = [];
    this.noteInput(input);
    samples.forEach((sample, r) => {
      if (sample === undefined) this.forget(r);
      else this.patients[r] ??= new Patient();
    });
    METRICS.forEach((metric, m) => this.observeMetric(metric, m, samples, now));
    this.observeMemory(samples, now);
    return this.events;
  }

  private noteInput(input: number): void {
    const usual = this.input.count === 0 ? 0 : this.input.median();
    const spread = this.input.count === 0 ? 0 : this.input.spread(usual);
    const burst = input > usual + LIMIT * Math.max(spread, INPUT_FLOOR, usual / 2);
    this.sinceBurst = burst ? 0 : this.sinceBurst + 1;
    this.input.add(input);
    this.lately.add(input);
  }

  private forget(r: number): void {
    for (const { warning } of this.patients[r]?.watches ?? []) {
      if (warning !== undefined) this.events.push({ type: 'ends', replica: r, warning });
    }
    this.patients[r] = undefined;
  }

  private observeMetric(metric: Metric, m: number, samples: readonly (HealthSample | undefined)[], now: number): void {
    const input = this.lately.mean();
    const scores = samples.map((sample, r) => {
      const track = this.patients[r]?.tracks[m];
      if (sample === undefined || track === undefined) return 0;
      const score = track.score(metric.value(sample, input), metric);
      track.scores.add(score);
      return score;
    });
    samples.forEach((sample, r) => {
      const track = this.patients[r]?.tracks[m];
      if (sample === undefined || track === undefined) return;
      const value = metric.value(sample, input);
      const others = this.medianOfOthers(r, (other) => other.tracks[m].scores.max());
      const { watch, usual } = track;
      if (others === undefined || (metric.loaded && this.sinceBurst < SETTLE)) watch.pause();
      else {
        const text = (): string => metric.text(value, usual, sample);
        this.judge(r, metric.kind, watch, scores[r] / (LIMIT + OTHERS * others), PERSIST, text, now);
      }
      // What is being warned of must not become the usual.
      if (watch.warning === undefined) track.past.add(value);
    });
  }

  private observeMemory(samples: readonly (HealthSample | undefined)[], now: number): void {
    const grown = samples.map((sample, r) => sample !== undefined && this.patients[r]!.memory.add(sample.memory, now));
    samples.forEach((sample, r) => {
      const patient = this.patients[r];
      if (sample === undefined || patient === undefined || !grown[r]) return;
      const others = this.medianOfOthers(r, (other) => other.memory.share);
      if (others === undefined) return;
      const { memory } = patient;
      const text = (): string => memory.text(sample.memory);
      this.judge(r, 'growth', patient.memoryWatch, memory.relation(others), 2, text, now);
    });
  }

  private judge(
    replica: number,
    kind: WarningKind,
    watch: Watch,
    relation: number,
    persist: number,
    text: () => string,
    now: number,
  ): void {
    const before = watch.warning;
    const type = watch.judge(relation, persist, () => ({ kind, since: now, text: text() }));
    if (type === undefined) return;
    if (type === 'ends') watch.warning = undefined;
    this.events.push({ type, replica, warning: (type === 'ends' ? before : watch.warning)! });
  }

  /** Undefined when there is nobody to compare with. */
  private medianOfOthers(r: number, of: (other: Patient) => number): number | undefined {
    let count = 0;
    this.patients.forEach((other, i) => {
      const value = i === r || other === undefined ? NaN : of(other);
      if (!Number.isNaN(value)) this.scratch[count++] = value;
    });
    return count === 0 ? undefined : medianOf(this.scratch, count);
  }
}
