// `btr demo --liar`: one replica, nobody says which, begins to lie about some prefixes and does not stop when it is restarted. Owns what is
// drawn by lot and the words around it; finding it out is the user's, with what the router offers (docs/find-the-liar.md).
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DemoNetwork } from './network.js';
import { REPLICAS } from './topology.js';
import { parseBirdRoutes } from './verify.js';

export interface SecretLie {
  replica: string;
  kind: string;
  prefixes: string[];
  /** ISO 8601. */
  since: string;
}

export const QUESTION = `One of the replicas is about to lie to the voters, and will not stop when it is restarted. Find out, with the dashboard or from another
terminal: which one, about which prefixes, how, and since when. Ctrl-C ends the demo and tells.`;

/** What it does, and in the words of the solution. */
const LIES: Readonly<Record<string, string>> = {
  'wrong-attribute': 'tells another MED',
  'wrong-nexthop': 'names another next hop',
  drop: 'says that it has no route',
};
/** So few that a replica is left alone with them in the end (`recovery.few-prefixes`), and so many that a list is worth making. */
const PREFIXES = { from: 12, to: 48 };
/** It does not begin the moment the question is asked: when it did is part of the question. Ms. */
const DELAY = { from: 3000, to: 12_000 };

/** Begins the lie, and tells what it is. */
export async function lieInSecret(network: DemoNetwork): Promise<SecretLie> {
  const held = [...parseBirdRoutes(await network.customer!.query('show', 'route', 'all')).keys()];
  const prefixes = drawn(held, randomInt(PREFIXES.from, PREFIXES.to)).sort();
  const kinds = Object.keys(LIES);
  const kind = kinds[randomInt(kinds.length)]!;
  const replica = REPLICAS[randomInt(REPLICAS.length)]!;
  await sleep(randomInt(DELAY.from, DELAY.to));
  const since = new Date().toISOString();
  await network.inject({ replica, kind, prefixes, sticky: true });
  return { replica, kind, prefixes, since };
}

export function solution({ replica, kind, prefixes, since }: SecretLie): string {
  const when = since.replace('T', ' ').replace('Z', '');
  return [
    `It was ${replica}. Since ${when} UTC it ${LIES[kind]} for ${prefixes.length} prefixes (${kind}):`,
    ...prefixes.map((prefix) => `  ${prefix}`),
  ].join('\n');
}

/** So many of them, each at most once. */
function drawn(from: readonly string[], number: number): string[] {
  const left = [...from];
  return Array.from({ length: Math.min(number, left.length) }, () => left.splice(randomInt(left.length), 1)[0]!);
}
