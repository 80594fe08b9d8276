// Early warning on made-up series: who falls ill alone is named, a load that everybody has is not, and warnings neither flicker nor stick.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EarlyWarning, PAST, PERSIST, SETTLE, WARM_UP, type HealthSample } from '../../../recovery/early-warning.js';
import { INTERVALS, SAMPLES } from '../../../recovery/memory-trend.js';

const MIB = 2 ** 20;
/** Three daemons as different as FRR, BIRD and OpenBGPD are. */
const USUAL: readonly HealthSample[] = [
  { cpu: 0.04, memory: 90 * MIB, latency: 26, messages: 4 },
  { cpu: 0.02, memory: 30 * MIB, latency: 12, messages: 10 },
  { cpu: 0.01, memory: 45 * MIB, latency: 4, messages: 9 },
];

type Change = (sample: HealthSample) => HealthSample | undefined;

/** Runs samples through; a small generator of its own, so that every run is the same. */
class Ward {
  readonly early = new EarlyWarning(3);
  readonly log: string[] = [];
  private at = 0;
  private seed = 12345;

  run(steps: number, changes: Record<number, Change> = {}, input = 5): void {
    for (let i = 0; i < steps; i++) {
      const samples = USUAL.map((usual, r) => (changes[r] ?? ((sample) => sample))(this.noisy(usual)));
      for (const { type, replica, warning } of this.early.observe(samples, input * this.noise(), (this.at += 1000))) {
        this.log.push(`${type} ${replica} ${warning.kind}`);
      }
    }
  }

  get steps(): number {
    return this.at / 1000;
  }

  private noisy({ cpu, memory, latency, messages }: HealthSample): HealthSample {
    return {
      cpu: cpu * this.noise() * 2,
      memory: memory * (0.999 + 0.002 * this.random()),
      latency: latency * this.noise() * 2,
      messages: messages * this.noise(),
    };
  }

  private noise(): number {
    return this.random() + 0.5;
  }

  private random(): number {
    this.seed = (Math.imul(this.seed, 1103515245) + 12345) >>> 0;
    return this.seed / 2 ** 32;
  }
}

const ILLNESSES: readonly [string, number, Change][] = [
  ['cpu', 1, (sample) => ({ ...sample, cpu: 0.97 })],
  ['latency', 0, (sample) => ({ ...sample, latency: 2500 })],
  ['output', 2, (sample) => ({ ...sample, messages: 900 })],
];

describe('a replica that falls ill alone', () => {
  test.each(ILLNESSES)('%s: is named after %s, and no more when it is well again', (kind, replica, change) => {
    const ward = new Ward();
    ward.run(WARM_UP + 40);
    expect(ward.log).toEqual([]);
    ward.run(PERSIST - 1, { [replica]: change });
    expect(ward.log).toEqual([]);
    ward.run(1, { [replica]: change });
    expect(ward.log).toEqual([`begins ${replica} ${kind}`]);
    // However long it lasts, it does not become the usual.
    ward.run(2 * PAST, { [replica]: change });
    expect(ward.early.warnings(replica)).toMatchObject([{ kind, since: (WARM_UP + 40 + PERSIST) * 1000 }]);
    ward.run(PERSIST);
    expect(ward.log).toEqual([`begins ${replica} ${kind}`, `ends ${replica} ${kind}`]);
    expect(ward.early.warnings(replica)).toEqual([]);
  });

  test('a moment is no illness, and a value that swings around the limit warns once', () => {
    const ward = new Ward();
    ward.run(WARM_UP);
    for (let i = 0; i < 4; i++) {
      ward.run(PERSIST - 1, { 1: ILLNESSES[0][2] });
      ward.run(1);
    }
    expect(ward.log).toEqual([]);
    ward.run(PERSIST, { 1: ILLNESSES[0][2] });
    for (let i = 0; i < 20; i++) {
      ward.run(PERSIST - 1);
      ward.run(1, { 1: ILLNESSES[0][2] });
    }
    expect(ward.log).toEqual(['begins 1 cpu']);
  });

  test('memory: a leak is found in minutes', () => {
    const ward = new Ward();
    let leaked = 0;
    ward.run(INTERVALS * SAMPLES + 10);
    ward.run(INTERVALS * SAMPLES, { 2: (s) => ({ ...s, memory: s.memory + (leaked += 50 * 1024) }) });
    expect(ward.log).toEqual(['begins 2 growth']);
    const [{ since, text }] = ward.early.warnings(2);
    expect(since / 1000 - (INTERVALS * SAMPLES + 10)).toBeLessThan(9 * SAMPLES);
    expect(text).toMatch(/^grows by 17\d MiB of memory in an hour, it has \d+ MiB$/);
    ward.run(INTERVALS * SAMPLES, { 2: (s) => ({ ...s, memory: s.memory + leaked }) });
    expect(ward.log).toEqual(['begins 2 growth', 'ends 2 growth']);
  });
});

describe('no warning', () => {
  /** What loading a table takes differs between daemons as much as it does in bench.md, and some go on long after others are done. */
  const LOAD = [
    { seconds: 25, factor: 4 },
    { seconds: 6, factor: 1 },
    { seconds: 14, factor: 2 },
  ];

  const loading = (second: number): Record<number, Change> =>
    Object.fromEntries(
      LOAD.map(({ seconds, factor }, r): [number, Change] => [
        r,
        (sample) => {
          const busy = second < seconds;
          return {
            cpu: busy ? 0.95 : sample.cpu,
            memory: sample.memory + 300 * MIB * factor * Math.min(1, second / seconds),
            latency: busy ? 800 * factor : sample.latency,
            messages: busy ? 2000 / factor : sample.messages,
          };
        },
      ]),
    );

  test.each([0, WARM_UP - 5, WARM_UP, 200, PAST + 50])('for a table that all load, %s samples after the start', (n) => {
    const ward = new Ward();
    ward.run(n);
    for (let second = 0; second < 2 * PAST; second++) ward.run(1, loading(second), second < 10 ? 3000 : 5);
    expect(ward.log).toEqual([]);
  });

  test('for a table that is withdrawn when one of them keeps its memory', () => {
    const ward = new Ward();
    for (let second = 0; second < 200; second++) ward.run(1, loading(second), second < 10 ? 3000 : 5);
    const keeps: Change = (sample) => ({ ...sample, memory: sample.memory + 1200 * MIB });
    ward.run(2 * PAST, { 0: keeps });
    expect(ward.log).toEqual([]);
  });

  test('for a slow load over many minutes that takes each of them its own share of memory', () => {
    const ward = new Ward();
    const share = [60, 15, 30].map((kib) => (step: number) => kib * 1024 * step);
    for (let step = 0; step < 4 * PAST; step++) {
      const grown = (r: number): Change => {
        return (sample) => ({ ...sample, memory: sample.memory + share[r](step) });
      };
      ward.run(1, { 0: grown(0), 1: grown(1), 2: grown(2) }, 50);
    }
    expect(ward.log).toEqual([]);
  });

  test('for a replica that was replaced and loads the table alone: it does not vote while it does', () => {
    const ward = new Ward();
    ward.run(200);
    ward.run(20, { 0: () => undefined });
    expect(ward.log).toEqual([]);
    ward.run(WARM_UP - PERSIST, { 0: (sample) => ({ ...sample, cpu: 0.9 }) });
    ward.run(PAST);
    expect(ward.log).toEqual([]);
  });

  test('where nobody is there to compare with', () => {
    const ward = new Ward();
    const gone: Change = () => undefined;
    ward.run(WARM_UP, { 0: gone, 1: gone });
    ward.run(PAST, { 0: gone, 1: gone, 2: (sample) => ({ ...sample, cpu: 1, latency: 9000, messages: 1e5 }) });
    expect(ward.log).toEqual([]);
  });
});

test('a replica that leaves takes its warnings and its past with it', () => {
  const ward = new Ward();
  ward.run(WARM_UP);
  ward.run(PERSIST, { 1: ILLNESSES[0][2] });
  ward.run(1, { 1: () => undefined });
  expect(ward.log).toEqual(['begins 1 cpu', 'ends 1 cpu']);
  ward.run(WARM_UP - 1, { 1: ILLNESSES[0][2] });
  expect(ward.log).toHaveLength(2);
});

test('whatever is measured, begins and ends alternate and a burst of input is waited for', () => {
  const sample = fc.record({
    cpu: fc.double({ min: 0, max: 4, noNaN: true }),
    memory: fc.integer({ min: 0, max: 2 ** 40 }),
    latency: fc.double({ min: 0, max: 1e5, noNaN: true }),
    messages: fc.double({ min: 0, max: 1e6, noNaN: true }),
  });
  const step = fc.record({
    samples: fc.array(fc.option(sample, { nil: undefined, freq: 20 }), { minLength: 3, maxLength: 3 }),
    times: fc.integer({ min: 1, max: 2 * SETTLE }),
    input: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e5, noNaN: true })),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (path) => {
      const early = new EarlyWarning(3);
      const open = new Set<string>();
      let [at, burstAt] = [0, -Infinity];
      for (const { samples, times, input } of path) {
        for (let i = 0; i < times; i++) {
          at++;
          if (input > 1e4 && at === 1) burstAt = at;
          for (const { type, replica, warning } of early.observe(samples, input, at * 1000)) {
            const key = `${replica} ${warning.kind}`;
            expect(open.has(key)).toBe(type === 'ends');
            if (type === 'ends') open.delete(key);
            else open.add(key);
            if (type === 'begins' && (warning.kind === 'cpu' || warning.kind === 'latency')) {
              expect(at - burstAt).toBeGreaterThanOrEqual(SETTLE);
            }
            expect(warning.text).not.toMatch(/NaN|Infinity/);
          }
          const listed = samples.flatMap((_, r) => early.warnings(r).map(({ kind }) => `${r} ${kind}`));
          expect(new Set(listed)).toEqual(open);
        }
      }
    }),
    { numRuns: 40 },
  );
});
