// Tests against the real routing table: the test process moves into a network namespace of its own, with two links that lead nowhere
// but are up. Owns that network and asking `ip` about it. The namespace has no name and ends with the process.
import { execFileSync } from 'node:child_process';
import { labProblem } from '../../cli/lab/lab.js';
import { createRouteBatch } from '../../fib/route-batch.js';
import type { RouteBatch } from '../../fib/route-batch.js';
import { CLONE_NEWNET, unshare } from '../../preload/native.js';
import { AttributeTable } from '../../wire/attribute-table.js';
import { parseAddress } from '../../wire/ip.js';
import { HOP_ONLINK } from '../../wire/netlink/next-hop-set.js';
import { PrefixTable } from '../../wire/prefix-table.js';

export const kernelNamespaceProblem = labProblem;

export interface IpRoute {
  type?: string;
  dst: string;
  gateway?: string;
  via?: { family: string; host: string };
  dev?: string;
  protocol: string;
  metric?: number;
  flags: string[];
  nexthops?: { gateway?: string; dev: string; weight: number }[];
}

/** Runs `ip` in the namespace of this process. */
export function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 });
}

/** Links t0 (10.0.0.1/24, fd00::1/64) and t1 (10.0.1.1/24, fd00:1::1/64). Call it once per test file, before any socket is opened. */
export function enterKernelNamespace(): { t0: number; t1: number } {
  unshare(CLONE_NEWNET);
  ip('link', 'set', 'lo', 'up');
  for (const n of [0, 1]) {
    ip('link', 'add', `t${n}`, 'type', 'veth', 'peer', 'name', `far${n}`);
    ip('address', 'add', `10.0.${n}.1/24`, 'dev', `t${n}`);
    ip('address', 'add', n === 0 ? 'fd00::1/64' : 'fd00:1::1/64', 'dev', `t${n}`, 'nodad');
    ip('link', 'set', `t${n}`, 'up');
    ip('link', 'set', `far${n}`, 'up');
  }
  return { t0: linkIndex('t0'), t1: linkIndex('t1') };
}

export function linkIndex(name: string): number {
  return (JSON.parse(ip('-j', 'link', 'show', name)) as { ifindex: number }[])[0]!.ifindex;
}

/** The routes of a protocol in a table, as `ip` sees them. */
export function routes(family: 4 | 6, protocol: number | string, table = 'main'): IpRoute[] {
  const text = ip(`-${family}`, '-j', 'route', 'show', 'table', table, 'proto', String(protocol));
  return text.trim() === '' ? [] : (JSON.parse(text) as IpRoute[]);
}

/** One hop of a next-hop set. */
export interface TestHop {
  gateway?: string;
  ifindex: number;
  weight?: number;
  onlink?: boolean;
}

/** A prefix table, a next-hop table and a batch, with short words to fill them. */
export class KernelTables {
  readonly prefixes = new PrefixTable();
  readonly hops = new AttributeTable();

  prefix(text: string): number {
    return this.prefixes.parse(text);
  }

  /** The id of a next-hop set; hops must be given in canonical order. */
  set(type: number, ...hops: TestHop[]): number {
    const bytes = [type, hops.length];
    for (const { gateway, ifindex, weight = 1, onlink = false } of hops) {
      const address = gateway === undefined ? new Uint8Array(0) : parseAddress(gateway)!;
      bytes.push(ifindex >>> 24, (ifindex >>> 16) & 255, (ifindex >>> 8) & 255, ifindex & 255);
      bytes.push(weight >>> 8, weight & 255, onlink ? HOP_ONLINK : 0, address.length, ...address);
    }
    return this.hops.intern(Uint8Array.from(bytes), 0, bytes.length);
  }

  batch(...ops: [op: number, prefix: string, hops?: number][]): RouteBatch {
    const batch = createRouteBatch(ops.length);
    for (const [op, prefix, hops = 0] of ops) {
      batch.op[batch.count] = op;
      batch.prefix[batch.count] = this.prefix(prefix);
      batch.hops[batch.count] = hops;
      batch.errors[batch.count++] = -1;
    }
    return batch;
  }
}
