// Compares the tables that several routers gave to a customer: who says what on each prefix, and what the majority of them says. Independent of
// the voter: it never saw a vote. Owns no processes; trace-lab.ts brings the tables.
import { diffAttributes } from '../../wire/bgp/describe.js';
import type { Routes } from './trace-lab.js';

const ABSENT = '';

/** One prefix on which `name` differs from what was expected. Empty attributes: no route. */
export interface Difference {
  prefix: string;
  expected: string;
  found: string;
}

/** Where `found` differs from `expected`, prefix by prefix. */
export function differences(expected: Routes, found: Routes): Difference[] {
  const list: Difference[] = [];
  for (const [prefix, attributes] of expected) {
    const own = found.get(prefix) ?? ABSENT;
    if (own !== attributes) list.push({ prefix, expected: attributes, found: own });
  }
  for (const [prefix, attributes] of found) {
    if (!expected.has(prefix)) list.push({ prefix, expected: ABSENT, found: attributes });
  }
  return list;
}

/** What more than half of the tables say. `undecided`: prefixes without a majority, left out of the routes. */
export function majorityOf(tables: readonly Routes[]): { routes: Routes; unanimous: number; undecided: string[] } {
  const prefixes = new Set(tables.flatMap((table) => [...table.keys()]));
  const routes: Routes = new Map();
  const undecided: string[] = [];
  let unanimous = 0;
  for (const prefix of prefixes) {
    const said = tables.map((table) => table.get(prefix) ?? ABSENT);
    const winner = said.find((text) => said.filter((other) => other === text).length * 2 > said.length);
    if (winner === undefined) undecided.push(prefix);
    else if (winner !== ABSENT) routes.set(prefix, winner);
    if (said.every((text) => text === said[0])) unanimous++;
  }
  return { routes, unanimous, undecided };
}

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

/** "10.0.0.0/8: AS_PATH: expected …, found …" */
export function explain({ prefix, expected, found }: Difference): string {
  if (expected === ABSENT) return `${prefix}: not expected`;
  if (found === ABSENT) return `${prefix}: missing`;
  const lines = diffAttributes(bytes(expected), bytes(found)).map(
    ({ attribute, left, right }) => `${attribute}: expected ${left ?? 'none'}, found ${right ?? 'none'}`,
  );
  return `${prefix}: ${lines.join('; ')}`;
}
