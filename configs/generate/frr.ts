// Native configuration of FRR's bgpd (8.x). A replica that writes no FIB runs with -Z -n: no zebra, so every next hop counts
// as reachable. The others have a zebra of their own (zebra.ts).
// Why each line is there: docs/replica-configuration.md.
import { REPLICA_TABLE } from '../../fib/replica-table.js';
import type { CommunityPattern, PrefixRange, ReplicaConfig, RouterConfig } from '../model.js';
import { addressFamily, rangeOf } from '../parsers.js';
import type { ReplicaSession } from '../session-plan.js';
import { familiesIn, header, networksOf, refusedPrefixes, sessionsOf, statementsOf } from './common.js';
import type { NeighborSession, ResolvedStatement } from './common.js';
import type { Generator } from './types.js';
import { zebraFile } from './zebra.js';

const FAMILY_WORD = ['ipv4', 'ipv6'] as const;
/** By default Debian's bgpd installs all equal paths of two sessions with one neighbouring AS; the other daemons install one. */
const ONE_PATH = ['  maximum-paths 1', '  maximum-paths ibgp 1'];
const PREFIX_WORD = ['ip', 'ipv6'] as const;

/** The names bgpd prints, and therefore matches, instead of numbers. */
const COMMUNITY_NAMES: Record<number, string> = {
  0: 'graceful-shutdown',
  6: 'llgr-stale',
  7: 'no-llgr',
  666: 'blackhole',
  65281: 'no-export',
  65282: 'no-advertise',
  65283: 'local-AS',
  65284: 'no-peer',
};

export const generateFrr: Generator = (config, replica) => {
  const lines = [
    header(config, replica),
    'frr defaults traditional',
    `hostname ${replica.name}`,
    // Maps come before the sessions that use them, and bgpd does not look at them again later: by default it asks every neighbour
    // for its whole table anew five seconds after the start.
    'bgp route-map delay-timer 0',
    '!',
    ...acceptanceLists(config),
    ...setLists(config),
    ...tapLists(config, replica),
  ];
  for (const session of sessionsOf(config, replica).neighbors) {
    for (const family of familiesIn(session.families)) {
      lines.push(...importMap(config, replica, session, family), ...exportMap(config, session, family));
    }
  }
  if (replica.fib === 'netlink') lines.push('route-map probe permit 10', ` set table ${REPLICA_TABLE}`, '!');
  lines.push(...routerBlock(config, replica), '!');
  const bgpd = { name: 'frr.conf', contents: `${lines.join('\n')}\n`, mode: 0o640 };
  return replica.fib === 'netlink' ? [bgpd, zebraFile(config, replica)] : [bgpd];
};

function routerBlock(config: RouterConfig, replica: ReplicaConfig): string[] {
  const { neighbors, probe, taps } = sessionsOf(config, replica);
  const lines = [
    `router bgp ${config.router.as}`,
    ` bgp router-id ${config.router.routerId}`,
    ' no bgp ebgp-requires-policy',
    ' no bgp network import-check',
    ' no bgp default ipv4-unicast',
    ' bgp deterministic-med',
    ' bgp bestpath compare-routerid',
    ' bgp graceful-restart-disable',
    ' coalesce-time 0',
    ...(replica.fib === 'netlink' ? [' no bgp fast-external-failover'] : []),
  ];
  for (const session of neighbors) lines.push(...sessionLines(session, session.config.enforceFirstAs));
  for (const session of [probe, ...taps]) lines.push(...sessionLines(session, false));
  for (const family of [0, 1] as const) {
    const inside = networksOf(config, family).map((network) => `  network ${network}`);
    for (const session of neighbors) inside.push(...activation(config, session, family));
    for (const session of [probe, ...taps]) {
      if ((session.families & (1 << family)) !== 0) inside.push(...internalActivation(replica, session, family));
    }
    if (inside.length > 0)
      lines.push(
        ' !',
        ` address-family ${FAMILY_WORD[family]} unicast`,
        ...ONE_PATH,
        ...inside,
        ' exit-address-family',
      );
  }
  return lines;
}

function sessionLines(session: ReplicaSession, enforceFirstAs: boolean): string[] {
  const neighbor = ` neighbor ${session.peerAddress}`;
  const external = session.peerAs !== session.localAs;
  return [
    `${neighbor} remote-as ${session.peerAs}`,
    `${neighbor} passive`,
    `${neighbor} solo`,
    `${neighbor} advertisement-interval 0`,
    `${neighbor} timers connect 1`,
    ...(external ? [`${neighbor} disable-connected-check`] : []),
    ...(enforceFirstAs ? [`${neighbor} enforce-first-as`] : []),
  ];
}

function activation(config: RouterConfig, session: NeighborSession, family: 0 | 1): string[] {
  if ((session.families & (1 << family)) === 0) return [];
  const neighbor = `  neighbor ${session.peerAddress}`;
  const foreignTransport = addressFamily(session.peerAddress) !== family;
  const lines = [`${neighbor} activate`, ...(foreignTransport ? [] : [`${neighbor} next-hop-self`])];
  lines.push(`${neighbor} prefix-list acceptable-${FAMILY_WORD[family]} in`);
  lines.push(`${neighbor} route-map ${mapName(session, 'import', family)} in`);
  if (needsExportMap(config, session, family)) {
    lines.push(`${neighbor} route-map ${mapName(session, 'export', family)} out`);
  }
  return lines;
}

function internalActivation(replica: ReplicaConfig, { peerAddress, role }: ReplicaSession, family: 0 | 1): string[] {
  const neighbor = `  neighbor ${peerAddress}`;
  const outgoing = replica.fib === 'tap' ? `tap-${FAMILY_WORD[family]}` : 'probe-only';
  return [
    `${neighbor} activate`,
    `${neighbor} prefix-list ${role === 'probe' ? 'probe-only' : 'nothing'} in`,
    `${neighbor} prefix-list ${role === 'tap' ? outgoing : 'nothing'} out`,
    ...(role === 'probe' && replica.fib === 'netlink' ? [`${neighbor} route-map probe in`] : []),
  ];
}

/** What a tap that is to give back all best routes gives back: everything but the networks originated here. */
function tapLists(config: RouterConfig, replica: ReplicaConfig): string[] {
  if (replica.fib !== 'tap') return [];
  const lines = ([0, 1] as const).flatMap((family) => {
    const own = networksOf(config, family).map((network) => rangeOf(network, false));
    const name = `tap-${FAMILY_WORD[family]}`;
    return [
      ...prefixList(name, family, own, 'deny'),
      `${PREFIX_WORD[family]} prefix-list ${name} seq 10000 permit any`,
    ];
  });
  return [...lines, 'ipv6 prefix-list nothing seq 5 deny any', '!'];
}

function mapName(session: ReplicaSession, direction: 'import' | 'export', family: 0 | 1): string {
  return `${session.name}-${direction}-${FAMILY_WORD[family]}`;
}

function prefixList(name: string, family: 0 | 1, ranges: PrefixRange[], action = 'permit'): string[] {
  return ranges.map(({ prefix, minLength, maxLength }, i) => {
    const length = Number(prefix.slice(prefix.indexOf('/') + 1));
    const ge = minLength > length ? ` ge ${minLength}` : '';
    const le = maxLength > length ? ` le ${maxLength}` : '';
    return `${PREFIX_WORD[family]} prefix-list ${name} seq ${(i + 1) * 5} ${action} ${prefix}${ge}${le}`;
  });
}

function acceptanceLists(config: RouterConfig): string[] {
  const { maxAsPathLength } = config.acceptance;
  const acceptable = ([0, 1] as const).flatMap((family) => {
    const name = `acceptable-${FAMILY_WORD[family]}`;
    const last = `${PREFIX_WORD[family]} prefix-list ${name} seq 10000 permit any`;
    return [...prefixList(name, family, refusedPrefixes(config, family), 'deny'), last];
  });
  return [
    ...acceptable,
    ...prefixList('probe-only', 0, [rangeOf(config.internal.probePrefix, false)]),
    'ip prefix-list nothing seq 5 deny any',
    'bgp community-list standard blackhole seq 5 permit blackhole',
    'bgp community-list standard llgr seq 5 permit llgr-stale',
    'bgp community-list standard llgr seq 10 permit no-llgr',
    // Elements of a path are separated by single blanks; an AS_SET holds none, and counts as one.
    ...(maxAsPathLength > 0 ? [`bgp as-path access-list too-long seq 5 permit ^([^ ]+ ){${maxAsPathLength}}`] : []),
    '!',
  ];
}

function setLists(config: RouterConfig): string[] {
  const { prefixSets, asPathSets, communitySets } = config.policy;
  const lines: string[] = [];
  for (const { name, ranges } of prefixSets) {
    for (const family of [0, 1] as const) {
      lines.push(
        ...prefixList(
          `set-${name}-${FAMILY_WORD[family]}`,
          family,
          ranges.filter((r) => r.family === family),
        ),
      );
    }
  }
  for (const { name, members } of asPathSets) {
    members.forEach(({ position, as }, i) => {
      const pattern = { first: `^${as}_`, any: `_${as}_`, origin: `_${as}$` }[position];
      lines.push(`bgp as-path access-list set-${name} seq ${(i + 1) * 5} permit ${pattern}`);
    });
  }
  for (const { name, members } of communitySets) lines.push(...communityList(`set-${name}`, members));
  return lines;
}

/** Wildcards need an expanded list (regular expressions on the text); else a standard one, which compares numbers. */
function communityList(name: string, members: readonly CommunityPattern[]): string[] {
  const word = members[0]?.length === 3 ? 'large-community-list' : 'community-list';
  const expanded = members.some((member) => member.includes('*'));
  return members.map((member, i) => {
    const known = member.length === 2 && member[0] === 65535 ? COMMUNITY_NAMES[Number(member[1])] : undefined;
    const text = known ?? member.map((part) => (part === '*' ? '[0-9]+' : part)).join(':');
    const body = expanded
      ? `expanded ${name} seq ${(i + 1) * 5} permit _${text}_`
      : `standard ${name} seq ${(i + 1) * 5} permit ${text}`;
    return `bgp ${word} ${body}`;
  });
}

/** Numbers the entries of one route-map. */
class RouteMap {
  readonly #name: string;
  readonly #before: string[] = [];
  readonly #lines: string[] = [];
  #sequence = 0;

  constructor(name: string) {
    this.#name = name;
  }

  entry(action: 'permit' | 'deny', ...body: string[]): void {
    this.#sequence += 10;
    this.#lines.push(`route-map ${this.#name} ${action} ${this.#sequence}`, ...body.map((line) => ` ${line}`), '!');
  }

  /** A list that an entry refers to, named after the entry to come. */
  list(suffix: string, members: readonly CommunityPattern[]): string {
    const name = `${this.#name}-${this.#sequence + 10}-${suffix}`;
    this.#before.push(...communityList(name, members));
    return name;
  }

  lines(): string[] {
    return [...this.#before, ...this.#lines];
  }
}

function importMap(config: RouterConfig, replica: ReplicaConfig, session: NeighborSession, family: 0 | 1): string[] {
  const map = new RouteMap(mapName(session, 'import', family));
  if (replica.fib === 'netlink') map.entry('permit', `set table ${REPLICA_TABLE}`, 'on-match next');
  if (config.acceptance.maxAsPathLength > 0) map.entry('deny', 'match as-path too-long');
  const rewrite = session.config.nextHop === 'neighbor-address' && addressFamily(session.peerAddress) === family;
  if (rewrite) map.entry('permit', `set ${PREFIX_WORD[family]} next-hop peer-address`, 'on-match next');
  // With a link-local next hop beside the global one, bgpd would use that.
  if (replica.fib === 'netlink' && family === 1) {
    map.entry('permit', 'set ipv6 next-hop prefer-global', 'on-match next');
  }
  map.entry('permit', 'match community llgr', 'set comm-list llgr delete', 'on-match next');
  map.entry('permit', 'match community blackhole', 'set community no-export additive', 'on-match next');
  addStatements(config, map, statementsOf(config, session.config.importPolicy, family), family);
  map.entry('permit');
  return map.lines();
}

function needsExportMap(config: RouterConfig, session: NeighborSession, family: 0 | 1): boolean {
  const foreignTransport = addressFamily(session.peerAddress) !== family;
  return foreignTransport || statementsOf(config, session.config.exportPolicy, family).length > 0;
}

function exportMap(config: RouterConfig, session: NeighborSession, family: 0 | 1): string[] {
  if (!needsExportMap(config, session, family)) return [];
  const map = new RouteMap(mapName(session, 'export', family));
  if (addressFamily(session.peerAddress) !== family && session.config.localAddressIpv6 !== undefined) {
    map.entry('permit', `set ipv6 next-hop global ${session.config.localAddressIpv6}`, 'on-match next');
  }
  addStatements(config, map, statementsOf(config, session.config.exportPolicy, family), family);
  map.entry('permit');
  return map.lines();
}

function addStatements(config: RouterConfig, map: RouteMap, statements: ResolvedStatement[], family: 0 | 1): void {
  for (const statement of statements) {
    const body: string[] = [`description ${statement.definition}: ${statement.name}`];
    const { matchPrefixSet, matchAsPathSet, communities } = statement;
    if (matchPrefixSet !== undefined) {
      body.push(`match ${PREFIX_WORD[family]} address prefix-list set-${matchPrefixSet}-${FAMILY_WORD[family]}`);
    }
    if (matchAsPathSet !== undefined) body.push(`match as-path set-${matchAsPathSet}`);
    if (communities !== undefined) {
      body.push(`match ${communities.large ? 'large-community' : 'community'} set-${communities.name}`);
    }
    body.push(...actions(config, map, statement));
    if (statement.disposition === undefined) body.push('on-match next');
    map.entry(statement.disposition === 'reject' ? 'deny' : 'permit', ...body);
  }
}

function actions(config: RouterConfig, map: RouteMap, statement: ResolvedStatement): string[] {
  const { setLocalPref, setMed, addCommunities, removeCommunities, prepend } = statement;
  const lines: string[] = [];
  if (setLocalPref !== undefined) lines.push(`set local-preference ${setLocalPref}`);
  if (setMed !== undefined) lines.push(`set metric ${setMed}`);
  if (prepend > 0) lines.push(`set as-path prepend ${new Array(prepend).fill(config.router.as).join(' ')}`);
  for (const [size, word, listWord] of [
    [2, 'community', 'comm-list'],
    [3, 'large-community', 'large-comm-list'],
  ] as const) {
    const [removed, added] = [removeCommunities, addCommunities].map((list) => list.filter((c) => c.length === size));
    if (removed.length > 0) lines.push(`set ${listWord} ${map.list(`remove-${size}`, removed)} delete`);
    if (added.length > 0) lines.push(`set ${word} ${added.map((c) => c.join(':')).join(' ')} additive`);
  }
  return lines;
}
