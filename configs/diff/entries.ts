// A configuration as a flat list of keys and values, spelt as in the file, so that two can be compared key by key. Neighbours, replicas,
// sets and policies are named by what identifies them, not by their place. Owns the spelling; what a change means is keys.ts.
import { formatEndpoint } from '../../wire/ip.js';
import type { DelayRange, PolicyStatement, RouterConfig } from '../model.js';
import { formatDuration } from '../yaml-reader.js';

/** One key with its value. */
export interface Entry {
  /** `neighbors[10.0.0.2].hold-time`. */
  key: string;
  /** The same without names: `neighbors[].hold-time`. */
  rule: string;
  /** Where it is in the file that the configuration came from. */
  path: readonly (string | number)[];
  /** Of equal values equal, of others another. Not for people: secrets are in it. */
  value: string;
  /** For people. */
  shown: string;
}

type Value = unknown;
type Fields = Readonly<Record<string, Value>>;

/** Keys that the file spells in another way than the program does. */
const SPELLINGS: Readonly<Record<string, string>> = {
  'neighbors[].address': 'neighbor-address',
  'neighbors[].passive': 'passive-mode',
  'neighbors[].families': 'afi-safis',
  'neighbors[].ttlSecurityHops': 'ttl-security',
};
const SECRETS: ReadonlySet<string> = new Set(['neighbors[].auth-password', 'http.token']);
const DURATIONS: ReadonlySet<string> = new Set([
  'fib.audit-interval',
  'fib.stale-routes',
  'early-warning.interval',
  'record.rotate-after',
  'bmp.collectors[].statistics-interval',
]);
const FAMILIES = ['ipv4-unicast', 'ipv6-unicast'];

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Milliseconds, in keys that are not seconds or plain numbers. */
function isDuration(rule: string): boolean {
  if (/^(voting|recovery)\..*(delay|threshold|interval|replicas|after|window|for)$/.test(rule)) return true;
  return DURATIONS.has(rule);
}

const isRange = (value: Value): value is DelayRange => typeof value === 'object' && value !== null && 'from' in value;

function shownValue(rule: string, value: Value): string {
  if (SECRETS.has(rule)) return '(hidden)';
  // A value may be a secret, the name tells what it is for.
  if (rule === 'replicas[].environment') return Object.keys(value as object).join(', ') || 'nothing';
  if (rule === 'neighbors[].afi-safis') return FAMILIES.filter((_, f) => ((value as number) >>> f) & 1).join(', ');
  if (typeof value === 'number' && isDuration(rule)) return formatDuration(value);
  if (isRange(value)) return `${formatDuration(value.from)}..${formatDuration(value.to)}`;
  if (Array.isArray(value)) return value.map((item) => itemText(item)).join(', ') || 'none';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function itemText(item: Value): string {
  if (typeof item !== 'object' || item === null) return String(item);
  if (Array.isArray(item)) return item.join(':');
  const { prefix, minLength, maxLength, position, as } = item as Record<string, string | number>;
  if (position !== undefined) return position === 'any' ? `_${as}_` : position === 'first' ? `^${as}_` : `_${as}$`;
  if (prefix === undefined) return JSON.stringify(item);
  const length = Number(String(prefix).split('/')[1]);
  return minLength === length && maxLength === length ? String(prefix) : `${prefix} ${minLength}..${maxLength}`;
}

/** What a statement asks and does, in one line. */
function statementText(statement: PolicyStatement): string {
  const { matchPrefixSet, matchAsPathSet, matchCommunitySet, setLocalPref, setMed, prepend, disposition } = statement;
  const communities = (word: string, list: PolicyStatement['addCommunities']): string[] =>
    list.length === 0 ? [] : [`${word} ${list.map((community) => community.join(':')).join(' ')}`];
  const conditions = [
    ...(matchPrefixSet === undefined ? [] : [`prefix-set ${matchPrefixSet}`]),
    ...(matchAsPathSet === undefined ? [] : [`as-path-set ${matchAsPathSet}`]),
    ...(matchCommunitySet === undefined ? [] : [`community-set ${matchCommunitySet}`]),
  ];
  const actions = [
    ...(setLocalPref === undefined ? [] : [`local-pref ${setLocalPref}`]),
    ...(setMed === undefined ? [] : [`med ${setMed}`]),
    ...communities('add', statement.addCommunities),
    ...communities('remove', statement.removeCommunities),
    ...(prepend === 0 ? [] : [`prepend ${prepend}`]),
    ...(disposition === undefined ? [] : [disposition]),
  ];
  return `${conditions.length === 0 ? 'always' : `if ${conditions.join(' and ')}`}: ${actions.join(', ') || 'nothing'}`;
}

class Flattener {
  readonly entries: Entry[] = [];
  private readonly config: RouterConfig;

  constructor(config: RouterConfig) {
    this.config = config;
  }

  /** A mapping whose keys are those of the file. */
  section(name: string, fields: Fields, at: { rule: string; path: readonly (string | number)[] }): void {
    for (const [property, value] of Object.entries(fields)) {
      if (value === undefined) continue;
      const spelt = SPELLINGS[`${at.rule}.${property}`] ?? kebab(property);
      const rule = `${at.rule}.${spelt}`;
      const path = [...at.path, spelt];
      if (rule === 'replicas[].diversity') this.section(`${name}.diversity`, value as Fields, { rule, path });
      else this.add({ key: `${name}.${spelt}`, rule, path }, value);
    }
  }

  top(name: string, fields: object): void {
    this.section(name, fields as Fields, { rule: name, path: [name] });
  }

  add(at: Pick<Entry, 'key' | 'rule' | 'path'>, value: Value, shown = shownValue(at.rule, value)): void {
    this.entries.push({ ...at, value: JSON.stringify(value), shown });
  }

  neighbors(): void {
    this.config.neighbors.forEach((neighbor, n) => {
      const { removed, ...fields } = neighbor;
      if (removed === true) return;
      const key = `neighbors[${neighbor.address}]`;
      this.add({ key, rule: 'neighbors', path: ['neighbors', n] }, neighbor.address, `AS ${neighbor.peerAs}`);
      this.section(key, fields, { rule: 'neighbors[]', path: ['neighbors', n] });
    });
  }

  collectors(): void {
    this.config.bmp.collectors.forEach((collector, c) => {
      const { address, port, ...fields } = collector;
      const name = formatEndpoint(address, port);
      const [key, path] = [`bmp.collectors[${name}]`, ['bmp', 'collectors', c]];
      this.add({ key, rule: 'bmp.collectors', path }, name, collector.views.join(', '));
      this.section(key, fields, { rule: 'bmp.collectors[]', path });
    });
  }

  voting(): void {
    const { preferred, ...voting } = this.config.voting;
    this.top('voting', voting);
    if (preferred === undefined) return;
    const rule = 'voting.no-majority';
    const { name } = this.config.replicas[preferred];
    this.add({ key: rule, rule, path: ['voting', 'no-majority'] }, name, `prefer ${name}`);
  }

  replicas(): void {
    const { replicas } = this.config;
    const names = replicas.map(({ name }) => name);
    this.add({ key: 'replicas', rule: 'replicas', path: ['replicas'] }, names);
    replicas.forEach((replica, r) => {
      this.section(`replicas[${replica.name}]`, replica as unknown as Fields, {
        rule: 'replicas[]',
        path: ['replicas', r],
      });
    });
  }

  policy(): void {
    const { prefixSets, asPathSets, communitySets, definitions } = this.config.policy;
    for (const [kind, sets] of Object.entries({ prefixSets, asPathSets, communitySets })) {
      const rule = `defined-sets.${kebab(kind)}`;
      for (const set of sets) {
        const members: Value = 'ranges' in set ? set.ranges : set.members;
        this.add({ key: `${rule}[${set.name}]`, rule, path: ['defined-sets', kebab(kind), set.name] }, members);
      }
    }
    const rule = 'policy-definitions';
    definitions.forEach(({ name, statements }, d) => {
      const key = `${rule}[${name}]`;
      const path = [rule, d, 'statements'];
      const names = statements.map((statement) => statement.name);
      this.add({ key: `${key}.statements`, rule, path }, names);
      statements.forEach((statement, s) => {
        const at = { key: `${key}.statements[${statement.name}]`, rule, path: [...path, s] };
        this.add(at, statement, statementText(statement));
      });
    });
  }
}

/** All keys of a configuration in the order of docs/configuration.md. */
export function entriesOf(config: RouterConfig): Entry[] {
  const flat = new Flattener(config);
  flat.top('router', config.router);
  flat.neighbors();
  flat.policy();
  flat.top('defaults', config.acceptance);
  flat.replicas();
  flat.voting();
  flat.top('recovery', config.recovery);
  flat.top('quarantine', config.quarantine);
  flat.top('early-warning', config.earlyWarning);
  flat.top('fib', config.fib);
  flat.top('internal', config.internal);
  flat.top('limits', config.limits);
  flat.top('logging', config.logging);
  flat.top('vote-log', config.voteLog);
  flat.top('record', config.record);
  flat.top('http', config.http);
  flat.collectors();
  return flat.entries;
}
