// The count of a packet flow: what is lost, what is merely late, and how long the longest silence was.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlowRecord } from '../../../cli/lab/flow-record.js';

const PATIENCE = 100;

/** A packet each 10 ms from 0 on; those in `back` came back. */
function flow(count: number, back: (number: number) => boolean): FlowRecord {
  const record = new FlowRecord(0);
  for (let i = 0; i < count; i++) record.sent(10 * i);
  for (let i = 0; i < count; i++) if (back(i)) record.received(i);
  return record;
}

describe('FlowRecord', () => {
  it('counts nothing as lost when everything came back', () => {
    expect(flow(10_000, () => true).report(1e6, PATIENCE)).toEqual({
      ...{ sent: 10_000, received: 10_000, lost: 0, inFlight: 0, duplicates: 0 },
      ...{ longestGapMs: 0, unbroken: 10_000, outages: [] },
    });
  });

  it('measures a silence from the last packet before to the first after it', () => {
    const report = flow(100, (i) => i < 20 || i > 24).report(1e6, PATIENCE);
    expect(report).toMatchObject({ lost: 5, received: 95, longestGapMs: 60, unbroken: 75 });
    expect(report.outages).toEqual([{ atMs: 200, packets: 5, lastedMs: 60 }]);
  });

  it('knows silences that have no beginning or no end', () => {
    expect(flow(10, (i) => i > 2).report(1e6, PATIENCE)).toMatchObject({ lost: 3, longestGapMs: 30 });
    expect(flow(10, (i) => i < 7).report(1e6, PATIENCE)).toMatchObject({ lost: 3, longestGapMs: 30, unbroken: 0 });
  });

  it('has patience with young packets', () => {
    const report = flow(20, (i) => i < 5).report(190, PATIENCE);
    expect(report).toMatchObject({ received: 5, lost: 5, inFlight: 10 });
  });

  it('counts from where it is told to, and takes no old packet for a new one', () => {
    const record = flow(10, () => false);
    record.begin();
    record.sent(100);
    record.received(3);
    expect(record.report(1e6, PATIENCE)).toMatchObject({ sent: 1, received: 0, lost: 1 });
    record.received(10);
    record.received(10);
    record.received(11);
    expect(record.report(1e6, PATIENCE)).toMatchObject({ sent: 1, received: 1, lost: 0, duplicates: 1 });
  });

  it('adds up for every pattern of losses', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 300 }), (back) => {
        const { sent, received, lost, inFlight, outages } = flow(back.length, (i) => back[i]).report(1e6, PATIENCE);
        expect([sent, received, inFlight]).toEqual([back.length, back.filter(Boolean).length, 0]);
        expect(lost).toBe(sent - received);
        if (outages.length < 20) expect(outages.reduce((sum, { packets }) => sum + packets, 0)).toBe(lost);
      }),
    );
  });
});
