// Names of rtnetlink's message types for counters and logs, and what kind of request a type is.
import {
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETNEIGH,
  RTM_GETNETCONF,
  RTM_GETNEXTHOP,
} from '../../wire/netlink/constants.js';
import { RTM_GETQDISC, RTM_GETROUTE, RTM_GETRULE } from '../../wire/netlink/constants.js';

const KINDS = new Map<number, string>([
  [RTM_GETLINK, 'LINK'],
  [RTM_GETADDR, 'ADDR'],
  [RTM_GETROUTE, 'ROUTE'],
  [RTM_GETNEIGH, 'NEIGH'],
  [RTM_GETRULE, 'RULE'],
  [RTM_GETQDISC, 'QDISC'],
  [RTM_GETNETCONF, 'NETCONF'],
  [RTM_GETNEXTHOP, 'NEXTHOP'],
]);
const VERBS = ['NEW', 'DEL', 'GET', 'SET'];
const GET = 2;

/** `RTM_NEWROUTE` and the like; `type 99` where there is no name. */
export function messageName(type: number): string {
  const kind = KINDS.get((type & ~3) | GET);
  return kind === undefined ? `type ${type}` : `RTM_${VERBS[type & 3]!}${kind}`;
}

/** Whether a request of this type asks for something. */
export function isGet(type: number): boolean {
  return (type & 3) === GET;
}

/** Whether a request of this type changes links, addresses, neighbours or rules: replicas are answered as if it had been done. */
export function isIgnoredWrite(type: number): boolean {
  if (isGet(type)) return false;
  const get = (type & ~3) | GET;
  return get === RTM_GETLINK || get === RTM_GETADDR || get === RTM_GETNEIGH || get === RTM_GETRULE;
}
