// Listeners to the messages come and go while sessions are up.
import { expect, test } from 'vitest';
import { Taps, type MessageTap } from '../../../hypervisor/taps.js';
import type { DownReason, Negotiated } from '../../../session/types.js';

const NEGOTIATED = { peerAs: 65001 } as Negotiated;
const DOWN = { text: 'gone' } as DownReason;

/** Notes which sessions it is told of. */
function listener(): MessageTap & { log: string[] } {
  const log: string[] = [];
  return {
    log,
    neighborUp: (n, { peerAs }, at) => log.push(`up ${n} AS ${peerAs} at ${at}`),
    neighborDown: (n) => log.push(`down ${n}`),
    received: (n) => log.push(`received ${n}`),
    advertised: (n) => log.push(`advertised ${n}`),
    replicaUp: (r, n, at) => log.push(`replica ${r} up ${n} at ${at}`),
    replicaDown: (r, n) => log.push(`replica ${r} down ${n}`),
    voted: (r, n) => log.push(`voted ${r} ${n}`),
  };
}

test('who comes later is told of the sessions that are up, and of nothing that is over', () => {
  const taps = new Taps();
  const first = listener();
  taps.add(first, 0);
  taps.neighborUp(0, NEGOTIATED, 1);
  taps.neighborUp(1, NEGOTIATED, 2);
  // Two sessions for one neighbour: one for each family.
  for (const r of [0, 0, 1]) taps.replicaUp(r, 0, 3);
  taps.replicaUp(1, 1, 3);
  taps.replicaDown(1, 1, 4);
  taps.neighborDown(1, DOWN, 4);
  expect(first.log).toHaveLength(8);
  const late = listener();
  taps.add(late, 9);
  expect(late.log).toEqual(['up 0 AS 65001 at 9', 'replica 0 up 0 at 9', 'replica 0 up 0 at 9', 'replica 1 up 0 at 9']);
});

test('who goes hears nothing more; the others do', () => {
  const taps = new Taps();
  const [stays, goes] = [listener(), listener()];
  taps.add(stays, 0);
  taps.add(goes, 0);
  taps.remove(goes);
  taps.remove(goes);
  taps.received(3, new Uint8Array(0), 0, 0, 1);
  expect([stays.log, goes.log]).toEqual([['received 3'], []]);
});
