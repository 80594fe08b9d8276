import { beforeEach, describe, expect, it } from 'vitest';
import { Installer, UNKNOWN_HOPS } from '../../../fib/installer.js';
import { createRouteBatch, OP_CREATE, OP_DELETE, OP_REPLACE } from '../../../fib/route-batch.js';

const ENOMEM = 12;
const EEXIST = 17;
const EINVAL = 22;
const ESRCH = 3;
const ENETUNREACH = 101;
const A = 7;
const B = 8;
const P = 5;

let installer: Installer;
const batch = createRouteBatch(4);

/** One batch, each write refused with what `errors` says of its prefix. Returns `create 5 7` and the like. */
function write(now: number, errors: Record<number, number> = {}): string[] {
  const count = installer.next(batch, now);
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    const name = { [OP_CREATE]: 'create', [OP_REPLACE]: 'replace', [OP_DELETE]: 'delete' }[batch.op[i]];
    lines.push(`${name} ${batch.prefix[i]} ${batch.hops[i]}`);
    batch.errors[i] = errors[batch.prefix[i]] ?? 0;
  }
  installer.settle(batch, now);
  return lines;
}

function taken(): number[] {
  const out = new Uint32Array(100);
  return [...out.subarray(0, installer.takeInstalled(out))];
}

beforeEach(() => {
  installer = new Installer({ retry: { firstMs: 1000, maxMs: 8000 } });
});

describe('verdicts become writes', () => {
  it('creates, replaces, deletes', () => {
    installer.want(P, A, 0);
    expect(installer.isInstalled(P)).toBe(false);
    expect(write(0)).toEqual(['create 5 7']);
    expect(installer.isInstalled(P)).toBe(true);
    expect([installer.wantedCount, installer.installedCount, installer.installedHops(P)]).toEqual([1, 1, A]);
    installer.want(P, B, 1);
    expect(installer.isInstalled(P)).toBe(false);
    expect(write(1)).toEqual(['replace 5 8']);
    installer.want(P, 0, 2);
    expect(write(2)).toEqual(['delete 5 8']);
    expect([installer.wantedCount, installer.installedCount, installer.installedHops(P)]).toEqual([0, 0, 0]);
    expect(write(3)).toEqual([]);
    expect(installer.counters).toMatchObject({ created: 1, replaced: 1, deleted: 1, refused: 0 });
  });

  it('writes the verdict of the moment, and nothing when that is what the kernel has', () => {
    installer.want(P, A, 0);
    installer.want(P, B, 0);
    expect(write(0)).toEqual(['create 5 8']);
    installer.want(P, A, 1);
    installer.want(P, B, 1);
    expect(write(1)).toEqual([]);
    installer.want(6, A, 2);
    installer.want(6, 0, 2);
    expect(write(2)).toEqual([]);
  });

  it('fills no more than a batch holds, oldest first', () => {
    for (let prefix = 1; prefix <= 6; prefix++) installer.want(prefix, A, 0);
    expect(installer.pending).toBe(6);
    expect(write(0)).toEqual(['create 1 7', 'create 2 7', 'create 3 7', 'create 4 7']);
    expect(write(0)).toEqual(['create 5 7', 'create 6 7']);
    expect(installer.pending).toBe(0);
  });

  it('keeps a verdict that changes while its predecessor is written', () => {
    installer.want(P, A, 0);
    installer.next(batch, 0);
    installer.want(P, B, 0);
    installer.settle(batch, 0);
    expect(write(0)).toEqual(['replace 5 8']);
  });

  it('counts a deletion of what is gone already as done', () => {
    installer.want(P, A, 0);
    write(0);
    installer.want(P, 0, 1);
    expect(write(1, { [P]: ESRCH })).toEqual(['delete 5 7']);
    expect([installer.failing, installer.installedHops(P)]).toEqual([0, 0]);
  });

  it('tells what became installed, once, unless it is not any more', () => {
    installer.want(1, A, 0);
    installer.want(2, A, 0);
    expect(taken()).toEqual([]);
    write(0, { 2: EINVAL });
    expect(taken()).toEqual([1]);
    expect(taken()).toEqual([]);
    write(2000);
    installer.want(2, B, 2000);
    expect(taken()).toEqual([]);
    write(2000);
    expect(taken()).toEqual([2]);
  });
});

describe('refusals', () => {
  it('are retried with growing distance and do not touch the rest', () => {
    installer.want(1, A, 0);
    installer.want(2, A, 0);
    expect(write(0, { 1: ENETUNREACH })).toHaveLength(2);
    expect(installer.isInstalled(2)).toBe(true);
    expect(installer.listFailures()).toEqual([{ prefix: 1, hops: A, errno: ENETUNREACH, since: 0, attempts: 1 }]);
    const attempts: number[] = [];
    for (let now = 0; now < 40_000; now += 50) if (write(now, { 1: ENETUNREACH }).length > 0) attempts.push(now);
    const distances = attempts.map((time, i) => time - (attempts[i - 1] ?? 0));
    expect(distances.length).toBeGreaterThan(5);
    [1000, 2000, 4000, 8000, 8000, 8000].forEach((distance, i) => {
      expect(distances[i], `attempt ${i}`).toBeGreaterThanOrEqual(distance);
      expect(distances[i], `attempt ${i}`).toBeLessThanOrEqual(distance + 250);
    });
    expect(installer.isInstalled(2)).toBe(true);
  });

  it('move apart also when the route had been removed by somebody else before', () => {
    installer.want(P, A, 0);
    write(0);
    installer.external(P, 0, 100);
    const attempts: number[] = [];
    for (let now = 100; now < 20_000; now += 50) if (write(now, { [P]: EINVAL }).length > 0) attempts.push(now);
    expect(attempts.length).toBeLessThanOrEqual(6);
  });

  it('what is tried before its time does not count, nor put off what is to come', () => {
    installer.want(P, A, 0);
    write(0, { [P]: EINVAL });
    for (let now = 50; now < 1000; now += 50) {
      installer.retry(P);
      write(now, { [P]: EINVAL });
    }
    expect(installer.listFailures()).toMatchObject([{ attempts: 1 }]);
    expect(write(1200, { [P]: EINVAL })).toHaveLength(1);
    expect(installer.listFailures()).toMatchObject([{ attempts: 2 }]);
  });

  it('are reported at the beginning, when the reason changes, and at the end', () => {
    installer.want(P, A, 0);
    write(0, { [P]: ENOMEM });
    write(1500, { [P]: ENOMEM });
    write(4000, { [P]: EINVAL });
    write(10_000);
    expect(installer.drainEvents()).toEqual([
      { type: 'refused', prefix: P, hops: A, errno: ENOMEM, at: 0 },
      { type: 'refused', prefix: P, hops: A, errno: EINVAL, at: 4000 },
      { type: 'recovered', prefix: P, hops: A, at: 10_000 },
    ]);
    expect([installer.failing, installer.counters.refused]).toEqual([0, 3]);
  });

  it('are tried at once when the verdict changes, and forgotten when it is withdrawn', () => {
    installer.want(P, A, 0);
    write(0, { [P]: EINVAL });
    installer.want(P, B, 10);
    expect(write(10, { [P]: EINVAL })).toEqual(['create 5 8']);
    installer.want(P, 0, 20);
    expect(installer.failing).toBe(0);
    expect(write(60_000)).toEqual([]);
  });

  it('give up the old route after three attempts to replace it', () => {
    installer.want(P, A, 0);
    write(0);
    installer.want(P, B, 0);
    const lines: string[] = [];
    for (let now = 0; now < 20_000; now += 100) {
      // The deletion is not refused.
      const count = installer.next(batch, now);
      for (let i = 0; i < count; i++) {
        lines.push(`${batch.op[i]}`);
        if (batch.op[i] !== OP_DELETE) batch.errors[i] = ENETUNREACH;
      }
      installer.settle(batch, now);
    }
    expect(lines.slice(0, 5)).toEqual([OP_REPLACE, OP_REPLACE, OP_REPLACE, OP_DELETE, OP_CREATE].map(String));
    expect(installer.installedHops(P)).toBe(0);
    expect(installer.listFailures()).toMatchObject([{ prefix: P, hops: B, errno: ENETUNREACH }]);
  });

  it('retry and retryAll do not wait, but retryAll not more than once per first delay', () => {
    installer.want(1, A, 0);
    installer.want(2, A, 0);
    write(0, { 1: EEXIST, 2: EINVAL });
    installer.retry(1);
    expect(write(10, { 1: EEXIST })).toEqual(['create 1 7']);
    installer.retryAll(20);
    expect(write(20, { 1: EEXIST, 2: EINVAL })).toHaveLength(2);
    installer.retryAll(30);
    expect(write(30)).toEqual([]);
    installer.retry(3);
    expect(write(31)).toEqual([]);
    expect(write(1020)).toHaveLength(2);
  });

  it('asks for an audit when a route is in the way, once per episode', () => {
    installer.want(P, A, 0);
    write(0, { [P]: EEXIST });
    expect(installer.auditWanted).toBe(true);
    installer.beginAudit();
    installer.endAudit(1);
    write(2000, { [P]: EEXIST });
    expect(installer.auditWanted).toBe(false);
  });

  it('keep the list and the log bounded', () => {
    installer = new Installer({ maxReports: 3 });
    for (let prefix = 1; prefix <= 20; prefix++) installer.want(prefix, A, 0);
    const all = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [i + 1, ENOMEM]));
    for (let i = 0; i < 5; i++) write(0, all);
    expect(installer.failing).toBe(20);
    expect(installer.listFailures()).toHaveLength(3);
    expect(installer.listFailures(100)).toHaveLength(20);
    expect(installer.drainEvents()).toHaveLength(3);
    expect(installer.eventsDropped).toBe(17);
  });
});

describe('others interfere', () => {
  beforeEach(() => {
    installer.want(P, A, 0);
    write(0);
    taken();
  });

  it('a route that was removed or changed is repaired at once', () => {
    installer.external(P, 0, 10);
    expect(installer.isInstalled(P)).toBe(false);
    expect(write(10)).toEqual(['create 5 7']);
    installer.external(P, B, 5000);
    expect(write(5000)).toEqual(['replace 5 7']);
    installer.external(P, A, 5001);
    expect(write(9000)).toEqual([]);
    expect(installer.drainEvents()).toEqual([
      { type: 'interfered', prefix: P, hops: 0, audit: false, at: 10 },
      { type: 'interfered', prefix: P, hops: B, audit: false, at: 5000 },
    ]);
  });

  it('a fight over a route goes at the pace of the retries', () => {
    let repairs = 0;
    for (let now = 0; now < 10_000; now += 10) {
      installer.external(P, 0, now);
      repairs += write(now).length;
    }
    expect(repairs).toBeGreaterThanOrEqual(8);
    expect(repairs).toBeLessThanOrEqual(11);
    write(20_000);
    expect(installer.isInstalled(P)).toBe(true);
  });

  it('a new verdict does not wait for that', () => {
    installer.external(P, 0, 10);
    write(10);
    installer.external(P, 0, 20);
    expect(write(20)).toEqual([]);
    installer.want(P, B, 30);
    expect(write(30)).toEqual(['create 5 8']);
  });

  it('a route lost with its link is written again after the first delay, or sooner when asked', () => {
    installer.lost(P, 10);
    expect(installer.isInstalled(P)).toBe(false);
    expect(write(10)).toEqual([]);
    expect(write(1300)).toEqual(['create 5 7']);
    installer.lost(P, 3000);
    installer.retryAll(3010);
    expect(write(3010)).toEqual(['create 5 7']);
    installer.lost(P, 6000);
    installer.want(P, 0, 6010);
    expect(write(9000)).toEqual([]);
  });

  it('that a route of ours appeared is not believed before a dump says so', () => {
    installer.external(9, B, 10);
    expect(installer.auditWanted).toBe(true);
    expect(installer.installedHops(9)).toBe(0);
    installer.want(9, A, 20);
    expect(write(20)).toEqual(['create 9 7']);
  });

  it('a route of ours that cannot be expressed is replaced', () => {
    installer.external(P, UNKNOWN_HOPS, 10);
    expect(write(10)).toEqual(['replace 5 7']);
  });
});

describe('audit', () => {
  beforeEach(() => {
    for (const prefix of [1, 2, 3]) installer.want(prefix, A, 0);
    write(0);
    installer.sweepStale();
  });

  it('finds what is missing, changed and superfluous', () => {
    installer.beginAudit();
    installer.auditSeen(1, A, 10);
    installer.auditSeen(2, B, 10);
    installer.auditSeen(9, B, 10);
    installer.endAudit(10);
    expect(write(10).sort()).toEqual(['create 3 7', 'delete 9 8', 'replace 2 7']);
    expect(installer.counters).toMatchObject({ audits: 1, foundByAudit: 3, interfered: 3 });
  });

  it('says nothing about what changes while the dump is read', () => {
    installer.beginAudit();
    installer.want(1, B, 5);
    installer.want(4, B, 5);
    write(5);
    installer.external(2, 0, 6);
    installer.auditSeen(1, A, 10);
    installer.auditSeen(2, A, 10);
    installer.auditSeen(3, A, 10);
    installer.endAudit(10);
    expect(installer.counters.foundByAudit).toBe(0);
    expect([1, 2, 4].map((prefix) => installer.installedHops(prefix))).toEqual([B, 0, B]);
  });

  it('means nothing when it breaks off, and starts anew when begun again', () => {
    installer.beginAudit();
    installer.abandonAudit();
    installer.endAudit(10);
    installer.auditSeen(1, B, 10);
    expect(write(10)).toEqual([]);
    installer.beginAudit();
    for (const prefix of [1, 2, 3]) installer.auditSeen(prefix, A, 11);
    installer.beginAudit();
    installer.auditSeen(1, A, 12);
    installer.endAudit(12);
    expect(write(12).sort()).toEqual(['create 2 7', 'create 3 7']);
  });

  it('recognises the route in the way as ours', () => {
    installer.want(P, A, 0);
    write(0, { [P]: EEXIST });
    installer.beginAudit();
    for (const prefix of [1, 2, 3, P]) installer.auditSeen(prefix, A, 10);
    installer.endAudit(10);
    expect(installer.isInstalled(P)).toBe(true);
    expect(installer.failing).toBe(0);
    expect(installer.drainEvents().at(-1)).toEqual({ type: 'recovered', prefix: P, hops: A, at: 10 });
    expect(write(5000)).toEqual([]);
  });
});

describe('restart', () => {
  beforeEach(() => {
    installer.found(1, A);
    installer.found(2, A);
    installer.found(3, A);
    installer.found(4, A);
  });

  it('leaves right routes alone, changes wrong ones and keeps the rest until the sweep', () => {
    installer.want(1, A, 10);
    installer.want(2, B, 10);
    expect(installer.staleCount).toBe(2);
    expect(taken()).toEqual([1]);
    expect(write(10)).toEqual(['replace 2 8']);
    expect(taken()).toEqual([2]);
    expect(installer.sweepStale()).toBe(2);
    expect(write(11)).toEqual(['delete 3 7', 'delete 4 7']);
    expect(installer.staleCount).toBe(0);
    expect(installer.sweepStale()).toBe(0);
    expect(installer.counters).toMatchObject({ found: 4, swept: 2 });
  });

  it('a route that was wanted and is withdrawn is no stale one', () => {
    installer.want(1, A, 10);
    installer.want(1, 0, 20);
    expect(write(20)).toEqual(['delete 1 7']);
    expect(installer.staleCount).toBe(3);
  });

  it('a stale route that somebody removes is not brought back', () => {
    installer.external(3, 0, 10);
    expect(write(10)).toEqual([]);
    expect(installer.staleCount).toBe(3);
  });

  it('what an audit finds before the sweep is stale, after it superfluous', () => {
    installer.beginAudit();
    for (const prefix of [1, 2, 3, 4, 6]) installer.auditSeen(prefix, A, 10);
    installer.endAudit(10);
    expect(installer.staleCount).toBe(5);
    expect(write(10)).toEqual([]);
    installer.sweepStale();
    for (let i = 0; i < 2; i++) write(10);
    installer.beginAudit();
    installer.auditSeen(6, A, 20);
    installer.endAudit(20);
    expect(write(20)).toEqual(['delete 6 7']);
  });

  it('removeAll removes everything, the stale ones too', () => {
    installer.want(1, A, 10);
    installer.want(9, A, 10);
    write(10);
    installer.removeAll(20);
    expect([...write(20), ...write(20)].sort()).toEqual([1, 2, 3, 4, 9].map((prefix) => `delete ${prefix} 7`));
  });
});

it('marks the ids that it holds', () => {
  installer.found(3, UNKNOWN_HOPS);
  installer.want(1, A, 0);
  write(0);
  installer.want(1, B, 0);
  installer.want(2, A, 0);
  write(0, { 2: EINVAL });
  installer.want(2, 0, 0);
  const prefixes = new Uint8Array(8);
  const hops = new Uint8Array(10);
  installer.markPrefixes(prefixes);
  installer.markHops(hops);
  // Prefix 2 has an appointment still.
  expect([...prefixes]).toEqual([0, 1, 1, 1, 0, 0, 0, 0]);
  expect(hops[B]).toBe(1);
  expect(hops[A]).toBe(0);
});
