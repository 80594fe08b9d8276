// The part of BIRD's configuration that a replica with `fib: netlink` has and others do not: next hops are resolved by what
// the kernel holds, and the best routes are written to it. Why each line is there: docs/replica-configuration.md.
import { REPLICA_TABLE } from '../../fib/replica-table.js';
import { addressFamily } from '../parsers.js';
import type { NeighborSession } from './common.js';

const FAMILY_WORD = ['ipv4', 'ipv6'] as const;
const ANY = ['0.0.0.0/0', '::/0'] as const;

/** What resolves next hops: the kernel's other routes and the links' addresses. And what is written to the kernel. */
export function kernelProtocols(): string[] {
  // Everything is equally near, as it is for OpenBGPD: the metric of a static route decides nothing.
  const near = 'filter { igp_metric = 0; accept; }';
  const links = FAMILY_WORD.map((word) => `  ${word} { table next_hops_${word}; import ${near}; };`);
  const lines = FAMILY_WORD.map((word) => `${word} table next_hops_${word};`);
  lines.push('', 'protocol direct links {', ...links, '  check link;', '}', '');
  for (const word of FAMILY_WORD) {
    lines.push(
      `protocol kernel others_${word} {`,
      `  ${word} { table next_hops_${word}; import ${near}; export none; };`,
      '  learn;',
      '  scan time 60;',
      '}',
      `protocol kernel fib_${word} {`,
      `  kernel table ${REPLICA_TABLE};`,
      `  ${word} { import none; export where source = RTS_BGP && dest != RTD_UNREACHABLE; };`,
      '  persist;',
      '  scan time 60;',
      '}',
      '',
    );
  }
  return lines;
}

/** True when the routes of a session's family get the neighbour's address as next hop. */
export function rewritesNextHop(session: NeighborSession, family: 0 | 1): boolean {
  return session.config.nextHop === 'neighbor-address' && addressFamily(session.peerAddress) === family;
}

/** The table in which the next hops of a session's routes are looked up. */
export function nextHopTable(session: NeighborSession, family: 0 | 1): string {
  return rewritesNextHop(session, family) ? `${session.name}_gateway` : `next_hops_${FAMILY_WORD[family]}`;
}

/**
 * A table in which every address is reached through the neighbour. The gateway of a route is found before the import
 * filter runs, so setting bgp_next_hop there would not change it. The pipe makes a plain route of the recursive one,
 * because BIRD does not resolve one recursive route through another.
 */
export function gatewayTables(session: NeighborSession): string[] {
  const family = addressFamily(session.peerAddress);
  if (!rewritesNextHop(session, family)) return [];
  const word = FAMILY_WORD[family];
  const { name, peerAddress } = session;
  return [
    `${word} table ${name}_recursive;`,
    `${word} table ${name}_gateway;`,
    `protocol static ${name}_address {`,
    `  ${word} { table ${name}_recursive; };`,
    `  igp table next_hops_${word};`,
    `  route ${ANY[family]} recursive ${peerAddress};`,
    '}',
    `protocol pipe ${name}_resolved {`,
    `  table ${name}_gateway;`,
    `  peer table ${name}_recursive;`,
    '  import filter { if dest = RTD_UNREACHABLE then reject; igp_metric = 0; accept; };',
    '  export none;',
    '}',
    '',
  ];
}
