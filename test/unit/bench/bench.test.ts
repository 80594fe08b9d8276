// The benchmark's own arithmetic: what the sink counts, what the input filter keeps, quantiles and ratios.
import { describe, expect, it } from 'vitest';
import { singleUpdate } from '../../../bench/input.js';
import { ratios } from '../../../bench/report.js';
import type { Summary } from '../../../bench/report.js';
import { median, quantile } from '../../../bench/statistics.js';
import { keepAcceptable, PrefixSink } from '../../../bench/update-scan.js';
import { parseUpdate, UpdateView } from '../../../wire/bgp/update.js';
import { PrefixTable } from '../../../wire/prefix-table.js';

/** One UPDATE that announces these, with the attributes of a single announcement. */
function announce(...prefixes: string[]): Uint8Array {
  const template = singleUpdate(0, 65001, '10.0.1.2');
  const head = template.subarray(0, template.length - 4);
  const nlri = prefixes.flatMap((text) => {
    const [address = '', bits = '0'] = text.split('/');
    return [
      Number(bits),
      ...address
        .split('.')
        .map(Number)
        .slice(0, Math.ceil(Number(bits) / 8)),
    ];
  });
  const message = Uint8Array.from([...head, ...nlri]);
  message[16] = message.length >> 8;
  message[17] = message.length & 255;
  return message;
}

describe('singleUpdate', () => {
  it('is a sound UPDATE, another prefix for each index', () => {
    const table = new PrefixTable();
    const sink = new PrefixSink(table);
    for (const index of [0, 1, 255, 256, 65535]) {
      const update = singleUpdate(index, 65001, '10.0.1.2');
      const context = { as4: true, ebgp: true, families: 1, neighborAs: 65001 };
      expect(parseUpdate(update, 0, update.length, context, new UpdateView()).kind).toBe('sound');
      sink.update(update, 0, update.length);
    }
    expect(sink.distinct).toBe(5);
    expect(table.findText('25.1.0.0/24')).not.toBe(0);
  });
});

describe('PrefixSink', () => {
  it('counts each prefix once and each announcement', () => {
    const sink = new PrefixSink(new PrefixTable());
    for (const update of [announce('192.0.2.0/24', '11.0.0.0/8'), announce('192.0.2.0/24')]) {
      sink.update(update, 0, update.length);
    }
    expect(sink).toMatchObject({ distinct: 2, announcements: 3, withdrawals: 0, messages: 2 });
  });
});

describe('keepAcceptable', () => {
  const stream = (...updates: Uint8Array[]) => Uint8Array.from(updates.flatMap((update) => [...update]));
  const kept = (bytes: Uint8Array, limit?: number) => {
    const table = new PrefixTable();
    const result = keepAcceptable(bytes, table, limit);
    const sink = new PrefixSink(new PrefixTable());
    for (let at = 0; at < result.bytes.length;) {
      const end = at + result.bytes[at + 16]! * 256 + result.bytes[at + 17]!;
      sink.update(result.bytes, at, end);
      at = end;
    }
    expect(sink.distinct).toBe(result.prefixes);
    expect(sink.announcements).toBe(result.prefixes);
    return { prefixes: result.prefixes, messages: sink.messages };
  };

  it('leaves out what daemons refuse, and whole messages that become empty', () => {
    const refused = [
      '0.0.0.0/0',
      '10.1.0.0/16',
      '127.0.0.0/8',
      '172.16.0.0/12',
      '192.168.1.0/24',
      '224.0.0.0/8',
      '203.0.113.0/25',
    ];
    expect(kept(stream(announce(...refused), announce('172.32.0.0/16', '10.0.0.0/8', '8.8.8.0/24')))).toEqual({
      prefixes: 2,
      messages: 1,
    });
  });

  it('leaves out repetitions and stops at the limit', () => {
    const updates = stream(announce('8.8.8.0/24'), announce('8.8.8.0/24', '8.8.4.0/24'), announce('9.9.9.0/24'));
    expect(kept(updates)).toEqual({ prefixes: 3, messages: 3 });
    expect(kept(updates, 2)).toEqual({ prefixes: 2, messages: 2 });
  });
});

describe('statistics', () => {
  it('interpolates', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(quantile([1, 2, 3, 4, 5], 0.99)).toBeCloseTo(4.96);
    expect(median([])).toBeNaN();
  });
});

describe('ratios', () => {
  const summary = (scenario: string, station: string, completeMs: number, singleMedianMs: number): Summary => ({
    ...{ scenario, station, prefixes: 10, runs: 1, completeMs, settledMs: completeMs, singleMedianMs, singleP99Ms: 1 },
    ...{ router: [], cpuSeconds: 0, peakBytes: 0, feederCpuSeconds: 0, sinkCpuSeconds: 0 },
  });

  it('takes the second-fastest of the three for the floor of a majority', () => {
    const found = ratios([
      summary('bird alone', 'bird', 400, 0.1),
      summary('side by side', 'frr', 2000, 50),
      summary('side by side', 'bird', 500, 0.2),
      summary('side by side', 'openbgpd', 1000, 0.3),
      summary('hypervisor, continuous-majority', 'hypervisor', 1200, 0.5),
    ]);
    const by = new Map(found.map(({ baseline, time, singleMs }) => [baseline, { time, singleMs }]));
    expect(by.get('bird alone')!.time).toBeCloseTo(3);
    expect(by.get('side by side: second-fastest (openbgpd)')!.time).toBeCloseTo(1.2);
    expect(by.get('side by side: second-fastest (openbgpd)')!.singleMs).toBeCloseTo(0.2);
    expect(by.get('side by side: slowest (frr)')!.time).toBeCloseTo(0.6);
  });
});
