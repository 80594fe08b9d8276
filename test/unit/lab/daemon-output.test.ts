// What control clients and /proc print, as recorded, and what is made of it.
import { describe, expect, it } from 'vitest';
import { parseBirdSessions, parseFrrSessions, parseOpenbgpdSessions } from '../../../cli/lab/plain-daemons.js';
import { parseStat, processUsage, treeUsage } from '../../../cli/lab/process-stats.js';
import process from 'node:process';

describe('sessions', () => {
  it('of BIRD, both families together', () => {
    const text = `BIRD 2.0.12 ready.
Name       Proto      Table      State  Since         Info
device1    Device     ---        up     04:49:21.000
n0         BGP        ---        up     04:49:22.104  Established
  BGP state:          Established
    Neighbor address: 10.0.1.2
  Channel ipv4
    State:          UP
    Routes:         3 imported, 5 exported, 3 preferred
  Channel ipv6
    State:          UP
    Routes:         2 imported, 1 filtered, 4 exported, 2 preferred
n1         BGP        ---        start  04:49:22.104  Passive
  BGP state:          Passive
    Neighbor address: 10.0.2.2
`;
    expect(parseBirdSessions(text)).toEqual([
      { address: '10.0.1.2', established: true, prefixesIn: 5, prefixesOut: 9 },
      { address: '10.0.2.2', established: false, prefixesIn: 0, prefixesOut: 0 },
    ]);
  });

  it('of FRR', () => {
    const peers = { '10.0.1.2': { state: 'Established', pfxRcd: 3, pfxSnt: 2 }, '10.0.2.2': { state: 'Active' } };
    expect(parseFrrSessions(JSON.stringify({ ipv4Unicast: { peers } }))).toEqual([
      { address: '10.0.1.2', established: true, prefixesIn: 3, prefixesOut: 2 },
      { address: '10.0.2.2', established: false, prefixesIn: 0, prefixesOut: 0 },
    ]);
    expect(parseFrrSessions('{}')).toEqual([]);
  });

  it('of OpenBGPD', () => {
    const neighbor = { remote_addr: '10.0.1.2', state: 'Established', stats: { prefixes: { sent: 2, received: 3 } } };
    expect(parseOpenbgpdSessions(JSON.stringify({ neighbors: [neighbor] }))).toEqual([
      { address: '10.0.1.2', established: true, prefixesIn: 3, prefixesOut: 2 },
    ]);
  });
});

describe('process usage', () => {
  it('reads a stat line whose name holds blanks and parentheses', () => {
    const text = '42 (a (b) c) S 7 42 42 0 -1 4194560 100 0 0 0 250 50 20 5 20 0 1 0 100 1000 10';
    expect(parseStat(text)).toEqual({ pid: 42, name: 'a (b) c', parent: 7, cpuSeconds: 3.25 });
    expect(parseStat('nonsense')).toBeUndefined();
  });

  it('knows this process, and that pid 0 is none', () => {
    expect(processUsage(0)).toBeUndefined();
    const [own] = treeUsage(process.pid);
    expect(own).toMatchObject({ pid: process.pid, program: process.execPath });
    expect(own!.peakBytes).toBeGreaterThan(1 << 20);
  });
});
