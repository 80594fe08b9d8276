// Native configuration of BIRD 2.0. A replica that writes no FIB has no `protocol kernel`: next hops are not resolved but
// looked up in tables of their own that cover everything, so that BIRD accepts the same next hops as bgpd -Z and OpenBGPD.
// Why each line is there: docs/replica-configuration.md.
import type { CommunityPattern, PrefixRange, ReplicaConfig, RouterConfig } from '../model.js';
import { addressFamily } from '../parsers.js';
import type { ReplicaSession } from '../session-plan.js';
import { familiesIn, header, networksOf, refusedPrefixes, sessionsOf, statementsOf } from './common.js';
import type { Direction, NeighborSession, ResolvedStatement } from './common.js';
import { gatewayTables, kernelProtocols, nextHopTable } from './bird-fib.js';
import type { Generator } from './types.js';

const FAMILY_WORD = ['ipv4', 'ipv6'] as const;

/** What the function of a policy returns. */
const NO_DECISION = 0;
const ACCEPT = 1;
const REJECT = 2;

export const generateBird: Generator = (config, replica) => {
  const { neighbors, probe, taps } = sessionsOf(config, replica);
  const lines = [
    header(config, replica),
    'log stderr all;',
    `router id ${config.router.routerId};`,
    '',
    'protocol device { scan time 60; }',
    '',
    ...(replica.fib === 'netlink' ? kernelProtocols() : nextHopTables()),
    ...networkProtocols(config),
    ...acceptance(config),
    ...neighbors.flatMap((session) => neighborProtocol(config, replica, session)),
    ...probeProtocol(config, probe),
    ...taps.flatMap((tap) => tapProtocol(config, replica, tap)),
  ];
  return [{ name: 'bird.conf', contents: `${lines.join('\n')}\n`, mode: 0o640 }];
};

function nextHopTables(): string[] {
  return FAMILY_WORD.flatMap((word, family) => [
    `${word} table next_hops_${word};`,
    `protocol static any_next_hop_${word} { ${word} { table next_hops_${word}; }; route ${family === 0 ? '0.0.0.0/0' : '::/0'} blackhole; }`,
    '',
  ]);
}

function networkProtocols(config: RouterConfig): string[] {
  return FAMILY_WORD.flatMap((word, family) => {
    const routes = networksOf(config, family as 0 | 1).map((network) => `  route ${network} blackhole;`);
    return routes.length === 0 ? [] : [`protocol static networks_${word} {`, `  ${word};`, ...routes, '}', ''];
  });
}

function prefixSet(ranges: readonly PrefixRange[]): string {
  const texts = ranges.map(({ prefix, minLength, maxLength }) => {
    const exact = minLength === maxLength && prefix.endsWith(`/${minLength}`);
    return exact ? prefix : `${prefix}{${minLength},${maxLength}}`;
  });
  return `[ ${texts.join(', ')} ]`;
}

/** The checks that every neighbour's routes pass; true = may come in. Also sets what RFC 7999 and 8326 ask for. */
function acceptance(config: RouterConfig): string[] {
  const { maxAsPathLength } = config.acceptance;
  const lines: string[] = [];
  FAMILY_WORD.forEach((word, family) => {
    lines.push(
      `function acceptable_${word}()`,
      '{',
      `  if net ~ ${prefixSet(refusedPrefixes(config, family as 0 | 1))} then return false;`,
      '  if bgp_path ~ [ 0 ] then return false;',
      ...(maxAsPathLength > 0 ? [`  if bgp_path.len > ${maxAsPathLength} then return false;`] : []),
      '  if bgp_community ~ [ (65535, 6), (65535, 7) ] then bgp_community.delete([ (65535, 6), (65535, 7) ]);',
      '  if (65535, 666) ~ bgp_community then bgp_community.add((65535, 65281));',
      '  return true;',
      '}',
      '',
    );
  });
  return lines;
}

function protocolHead(session: ReplicaSession): string[] {
  const lines = [
    `protocol bgp ${session.name} {`,
    `  local ${session.localAddress} as ${session.localAs};`,
    `  neighbor ${session.peerAddress} as ${session.peerAs};`,
    '  multihop;',
    '  passive;',
    '  connect delay time 1;',
    '  connect retry time 1;',
    '  error wait time 1, 1;',
    '  error forget time 1;',
    '  deterministic med on;',
    '  graceful restart off;',
    '  long lived graceful restart off;',
  ];
  return lines;
}

function neighborProtocol(config: RouterConfig, replica: ReplicaConfig, session: NeighborSession): string[] {
  const netlink = replica.fib === 'netlink';
  const functions: string[] = [];
  const channels: string[] = [];
  for (const family of familiesIn(session.families)) {
    const word = FAMILY_WORD[family];
    const { importPolicy, exportPolicy } = session.config;
    const incoming = policyFunction(config, session, family, 'import', importPolicy);
    const outgoing = policyFunction(config, session, family, 'export', exportPolicy);
    functions.push(...incoming, ...outgoing);
    channels.push(
      `  ${word} {`,
      `    igp table ${netlink ? nextHopTable(session, family) : `next_hops_${word}`};`,
      '    gateway recursive;',
      ...(netlink && family === 1 ? ['    next hop prefer global;'] : []),
      '    import filter {',
      ...importBody(session, family, incoming.length > 0).map((line) => `      ${line}`),
      '    };',
      `    export ${exportClause(config, session, family, { policy: outgoing.length > 0, unresolved: netlink })};`,
      '    next hop self;',
      ...(addressFamily(session.peerAddress) === family
        ? []
        : [`    next hop address ${session.config.localAddressIpv6};`]),
      '  };',
    );
  }
  const gateway = netlink ? gatewayTables(session) : [];
  return [...functions, ...gateway, ...protocolHead(session), ...channels, '}', ''];
}

function importBody(session: NeighborSession, family: 0 | 1, policy: boolean): string[] {
  const word = FAMILY_WORD[family];
  const { enforceFirstAs, nextHop } = session.config;
  const rewrite = nextHop === 'neighbor-address' && addressFamily(session.peerAddress) === family;
  return [
    ...(enforceFirstAs ? [`if bgp_path.first != ${session.peerAs} then reject;`] : []),
    `if ! acceptable_${word}() then reject;`,
    ...(rewrite ? [`bgp_next_hop = ${session.peerAddress};`] : []),
    ...(policy ? [`if ${policyName(session, family, 'import')}() = ${REJECT} then reject;`] : []),
    'if (65535, 0) ~ bgp_community then bgp_local_pref = 0;',
    'accept;',
  ];
}

/** `unresolved`: there can be routes whose next hop nothing resolves. */
function exportClause(
  config: RouterConfig,
  session: NeighborSession,
  family: 0 | 1,
  { policy, unresolved }: { policy: boolean; unresolved: boolean },
): string {
  const steps: string[] = [];
  if (unresolved) steps.push('if dest = RTD_UNREACHABLE then reject;');
  // bgpd gives its own networks MED 0 and cannot leave it out.
  if (networksOf(config, family).length > 0) steps.push('if source = RTS_STATIC then bgp_med = 0;');
  if (policy) steps.push(`if ${policyName(session, family, 'export')}() = ${REJECT} then reject;`);
  return steps.length === 0 ? 'all' : `filter { ${steps.join(' ')} accept; }`;
}

function policyName(session: ReplicaSession, family: 0 | 1, direction: Direction): string {
  return `${session.name}_${direction}_${FAMILY_WORD[family]}`;
}

function policyFunction(
  config: RouterConfig,
  session: NeighborSession,
  family: 0 | 1,
  direction: Direction,
  names: readonly string[],
): string[] {
  const statements = statementsOf(config, names, family);
  if (statements.length === 0) return [];
  const body = statements.flatMap((statement) => statementLines(config, statement));
  const lines = [
    `function ${policyName(session, family, direction)}()`,
    '{',
    ...body,
    `  return ${NO_DECISION};`,
    '}',
    '',
  ];
  return lines;
}

function statementLines(config: RouterConfig, statement: ResolvedStatement): string[] {
  const conditions = conditionTexts(statement);
  const body = actions(config, statement);
  if (statement.disposition !== undefined) body.push(`return ${statement.disposition === 'accept' ? ACCEPT : REJECT};`);
  const comment = `  # ${statement.definition}: ${statement.name}`;
  const test = conditions.length === 0 ? 'true' : conditions.map((text) => `(${text})`).join(' && ');
  return [comment, `  if ${test} then {`, ...body.map((line) => `    ${line}`), '  }'];
}

function conditionTexts({ prefixes, paths, communities }: ResolvedStatement): string[] {
  const texts: string[] = [];
  if (prefixes !== undefined) texts.push(`net ~ ${prefixSet(prefixes)}`);
  if (paths !== undefined) {
    const at = (position: string): string => {
      const numbers = paths.members.filter((member) => member.position === position).map((member) => member.as);
      const subject = { first: 'bgp_path.first', any: 'bgp_path', origin: 'bgp_path.last' }[position];
      return numbers.length === 0 ? '' : `(${subject} ~ [ ${numbers.join(', ')} ])`;
    };
    texts.push(['first', 'any', 'origin'].map(at).filter(Boolean).join(' || '));
  }
  if (communities !== undefined) {
    const attribute = communities.large ? 'bgp_large_community' : 'bgp_community';
    texts.push(`${attribute} ~ ${communitySet(communities.members)}`);
  }
  return texts;
}

function tuple(pattern: CommunityPattern): string {
  return `(${pattern.join(', ')})`;
}

function communitySet(members: readonly CommunityPattern[]): string {
  return `[ ${members.map(tuple).join(', ')} ]`;
}

function actions(config: RouterConfig, statement: ResolvedStatement): string[] {
  const { setLocalPref, setMed, addCommunities, removeCommunities, prepend } = statement;
  const lines: string[] = [];
  if (setLocalPref !== undefined) lines.push(`bgp_local_pref = ${setLocalPref};`);
  if (setMed !== undefined) lines.push(`bgp_med = ${setMed};`);
  for (let i = 0; i < prepend; i++) lines.push(`bgp_path.prepend(${config.router.as});`);
  for (const [size, attribute] of [
    [2, 'bgp_community'],
    [3, 'bgp_large_community'],
  ] as const) {
    const [removed, added] = [removeCommunities, addCommunities].map((list) => list.filter((c) => c.length === size));
    if (removed.length > 0) lines.push(`${attribute}.delete(${communitySet(removed)});`);
    for (const item of added) lines.push(`${attribute}.add(${tuple(item)});`);
  }
  return lines;
}

function internalChannel(word: string, direction: { import: string; export: string }): string[] {
  return [
    `  ${word} {`,
    `    igp table next_hops_${word};`,
    '    gateway recursive;',
    `    import ${direction.import};`,
    `    export ${direction.export};`,
    '  };',
  ];
}

function probeProtocol(config: RouterConfig, session: ReplicaSession): string[] {
  const channel = internalChannel('ipv4', { import: `where net = ${config.internal.probePrefix}`, export: 'none' });
  return [...protocolHead(session), ...channel, '}', ''];
}

function tapProtocol(config: RouterConfig, replica: ReplicaConfig, session: ReplicaSession): string[] {
  const probe = `net = ${config.internal.probePrefix}`;
  const all = replica.fib === 'tap';
  const channels = familiesIn(session.families).flatMap((family) =>
    internalChannel(FAMILY_WORD[family], { import: 'none', export: all ? 'where source = RTS_BGP' : `where ${probe}` }),
  );
  // NO_ADVERTISE would keep a route from the tap that the kernel must have.
  const communities = all ? ['  interpret communities off;'] : [];
  return [...protocolHead(session), ...communities, ...channels, '}', ''];
}
