import { describe, expect, it } from 'vitest';
import { thresholdFigures } from '../../../bench/threshold-figures.js';
import { readThresholdLog, type ThresholdLog } from '../../../bench/threshold-log.js';

const START = Date.parse('2026-01-01T00:00:00.000Z');
const CUSTOMER = '10.77.2.1';
const at = (ms: number): string => new Date(START + ms).toISOString();

const line = (ms: number, kind: string, fields: object): string => JSON.stringify({ t: at(ms), kind, ...fields });
const injection = (ms: number, id: number, state: string, fields: object): string =>
  line(ms, 'injection', { id, state, ...fields });
const dissent = (ms: number, end: 'begins' | 'ends', replica: string, prefix: string, neighbor = CUSTOMER): string =>
  line(ms, `dissent-${end}`, { neighbor, prefix, replica, what: 'different' });

describe('the vote log of a run', () => {
  it('says who lied when, and who was found in dissent', () => {
    const log = readThresholdLog([
      injection(0, 1, 'begins', { fault: 'random' }),
      line(1, 'decision', { neighbor: CUSTOMER, nlri: '18c00002' }),
      injection(10, 2, 'begins', { replica: 'frr', prefixes: ['192.0.2.0/24'] }),
      dissent(30, 'begins', 'frr', '192.0.2.0/24'),
      dissent(50, 'ends', 'frr', '192.0.2.0/24'),
      injection(60, 2, 'ends', { replica: 'frr', prefixes: ['192.0.2.0/24'] }),
      injection(70, 1, 'ends', { fault: 'random' }),
      '',
    ]);
    expect(log.lies).toEqual([{ replica: 'frr', prefix: '192.0.2.0/24', from: START + 10, to: START + 60 }]);
    const found = { neighbor: CUSTOMER, replica: 'frr', prefix: '192.0.2.0/24', from: START + 30, to: START + 50 };
    expect(log.dissents).toEqual([found]);
  });

  it('takes the prefixes of grouped records out of their NLRI', () => {
    const fields = { neighbor: CUSTOMER, replica: 'bird', what: 'missing', prefixes: 3 };
    const nlri = { 'ipv4-unicast': '18c0000218c63364', 'ipv6-unicast': '2020010db8' };
    const log = readThresholdLog([line(5, 'dissent-begins', { ...fields, nlri })]);
    expect(log.dissents.map(({ prefix }) => prefix)).toEqual(['192.0.2.0/24', '198.51.100.0/24', '2001:db8::/32']);
    expect(log.dissents.every(({ to }) => to === Infinity)).toBe(true);
  });
});

describe('figures', () => {
  const lie = (replica: string, prefix: string, from: number, to: number) => ({ replica, prefix, from, to });
  const found = (replica: string, prefix: string, from: number, to: number, neighbor = CUSTOMER) => ({
    ...{ neighbor, replica, prefix, from, to },
  });
  const log = (parts: Partial<ThresholdLog>): ThresholdLog => ({
    ...{ lies: [], dissents: [], oscillations: 0, knownDifferences: 0, ...parts },
  });
  const run = { customer: CUSTOMER, updates: 2000, end: 100_000 };

  it('an accusation is a dissent of who did not lie about that prefix then', () => {
    const figures = thresholdFigures(
      log({
        lies: [lie('frr', 'a', 1000, 2000)],
        dissents: [
          found('frr', 'a', 1500, 2000),
          found('frr', 'a', 1500, 2000, '10.77.1.1'),
          found('bird', 'a', 1500, 1700),
          found('frr', 'b', 1500, 2500),
          found('frr', 'a', 9000, Infinity),
        ],
      }),
      [],
      run,
    );
    expect(figures).toMatchObject({ accusations: 3, perThousand: 1.5, longestMs: 91_000 });
  });

  it('who tells the truth alone is outvoted, which no threshold can help', () => {
    const lies = [lie('frr', 'a', 1000, 2000), lie('bird', 'a', 1500, 2500)];
    const dissents = [found('openbgpd', 'a', 1800, 2000), found('openbgpd', 'a', 1200, 1300)];
    expect(thresholdFigures(log({ lies, dissents }), [], run)).toMatchObject({ accusations: 1, outvoted: 1 });
  });

  it('a lie is found when its dissent begins towards the customer while it lasts', () => {
    const figures = thresholdFigures(
      log({
        lies: [lie('frr', 'a', 1000, 5000), lie('bird', 'b', 2000, 2500), lie('bird', 'c', 99_000, Infinity)],
        dissents: [found('frr', 'a', 1200, 1300, '10.77.1.1'), found('frr', 'a', 2000, 5000)],
      }),
      [{ prefix: 'a', from: 1010, to: 2110 }],
      run,
    );
    expect(figures).toMatchObject({ accusations: 0, lies: 3, found: 1 / 3, medianMs: 1000, p90Ms: 1000 });
    // 4 s + 0.5 s + 1 s of lies, of which 1 s + 0.5 s + 1 s were not found, and 1.1 s stood.
    expect(figures.unfoundShare).toBeCloseTo(2.5 / 5.5);
    expect(figures.stoodShare).toBeCloseTo(1.1 / 5.5);
  });

  it('what the customer held is counted only where somebody lied', () => {
    const lies = [lie('frr', 'a', 1000, 2000)];
    const stood = [
      { prefix: 'b', from: 1000, to: 2000 },
      { prefix: 'a', from: 50_000, to: 60_000 },
    ];
    expect(thresholdFigures(log({ lies }), stood, run).stoodShare).toBe(0);
  });
});
