// Native configuration of OpenBGPD (7.7 portable). Its last matching filter rule wins; every decision below is `quick`
// so that rules read from top to bottom. Why each line is there: docs/replica-configuration.md.
import type { CommunityPattern, PrefixRange, ReplicaConfig, RouterConfig } from '../model.js';
import { addressFamily } from '../parsers.js';
import { INTERNAL_HOLD_TIME, type ReplicaSession } from '../session-plan.js';
import { familiesIn, header, networksOf, refusedPrefixes, sessionsOf, statementsOf } from './common.js';
import type { Direction, NeighborSession, ResolvedStatement } from './common.js';
import type { Generator } from './types.js';

const FAMILY_WORD = ['inet', 'inet6'] as const;

export const generateOpenbgpd: Generator = (config, replica, paths) => {
  const { neighbors, probe, taps } = sessionsOf(config, replica);
  const ipv6 = [...neighbors, ...taps].some((session) => addressFamily(session.peerAddress) === 1);
  const lines = [
    header(config, replica),
    `AS ${config.router.as}`,
    `router-id ${config.router.routerId}`,
    'fib-update no',
    'nexthop qualify via default',
    'rde route-age ignore',
    'rde med compare strict',
    'connect-retry 1',
    `holdtime ${INTERNAL_HOLD_TIME.openbgpd}`,
    'listen on 0.0.0.0',
    ...(ipv6 ? ['listen on ::'] : []),
    `socket "${paths.controlSocket}"`,
    '',
    ...sets(config, replica),
    '',
    ...[...networksOf(config, 0), ...networksOf(config, 1)].map((network) => `network ${network} set metric 0`),
    '',
    ...[...neighbors, probe, ...taps].flatMap(neighborBlock),
    ...internalRules(config, replica, probe, taps),
    ...importRules(config, replica, neighbors),
    ...exportRules(config, replica, neighbors),
  ];
  return [{ name: 'openbgpd.conf', contents: `${lines.join('\n')}\n`, mode: 0o600 }];
};

function prefixList(ranges: readonly PrefixRange[]): string {
  return ranges
    .map(({ prefix, minLength, maxLength }) => {
      const exact = minLength === maxLength && prefix.endsWith(`/${minLength}`);
      return exact ? prefix : `${prefix} prefixlen ${minLength} - ${maxLength}`;
    })
    .join(', ');
}

function sets(config: RouterConfig, replica: ReplicaConfig): string[] {
  const refused = [...refusedPrefixes(config, 0), ...refusedPrefixes(config, 1)];
  const lines = [`prefix-set refused { ${prefixList(refused)} }`];
  const { networks } = config.router;
  if (replica.fib === 'tap' && networks.length > 0) lines.push(`prefix-set own_networks { ${networks.join(', ')} }`);
  for (const { name, ranges } of config.policy.prefixSets) lines.push(`prefix-set "${name}" { ${prefixList(ranges)} }`);
  for (const { name, members } of config.policy.asPathSets) {
    for (const position of ['first', 'any', 'origin'] as const) {
      const numbers = members.filter((member) => member.position === position).map((member) => member.as);
      if (numbers.length > 0) lines.push(`as-set "${name}-${position}" { ${numbers.join(', ')} }`);
    }
  }
  return lines;
}

function neighborBlock(session: ReplicaSession): string[] {
  const announce = (family: 0 | 1): string =>
    `  announce ${family === 0 ? 'IPv4' : 'IPv6'} ${(session.families & (1 << family)) === 0 ? 'none' : 'unicast'}`;
  const external = session.peerAs !== session.localAs;
  return [
    `neighbor ${session.peerAddress} {`,
    `  descr "${session.name}"`,
    `  remote-as ${session.peerAs}`,
    `  local-address ${session.localAddress}`,
    '  passive',
    announce(0),
    announce(1),
    '  announce restart no',
    ...(external ? ['  multihop 255', '  enforce neighbor-as no'] : []),
    '}',
    '',
  ];
}

function internalRules(
  config: RouterConfig,
  replica: ReplicaConfig,
  probe: ReplicaSession,
  taps: ReplicaSession[],
): string[] {
  const everything = replica.fib === 'tap';
  const outward = ({ peerAddress }: ReplicaSession): string[] => {
    const networks = config.router.networks.length > 0 ? [`deny quick to ${peerAddress} prefix-set own_networks`] : [];
    if (everything) return [...networks, `allow quick to ${peerAddress}`];
    return [`allow quick to ${peerAddress} prefix ${config.internal.probePrefix}`, `deny quick to ${peerAddress}`];
  };
  return [
    '# probe and tap',
    `allow quick from ${probe.peerAddress} prefix ${config.internal.probePrefix}`,
    `deny quick from ${probe.peerAddress}`,
    ...taps.map((tap) => `deny quick from ${tap.peerAddress}`),
    `deny quick to ${probe.peerAddress}`,
    ...taps.flatMap(outward),
    ...(everything ? ['', ...noAdvertiseRules(config)] : []),
    '',
  ];
}

const isNoAdvertise = (community: CommunityPattern): boolean => community[0] === 65535 && community[1] === 65282;

/** A large community that stands for NO_ADVERTISE. */
const noAdvertiseMark = ({ internal }: RouterConfig): CommunityPattern => [internal.probeAs, 65535, 65282];

/**
 * OpenBGPD keeps a route with NO_ADVERTISE from the tap too, whatever the rules say, though the kernel must have it. So
 * the community goes by another name inside.
 */
function noAdvertiseRules(config: RouterConfig): string[] {
  const mark = `large-community ${noAdvertiseMark(config).join(':')}`;
  return [
    '# NO_ADVERTISE',
    `deny quick to any ${mark}`,
    `match from any ${mark} set ${mark.replace(' ', ' delete ')}`,
    `match from any community NO_ADVERTISE set { community delete NO_ADVERTISE, ${mark} }`,
  ];
}

/** The statement with that other name in place of the community. */
function withMark(config: RouterConfig, statement: ResolvedStatement): ResolvedStatement {
  const mark = noAdvertiseMark(config);
  const named = (list: readonly CommunityPattern[]): CommunityPattern[] =>
    list.map((community) => (isNoAdvertise(community) ? mark : community));
  const { communities, addCommunities, removeCommunities } = statement;
  return {
    ...statement,
    ...(communities === undefined ? {} : { communities: { ...communities, members: named(communities.members) } }),
    addCommunities: named(addCommunities),
    removeCommunities: named(removeCommunities),
  };
}

function importRules(config: RouterConfig, replica: ReplicaConfig, neighbors: NeighborSession[]): string[] {
  const { maxAsPathLength } = config.acceptance;
  const lines = ['# what no neighbour may announce', 'deny quick from any prefix-set refused'];
  if (maxAsPathLength > 0) lines.push(`deny quick from any max-as-len ${maxAsPathLength}`);
  for (const session of neighbors.filter((s) => s.config.enforceFirstAs)) {
    lines.push(`deny quick from ${session.peerAddress} peer-as != ${session.peerAs}`);
  }
  lines.push('', '# import');
  for (const session of neighbors.filter((s) => s.config.nextHop === 'neighbor-address')) {
    const family = addressFamily(session.peerAddress);
    // A made-up IPv6 address is nobody's next hop.
    if (family !== addressFamily(session.config.address)) continue;
    lines.push(`match from ${session.peerAddress} ${FAMILY_WORD[family]} set nexthop ${session.peerAddress}`);
  }
  lines.push(
    'match from any community 65535:6 set community delete 65535:6',
    'match from any community 65535:7 set community delete 65535:7',
    'match from any community BLACKHOLE set community NO_EXPORT',
    ...neighbors.flatMap((session) => policyRules(config, replica, session, 'import')),
    'match from any community GRACEFUL_SHUTDOWN set localpref 0',
    'allow from any',
    '',
  );
  return lines;
}

function exportRules(config: RouterConfig, replica: ReplicaConfig, neighbors: NeighborSession[]): string[] {
  return [
    '# export',
    'match to any set nexthop self',
    ...neighbors.flatMap((session) => policyRules(config, replica, session, 'export')),
    'allow to any',
  ];
}

function policyRules(
  config: RouterConfig,
  replica: ReplicaConfig,
  session: NeighborSession,
  direction: Direction,
): string[] {
  const names = direction === 'import' ? session.config.importPolicy : session.config.exportPolicy;
  const peer = `${direction === 'import' ? 'from' : 'to'} ${session.peerAddress}`;
  const lines: string[] = [];
  // planSessions gives this daemon one family per session.
  const plain = familiesIn(session.families).flatMap((family) => statementsOf(config, names, family));
  const marked = direction === 'import' && replica.fib === 'tap';
  const statements = marked ? plain.map((statement) => withMark(config, statement)) : plain;
  for (const statement of statements) {
    lines.push(`# ${statement.definition}: ${statement.name}`);
    for (const conditions of alternatives(statement)) {
      lines.push(...statementRules(statement, [peer, ...conditions].join(' '), direction));
    }
  }
  return lines;
}

/** One list of conditions for each way in which the statement can match: a rule holds one community and one AS test. */
function alternatives({ matchPrefixSet, paths, communities }: ResolvedStatement): string[][] {
  const prefix = matchPrefixSet === undefined ? [] : [`prefix-set "${matchPrefixSet}"`];
  const words = { first: 'peer-as', any: 'AS', origin: 'source-as' } as const;
  const positions = [...new Set((paths?.members ?? []).map((member) => member.position))];
  const pathTests = positions.map((position) => `${words[position]} as-set "${paths?.name}-${position}"`);
  const communityTests = (communities?.members ?? []).map((member) => `${communityWord(member)} ${member.join(':')}`);
  const crossed: string[][] = [];
  for (const path of pathTests.length === 0 ? [''] : pathTests) {
    for (const community of communityTests.length === 0 ? [''] : communityTests) {
      crossed.push([...prefix, path, community].filter((text) => text !== ''));
    }
  }
  return crossed;
}

function statementRules(statement: ResolvedStatement, test: string, direction: Direction): string[] {
  const set = actions(statement);
  const list = (items: string[]): string => (items.length === 0 ? '' : ` set { ${items.join(', ')} }`);
  if (statement.disposition === 'reject') return [`deny quick ${test}`];
  if (statement.disposition === undefined) return [`match ${test}${list(set)}`];
  const accept = `allow quick ${test}${list(set)}`;
  if (direction === 'export') return [accept];
  // An accepted route skips the last rules, so what RFC 8326 asks for has to come along.
  const shutdown = [...set.filter((item) => !item.startsWith('localpref ')), 'localpref 0'];
  return [`allow quick ${test} community GRACEFUL_SHUTDOWN${list(shutdown)}`, accept];
}

const communityWord = (community: CommunityPattern): string =>
  community.length === 3 ? 'large-community' : 'community';

function actions(statement: ResolvedStatement): string[] {
  const { setLocalPref, setMed, addCommunities, removeCommunities, prepend } = statement;
  const items: string[] = [];
  if (setLocalPref !== undefined) items.push(`localpref ${setLocalPref}`);
  if (setMed !== undefined) items.push(`metric ${setMed}`);
  if (prepend > 0) items.push(`prepend-self ${prepend}`);
  for (const community of removeCommunities) items.push(`${communityWord(community)} delete ${community.join(':')}`);
  for (const community of addCommunities) items.push(`${communityWord(community)} ${community.join(':')}`);
  return items;
}
