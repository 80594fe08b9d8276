// The sections defined-sets: and policy-definitions: of the configuration file: only what FRR, BIRD and OpenBGPD can
// all express with the same meaning. docs/configuration.md says what is left out and why.
import type {
  AsPathPosition,
  AsPathSet,
  CommunityPattern,
  CommunitySet,
  PolicyConfig,
  PolicyDefinition,
  PolicyStatement,
  PrefixRange,
  PrefixSet,
} from '../model.js';
import { didYouMean } from '../diagnostics.js';
import { community, name, parsedPrefix } from '../parsers.js';
import { isExpected } from '../yaml-reader.js';
import type { Item, MapReader, Parse } from '../yaml-reader.js';
import { defined, optionalInteger } from './fields.js';
import { isMap } from 'yaml';

const MAX_PREPEND = 10;

export function readPolicy(root: MapReader): PolicyConfig {
  const sets = root.map('defined-sets');
  const prefixSets = readSets(sets, 'prefix-sets', readPrefixSet);
  const asPathSets = readSets(sets, 'as-path-sets', readAsPathSet);
  const communitySets = readSets(sets, 'community-sets', readCommunitySet);
  sets.finish();
  const policy: PolicyConfig = { prefixSets, asPathSets, communitySets, definitions: [] };
  const seen = new Set<string>();
  for (const reader of root.maps('policy-definitions')) {
    const definition = readDefinition(reader, policy);
    if (seen.has(definition.name)) reader.error('name', `there is already a policy definition "${definition.name}"`);
    if (definition.name !== '') seen.add(definition.name);
    policy.definitions.push(definition);
  }
  return policy;
}

/** A mapping from set name to members. */
function readSets<T>(sets: MapReader, key: string, read: (name: string, items: Item[], reader: MapReader) => T): T[] {
  const reader = sets.map(key);
  return reader.keys().map((setName) => {
    const legal = name(setName);
    if (isExpected(legal)) reader.error(setName, `expected ${legal.expected} as the set's name`);
    const items = reader.list(setName);
    if (items.length === 0) reader.error(setName, 'expected at least one member');
    return read(setName, items, reader);
  });
}

function readPrefixSet(setName: string, items: Item[], reader: MapReader): PrefixSet {
  const ranges: PrefixRange[] = [];
  for (const item of items) {
    const range = isMap(item.node) ? readPrefixMapping(reader.entry(item)) : reader.parseItem(item, exactPrefix);
    if (range !== undefined) ranges.push(range);
  }
  return { name: setName, ranges };
}

const exactPrefix: Parse<PrefixRange> = (text) => {
  const parsed = parsedPrefix(text);
  if (isExpected(parsed)) return parsed;
  return { family: parsed.family, prefix: parsed.text, minLength: parsed.length, maxLength: parsed.length };
};

/** `{ ip-prefix: 10.0.0.0/8, masklength-range: 8..24 }` */
function readPrefixMapping(reader: MapReader): PrefixRange | undefined {
  const range = reader.text('ip-prefix', exactPrefix, 'a prefix');
  const longest = range?.family === 1 ? 128 : 32;
  const from = range?.minLength ?? 0;
  const lengths = reader.text('masklength-range', (text): [number, number] | { expected: string } => {
    const match = /^(\d{1,3})\.\.(\d{1,3})$/.exec(text);
    const [low, high] = match === null ? [-1, -1] : [Number(match[1]), Number(match[2])];
    const legal = low >= from && low <= high && high <= longest;
    return legal ? [low, high] : { expected: `two mask lengths within ${from}..${longest}, as ${from}..${longest}` };
  });
  reader.finish();
  if (range === undefined || lengths === undefined) return range;
  return { ...range, minLength: lengths[0], maxLength: lengths[1] };
}

const POSITIONS: [RegExp, AsPathPosition][] = [
  [/^\^(\d{1,10})_$/, 'first'],
  [/^_(\d{1,10})_$/, 'any'],
  [/^_(\d{1,10})\$$/, 'origin'],
];

function readAsPathSet(setName: string, items: Item[], reader: MapReader): AsPathSet {
  const members: AsPathSet['members'] = [];
  for (const item of items) {
    const member = reader.parseItem(item, (text): AsPathSet['members'][number] | { expected: string } => {
      for (const [pattern, position] of POSITIONS) {
        const as = Number(pattern.exec(text)?.[1] ?? 0);
        if (as >= 1 && as <= 4294967295) return { position, as };
      }
      return { expected: '^65001_ (first AS of the path), _65001_ (anywhere) or _65001$ (origin AS)' };
    });
    if (member !== undefined) members.push(member);
  }
  return { name: setName, members };
}

function readCommunitySet(setName: string, items: Item[], reader: MapReader): CommunitySet {
  const members: CommunityPattern[] = [];
  for (const item of items) {
    const member = reader.parseItem(item, community(true));
    if (member === undefined) continue;
    if (members.length > 0 && member.length !== members[0].length) {
      const message = 'expected communities of one size in a set: large ones (three numbers) need a set of their own';
      reader.source.report(item, message);
    } else members.push(member);
  }
  return { name: setName, large: members[0]?.length === 3, members };
}

function readDefinition(reader: MapReader, policy: PolicyConfig): PolicyDefinition {
  const definition: PolicyDefinition = { name: reader.text('name', name, 'a name') ?? '', statements: [] };
  const statements = reader.maps('statements');
  if (statements.length === 0) reader.error('statements', 'expected a list of at least one statement');
  definition.statements = statements.map((statement, i) => readStatement(statement, policy, i));
  reader.finish();
  return definition;
}

function readStatement(reader: MapReader, policy: PolicyConfig, index: number): PolicyStatement {
  const label = reader.text('name', name) ?? `statement-${index + 1}`;
  const conditions = reader.map('conditions');
  const matches = {
    matchPrefixSet: setName(conditions, 'match-prefix-set', policy.prefixSets),
    matchAsPathSet: setName(conditions, 'match-as-path-set', policy.asPathSets),
    matchCommunitySet: setName(conditions, 'match-community-set', policy.communitySets),
  };
  conditions.finish();
  const actions = reader.map('actions');
  if (!reader.has('actions')) reader.error('actions', 'is missing: expected a mapping of what to do');
  const u32 = { min: 0, max: 4294967295 };
  const optional = (key: string): number | undefined => optionalInteger(actions, key, u32);
  const disposition = actions.has('route-disposition')
    ? actions.oneOf('route-disposition', ['accept-route', 'reject-route'])
    : skip(actions, 'route-disposition');
  const statement: PolicyStatement = {
    name: label,
    ...defined(matches),
    ...defined({ setLocalPref: optional('set-local-pref'), setMed: optional('set-med') }),
    ...readSetCommunity(actions),
    prepend: actions.integer('set-as-path-prepend', { min: 0, max: MAX_PREPEND }, 0),
    ...(disposition === undefined ? {} : { disposition: disposition === 'accept-route' ? 'accept' : 'reject' }),
  };
  actions.finish();
  reader.finish();
  checkStatement(actions, statement);
  return statement;
}

/** Marks a key as known without reading it. */
function skip(reader: MapReader, key: string): undefined {
  reader.get(key);
  return undefined;
}

function setName(reader: MapReader, key: string, sets: readonly { name: string }[]): string | undefined {
  const names = sets.map((set) => set.name);
  return reader.text(key, (text) =>
    names.includes(text) ? text : { expected: `the name of a set in defined-sets${didYouMean(text, names)}` },
  );
}

function readSetCommunity(actions: MapReader): {
  addCommunities: CommunityPattern[];
  removeCommunities: CommunityPattern[];
} {
  const reader = actions.map('set-community');
  const read = (key: string, wildcards: boolean): CommunityPattern[] =>
    reader
      .list(key)
      .map((item) => reader.parseItem(item, community(wildcards)))
      .filter((value) => value !== undefined);
  const result = { addCommunities: read('add', false), removeCommunities: read('remove', true) };
  reader.finish();
  return result;
}

/** True when a community can match both. */
function overlap(a: CommunityPattern, b: CommunityPattern): boolean {
  return a.length === b.length && a.every((part, i) => part === '*' || b[i] === '*' || part === b[i]);
}

function checkStatement(actions: MapReader, statement: PolicyStatement): void {
  const { addCommunities, removeCommunities, disposition } = statement;
  // The daemons apply additions and removals of one rule in different orders.
  const clash = addCommunities.find((added) => removeCommunities.some((removed) => overlap(added, removed)));
  if (clash !== undefined) {
    actions.error('set-community', `adds and removes ${clash.join(':')} in one statement: expected two statements`);
  }
  // One statement can become several rules, and two that match must not both prepend.
  if (statement.prepend > 0 && disposition !== 'accept') {
    actions.error('set-as-path-prepend', 'expected route-disposition: accept-route in a statement that prepends');
  }
  const sets = statement.setLocalPref !== undefined || statement.setMed !== undefined;
  const changes = sets || addCommunities.length > 0 || removeCommunities.length > 0 || statement.prepend > 0;
  if (disposition === 'reject' && changes) {
    actions.error(
      'route-disposition',
      'reject-route together with changes to the route has no effect: expected either',
    );
  }
  if (disposition === undefined && !changes) {
    actions.source.report(actions.item, 'does nothing: expected at least one action');
  }
}
