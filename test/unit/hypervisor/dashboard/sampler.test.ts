// The points behind the charts: rates, latencies of the last second, and fifteen seconds in one.
import { expect, test } from 'vitest';
import { Sampler } from '../../../../hypervisor/http/dashboard/sampler.js';
import { Histogram } from '../../../../hypervisor/metrics/histogram.js';
import { fakeReplica, fakeStatus } from '../../../support/fake-router.js';

const T0 = Date.parse('2026-03-01T12:00:00Z');
const NAMES = ['frr', 'bird', 'openbgpd'];

function samplerOf() {
  const latency = new Histogram([0.001, 0.01, 0.1, 1]);
  const counters = { decisions: 0 };
  const sampler = new Sampler({ replicas: NAMES, decisions: () => counters.decisions, latency });
  const status = (votes: number, more: object = {}) =>
    fakeStatus({ replicas: NAMES.map((name) => fakeReplica(name, { votes, ...more })) });
  return { sampler, latency, counters, status };
}

test('rates are of the time between two looks; the first has none to look back on', () => {
  const { sampler, counters, status } = samplerOf();
  expect(sampler.sample(status(1000), T0)).toMatchObject({ votes: null, decisions: null, voters: 3, tolerates: 1 });
  counters.decisions = 500;
  const point = sampler.sample(status(1200, { dissents: 4, lagMs: 7 }), T0 + 2000);
  expect(point).toMatchObject({ t: T0 + 2000, votes: 300, decisions: 250, latencyP50: null });
  expect(point.replicas.bird).toEqual({ votes: 100, dissents: 4, lag: 7 });
  expect(point.lanes.bird).toMatchObject({
    state: { value: 'voting', to: null },
    dissent: { value: 4, from: T0 + 2000 },
  });
});

test('a counter that begins again is no negative rate', () => {
  const { sampler, status } = samplerOf();
  sampler.sample(status(1000), T0);
  expect(sampler.sample(status(10), T0 + 1000).votes).toBe(0);
});

test('latencies are those of the verdicts since the last look', () => {
  const { sampler, latency, status } = samplerOf();
  for (let i = 0; i < 1000; i++) latency.add(0.5);
  sampler.sample(status(0), T0);
  for (let i = 0; i < 99; i++) latency.add(0.005);
  latency.add(0.5);
  const { latencyP50, latencyP99 } = sampler.sample(status(0), T0 + 1000);
  expect(latencyP50).toBeGreaterThan(1);
  expect(latencyP50).toBeLessThan(10);
  expect(latencyP99).toBe(10);
});

test('the history has ten minutes of seconds, and of quarter minutes twelve hours', () => {
  const { sampler, status } = samplerOf();
  for (let i = 0; i < 610; i++) sampler.sample(status(i * 10, { dissents: i % 15 }), T0 + i * 1000);
  const fine = sampler.history('fine');
  expect([fine.interval, fine.columns.t.length]).toEqual([1, 600]);
  expect(fine.columns.t.at(-1)).toBe(T0 + 609_000);
  expect(fine.columns.votes.at(-1)).toBe(30);
  const coarse = sampler.history('coarse');
  expect([coarse.interval, coarse.columns.t.length]).toEqual([15, 40]);
  expect(coarse.columns.t.slice(0, 2)).toEqual([T0 + 14_000, T0 + 29_000]);
  expect(new Set(coarse.replicas.bird.dissents)).toEqual(new Set([14]));
  expect(coarse.columns.votes.at(-1)).toBe(30);
  expect(Object.keys(fine.lanes)).toEqual(NAMES);
});
