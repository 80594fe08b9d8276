// First contact: does a replica's OPEN offer what this kind and version of daemon is known to offer? A difference means
// another build than expected or a configuration that does not do what it says; it is reported, never acted upon.
import { CapabilityCode, hasCapability, multiprotocolFamilies, type Capability } from '../../wire/bgp/capabilities.js';
import type { DaemonCapabilities } from './driver.js';

/**
 * One line for each difference between what is known of the daemon and the OPEN it sent; `families` are those the
 * session was configured with.
 */
export function unexpectedCapabilities(
  known: DaemonCapabilities,
  families: number,
  open: { capabilities: readonly Capability[] },
): string[] {
  const differences: string[] = [];
  const compare = (name: string, expected: boolean, seen: boolean): void => {
    if (expected !== seen) differences.push(`${name}: ${expected ? 'expected, not offered' : 'offered, not expected'}`);
  };
  compare('route refresh', known.routeRefresh, hasCapability(open, CapabilityCode.ROUTE_REFRESH));
  compare('extended message', known.extendedMessage, hasCapability(open, CapabilityCode.EXTENDED_MESSAGE));
  compare('4-byte AS numbers', known.as4, hasCapability(open, CapabilityCode.FOUR_OCTET_AS));
  const seen = multiprotocolFamilies(open);
  const expected = families & known.families;
  if (seen !== expected) differences.push(`address families: expected bits ${expected}, offered bits ${seen}`);
  return differences;
}
