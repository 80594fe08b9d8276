// Every trace of the shared folder against the counts that bgpdump gave for it.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { traceInfo } from '../../../traces/info.js';
import { missing, sharedFile } from '../../support/shared.js';

interface Stats {
  file: string;
  mrt_records: number;
  mrt_types: Record<string, number>;
  routes_or_announcements: number;
  withdrawals: number;
  state_changes: number;
  distinct_v4_prefixes: number;
  distinct_v6_prefixes: number;
  peers: number;
}

const statsFile = sharedFile('traces/stats.json');
const stats = statsFile === undefined ? [] : (JSON.parse(readFileSync(statsFile, 'utf8')) as { mrt: Stats[] }).mrt;

/** Multicast in MP_REACH_NLRI: bgpdump lists it, this project does not carry it. */
const WITH_MULTICAST = new Set([
  'updates/route-views.linx.updates.20070211.0141.gz',
  'updates/route-views2.updates.20131201.0000.bz2',
]);
/** Prefixes with host bits (path identifiers in records that do not say so): bgpdump counts 24.67.211.53/28 as one of its own. */
const HOST_BITS: Record<string, number> = { 'updates/route-views.eqix.updates.20220119.1645.first500.mrt.gz': 4 };

describe.skipIf(statsFile === undefined)(
  `shared traces (${statsFile ?? `skipped: ${missing('traces/stats.json')}`})`,
  () => {
    it.each(stats)('$file', { timeout: 60_000 }, async (expected) => {
      const info = await traceInfo(sharedFile(`traces/${expected.file}`)!);
      expect(info.records).toBe(expected.mrt_records);
      const types = Object.values(expected.mrt_types).sort((a, b) => a - b);
      expect(Object.values(info.recordTypes).sort((a, b) => a - b)).toEqual(types);
      const sum = (pick: (peer: (typeof info.peers)[number]) => number) =>
        info.peers.reduce((n, peer) => n + pick(peer), 0);
      const counts = {
        routes: sum((peer) => peer.routesV4 + peer.routesV6),
        withdrawn: sum((peer) => peer.withdrawn),
        stateChanges: sum((peer) => peer.stateChanges),
        v4: info.prefixesV4,
        v6: info.prefixesV6,
        peers: info.peers.filter((p) => p.routesV4 + p.routesV6 + p.withdrawn + p.stateChanges > 0).length,
      };
      const wanted = {
        routes: expected.routes_or_announcements,
        withdrawn: expected.withdrawals,
        stateChanges: expected.state_changes,
        v4: expected.distinct_v4_prefixes - (HOST_BITS[expected.file] ?? 0),
        v6: expected.distinct_v6_prefixes,
        peers: expected.peers,
      };
      if (WITH_MULTICAST.has(expected.file)) expect(counts.peers).toBe(wanted.peers);
      else expect(counts).toEqual(wanted);
    });
  },
);
