// What came out when the known-bug inputs were played, kept in results.json for docs/known-bugs.md. Owns the file; the suite writes it when
// it is asked to (BTR_BUGS_UPDATE=1), table.ts makes the page.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Delivery, VotingStrategy } from '../../configs/model.js';
import type { Trigger } from './corpus.js';
import type { Outcome } from './scenario.js';

const FILE = path.join(import.meta.dirname, 'results.json');

export const DAEMONS = ['frr-8.4.4', 'bird-2.0.12', 'openbgpd-7.7'] as const;
export type Daemon = (typeof DAEMONS)[number];

/** What the corpus says of each daemon alone. */
export interface Alone {
  outcome: string | null;
  wrong: boolean;
}

export interface TriggerResults {
  id: string;
  title: string;
  category: string;
  profile: string;
  correct: string;
  alone: Record<Daemon, Alone>;
  /** By `STRATEGY/DELIVERY`. */
  runs: Record<string, Outcome>;
}

export const runKey = (strategy: VotingStrategy, deliver: Delivery): string => `${strategy}/${deliver}`;

export function readResults(): TriggerResults[] {
  return existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as TriggerResults[]) : [];
}

/** Longest path that is kept as it is, characters. */
const PATH_LENGTH = 60;

/** Puts one outcome in place of an earlier one. */
export function recordOutcome(trigger: Trigger, key: string, outcome: Outcome): void {
  const results = readResults();
  const earlier = results.find(({ id }) => id === trigger.id);
  const entry: TriggerResults = {
    id: trigger.id,
    title: trigger.title,
    category: trigger.category,
    profile: trigger.config_profile,
    correct: trigger.correct_behaviour,
    alone: Object.fromEntries(DAEMONS.map((daemon) => [daemon, aloneOf(trigger, daemon)])) as Record<Daemon, Alone>,
    runs: { ...earlier?.runs, [key]: { ...outcome, routes: shortened(outcome.routes) } },
  };
  const all = [...results.filter(({ id }) => id !== trigger.id), entry].sort((a, b) => (a.id < b.id ? -1 : 1));
  writeFileSync(FILE, `${JSON.stringify(all, null, 2)}\n`);
}

function shortened(routes: Outcome['routes']): Outcome['routes'] {
  const cut = (text: string): string => (text.length > PATH_LENGTH ? `${text.slice(0, PATH_LENGTH)} …` : text);
  return Object.fromEntries(Object.entries(routes).map(([prefix, text]) => [prefix, text && cut(text)]));
}

function aloneOf(trigger: Trigger, daemon: Daemon): Alone {
  const wrong = [...(trigger.misbehaving ?? []), ...(trigger.differing_from_reference ?? [])].includes(daemon);
  return { outcome: trigger.expected_outcome_by_daemon[daemon] ?? null, wrong };
}
