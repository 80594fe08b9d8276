// The real routing table of a namespace as tests look at it, through `ip` and not through our own code: what stands in it, how much,
// and every change made to it meanwhile. Knows nothing of the router.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Lab } from '../../cli/lab/lab.js';
import type { LabProcess } from '../../cli/lab/process.js';
import { waitFor } from '../../cli/lab/wait.js';

const execute = promisify(execFile);
const OUTPUT_BYTES = 1 << 30;

/** rtm_protocol and metric of the router's own routes. */
export const OWN_PROTOCOL = 179;
export const OWN_METRIC = 179;

/** Routes by prefix: `via 10.0.1.2 dev r1`, several joined by `; `, or `blackhole` and the like. */
export type KernelRoutes = Map<string, string>;

export interface RouteLine {
  prefix: string;
  hops: string;
  protocol: number | undefined;
  metric: number | undefined;
  table: number | undefined;
}

/** rtm_type. */
const TYPES: Record<string, string> = { 6: 'blackhole', 7: 'unreachable', 8: 'prohibit' };
/** Local, broadcast, multicast. */
const NOT_FORWARDED = ['2', '3', '5'];

/** One route as `ip -N -o route` prints it; undefined for lines that are none, or none that is forwarded by. */
export function parseRouteLine(line: string): RouteLine | undefined {
  const [head = '', ...rest] = line.split(/\\?\s*nexthop /);
  const [, type, destination] = /^(?:(\d+) )?(default|[0-9a-f.:]+(?:\/\d+)?)(?= |$)/.exec(head) ?? [];
  if (destination === undefined || NOT_FORWARDED.includes(type ?? '')) return undefined;
  const number = (word: string): number | undefined => {
    const found = new RegExp(`\\b${word} (\\d+)`).exec(head)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const hops = (rest.length > 0 ? rest : [head]).map((text) => {
    const [, via] = /\bvia (?:inet6 )?(\S+)/.exec(text) ?? [];
    const [, device] = /\bdev (\S+)/.exec(text) ?? [];
    return [via && `via ${via}`, device && `dev ${device}`].filter(Boolean).join(' ');
  });
  return {
    prefix: wholePrefix(destination, line),
    hops: (type !== undefined && TYPES[type]) || hops.sort().join('; '),
    ...{ protocol: number('proto'), metric: number('metric'), table: number('table') },
  };
}

/** `ip` leaves the length of host routes out, and calls 0/0 "default". */
function wholePrefix(text: string, line: string): string {
  if (text === 'default') return / via [0-9a-f]*:/.test(line) || line.includes(' pref ') ? '::/0' : '0.0.0.0/0';
  if (text.includes('/')) return text;
  return `${text}/${text.includes(':') ? 128 : 32}`;
}

async function show(namespace: string, family: '-4' | '-6', selector: readonly string[]): Promise<string> {
  const args = ['-n', namespace, '-N', '-o', family, 'route', 'show', ...selector];
  const { stdout } = await execute('ip', args, { maxBuffer: OUTPUT_BYTES });
  return stdout;
}

/** Routes of both families; `selector` as of `ip route show`, the router's own ones unless given. `namespace`: full name. */
export async function kernelRoutes(
  namespace: string,
  selector: readonly string[] = ['proto', String(OWN_PROTOCOL)],
): Promise<KernelRoutes> {
  const routes: KernelRoutes = new Map();
  for (const family of ['-4', '-6'] as const) {
    for (const line of (await show(namespace, family, selector)).split('\n')) {
      const route = parseRouteLine(line);
      if (route) routes.set(route.prefix, route.hops);
    }
  }
  return routes;
}

/** Where two tables differ: the first few, as text. Empty: nowhere. */
export function routeDifferences(actual: KernelRoutes, expected: KernelRoutes, limit = 10): string[] {
  const found: string[] = [];
  for (const [prefix, hops] of expected) {
    const held = actual.get(prefix);
    if (held !== hops) found.push(`${prefix}: ${held ?? 'missing'}, should be ${hops}`);
    if (found.length === limit) return found;
  }
  for (const [prefix, hops] of actual) {
    if (!expected.has(prefix)) found.push(`${prefix}: ${hops}, should not be there`);
    if (found.length === limit) return found;
  }
  return found;
}

export interface RouteEvent extends RouteLine {
  deleted: boolean;
  line: string;
}

/** A route that nobody forwards by, in a table that nobody looks at: tells where in the log of events we are. */
const MARKER = { prefix: '203.0.113.113/32', table: '7777' };

/** Every change of a namespace's routes from its start on, by `ip monitor`. Not for tables of more than some ten thousand routes. */
export class RouteWatch {
  private readonly process: LabProcess;
  private readonly namespace: string;

  private constructor(child: LabProcess, namespace: string) {
    this.process = child;
    this.namespace = namespace;
  }

  /** `namespace`: the lab's short name. */
  static async start(lab: Lab, namespace: string): Promise<RouteWatch> {
    const argv = ['ip', '-N', '-o', '-rcvbuf', String(64 << 20), 'monitor', 'route'];
    const child = await lab.spawn(namespace, argv, { name: 'route-watch' });
    const watch = new RouteWatch(child, lab.namespace(namespace));
    await watch.events();
    return watch;
  }

  /** What has happened so far. Throws when some of it was missed. */
  async events(): Promise<RouteEvent[]> {
    const before = this.markers();
    await waitFor(
      async () => {
        const route = [MARKER.prefix, 'dev', 'lo', 'table', MARKER.table];
        await execute('ip', ['-n', this.namespace, 'route', 'replace', ...route]);
        await execute('ip', ['-n', this.namespace, 'route', 'del', ...route]);
        return this.markers() > before;
      },
      { what: 'the route monitor is up to date', deadlineMs: 20_000 },
    );
    const text = this.text();
    if (/receive error|buffer space|overrun/i.test(text))
      throw new Error(`ip monitor missed events: ${text.slice(-300)}`);
    return text.split('\n').flatMap((line) => parseEvent(line) ?? []);
  }

  /** Changes of the router's own routes since the `from`-th event. */
  async own(from = 0): Promise<RouteEvent[]> {
    return (await this.events()).slice(from).filter(({ protocol }) => protocol === OWN_PROTOCOL);
  }

  async stop(): Promise<void> {
    await this.process.stop(1000);
  }

  private markers(): number {
    return this.text()
      .split('\n')
      .filter((line) => line.includes(` table ${MARKER.table} `)).length;
  }

  private text(): string {
    return readFileSync(this.process.logFile, 'utf8');
  }
}

function parseEvent(line: string): RouteEvent | undefined {
  const deleted = line.startsWith('Deleted ');
  const route = parseRouteLine(deleted ? line.slice('Deleted '.length) : line);
  if (route === undefined || route.table === Number(MARKER.table)) return undefined;
  return { ...route, deleted, line };
}
