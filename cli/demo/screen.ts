// What the demo shows while it runs: events as lines that stay, and below them a block that is drawn in place on a terminal.
// Without a terminal the block becomes one plain line now and then. Knows how to draw, not what happens.
import type { Writable } from 'node:stream';
import type { FibStatus } from '../../hypervisor/fib/status.js';
import type { RouterStatus } from '../../hypervisor/status.js';
import { safeText } from '../output/safe-text.js';
import { count, duration } from '../output/table.js';
import { cut } from '../output/width.js';
import type { DemoNeighbor } from './topology.js';

export interface ScreenOptions {
  out: Writable;
  /** Draw in place. */
  terminal: boolean;
  columns: number;
}

/** Between two plain lines, ms. */
const PLAIN_INTERVAL_MS = 1000;
const BAR_CELLS = 30;

export class Screen {
  readonly #options: ScreenOptions;
  readonly #started = performance.now();
  #drawnLines = 0;
  #lastPlainMs = -Infinity;
  #lastPlain = '';

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  /** A line that stays. */
  event(text: string): void {
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(1).padStart(6);
    this.#erase();
    this.#options.out.write(`${seconds} s  ${safeText(text)}\n`);
  }

  /** The state now; replaces the block drawn before. */
  draw(status: RouterStatus, neighbors: readonly DemoNeighbor[], expected: number | undefined): void {
    if (this.#options.terminal) {
      const lines = block(status, neighbors, expected).map((line) => cut(safeText(line), this.#options.columns - 1));
      this.#erase();
      this.#options.out.write(`${lines.join('\n')}\n`);
      this.#drawnLines = lines.length;
      return;
    }
    const line = plainLine(status, neighbors);
    if (performance.now() - this.#lastPlainMs < PLAIN_INTERVAL_MS || line === this.#lastPlain) return;
    this.#lastPlainMs = performance.now();
    this.#lastPlain = line;
    this.event(line);
  }

  /** Leaves what is drawn where it is; the next drawing starts below it. */
  finish(): void {
    this.#drawnLines = 0;
  }

  #erase(): void {
    if (this.#drawnLines > 0) this.#options.out.write(`\x1b[${this.#drawnLines}A\x1b[J`);
    this.#drawnLines = 0;
  }
}

/** The block: what arrives, who votes, what is agreed, what goes out. */
export function block(
  status: RouterStatus,
  neighbors: readonly DemoNeighbor[],
  expected: number | undefined,
): string[] {
  const session = (neighbor: DemoNeighbor) => status.neighbors.find(({ address }) => address === neighbor.address);
  const line = (title: string, neighbor: DemoNeighbor, prefixes: number) => {
    const { state = 'Idle', uptime = 0, flaps = 0 } = session(neighbor) ?? {};
    const up = state === 'Established' ? `session up ${duration(uptime)}, ${flaps} flaps` : state;
    return `  ${title.padEnd(9)} ${neighbor.role.padEnd(10)} ${count(prefixes).padStart(9)} ${bar(prefixes, expected)} ${up}`;
  };
  const customer = neighbors.at(-1)!;
  const { total, unanimous, contested } = status.ballots;
  return [
    '',
    ...neighbors
      .slice(0, -1)
      .map((neighbor, index) => line(index === 0 ? 'arrives' : '', neighbor, session(neighbor)?.prefixesIn ?? 0)),
    ...status.replicas.map((replica, index) => {
      const votes = `${count(replica.votes)} votes`.padStart(16);
      const restarts = replica.restarts > 0 ? `, restarted ${replica.restarts}×` : '';
      const pid = replica.pid === null ? '' : `, pid ${replica.pid}`;
      const name = `${replica.kind} ${replica.version}`.padEnd(20);
      return `  ${(index === 0 ? 'votes' : '').padEnd(9)} ${name} ${votes}   ${replica.state}${pid}${restarts}`;
    }),
    `  ${'agreed'.padEnd(9)} ${count(unanimous)} of ${count(total)} ballots unanimous (${share(unanimous, total)}), ${count(contested)} contested`,
    ...(status.fib ? [kernelLine(status.fib, expected)] : []),
    line('goes out', customer, session(customer)?.prefixesOut ?? 0),
  ];
}

function kernelLine({ installed, pending, failing }: FibStatus, expected: number | undefined): string {
  const refused = failing > 0 ? `, ${count(failing)} refused` : '';
  const waiting = pending > 0 ? `${count(pending)} to be written${refused}` : `all written${refused}`;
  return `  ${'installed'.padEnd(9)} ${'kernel'.padEnd(10)} ${count(installed).padStart(9)} ${bar(installed, expected)} ${waiting}`;
}

function plainLine(status: RouterStatus, neighbors: readonly DemoNeighbor[]): string {
  const of = (neighbor: DemoNeighbor) => status.neighbors.find(({ address }) => address === neighbor.address);
  const arrives = neighbors.slice(0, -1).map((neighbor) => count(of(neighbor)?.prefixesIn ?? 0));
  const replicas = status.replicas.map(({ name, state }) => `${name} ${state}`).join(', ');
  const { total, unanimous } = status.ballots;
  const out = count(of(neighbors.at(-1)!)?.prefixesOut ?? 0);
  const kernel = status.fib ? `; kernel ${count(status.fib.installed)}` : '';
  return `in ${arrives.join(' + ')}; ${replicas}; unanimous ${share(unanimous, total)}${kernel}; out ${out}`;
}

function bar(value: number, expected: number | undefined): string {
  if (expected === undefined) return '';
  const filled = Math.min(BAR_CELLS, Math.round((BAR_CELLS * value) / Math.max(1, expected)));
  return '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled);
}

/** Rounded down: 100 % is said only when it is all. */
export function share(part: number, whole: number): string {
  return whole === 0 ? '–' : `${(Math.floor((100_000 * part) / whole) / 1000).toFixed(3)} %`;
}
