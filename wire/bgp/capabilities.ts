// Capabilities in an OPEN (RFC 5492): the ones the router understands, and every other one kept as it came.
// Owns encoding and questions about a list; what is offered and what follows from it is decided in session/ and hypervisor/.
import { afiOf, familiesOf, familyOf, safiOf } from '../family.js';

export interface Capability {
  code: number;
  value: Uint8Array;
}

/** Capability codes (IANA capability-codes). */
export const CapabilityCode = {
  MULTIPROTOCOL: 1,
  ROUTE_REFRESH: 2,
  EXTENDED_NEXT_HOP: 5,
  EXTENDED_MESSAGE: 6,
  GRACEFUL_RESTART: 64,
  FOUR_OCTET_AS: 65,
  ADD_PATH: 69,
  ENHANCED_ROUTE_REFRESH: 70,
  LONG_LIVED_GRACEFUL_RESTART: 71,
  FQDN: 73,
} as const;

const NAMES: Record<number, string> = {
  1: 'multiprotocol',
  2: 'route-refresh',
  5: 'extended-next-hop',
  6: 'extended-message',
  64: 'graceful-restart',
  65: 'four-octet-as',
  69: 'add-path',
  70: 'enhanced-route-refresh',
  71: 'long-lived-graceful-restart',
  73: 'fqdn',
};

export function capabilityName(code: number): string {
  return NAMES[code] ?? `capability ${code}`;
}

interface WithCapabilities {
  capabilities: readonly Capability[];
}

/** Whether a capability is there, whatever its value. */
export function hasCapability(open: WithCapabilities, code: number): boolean {
  return open.capabilities.some((capability) => capability.code === code);
}

/**
 * The families a speaker offers, as a bitmask. One that sends no multiprotocol capability at all speaks IPv4 unicast (RFC 4760 section 8);
 * a multiprotocol capability of a wrong length counts as not sent.
 */
export function multiprotocolFamilies(open: WithCapabilities): number {
  let mask = 0;
  let seen = false;
  for (const { code, value } of open.capabilities) {
    if (code !== CapabilityCode.MULTIPROTOCOL || value.length !== 4) continue;
    seen = true;
    const family = familyOf((value[0] << 8) | value[1], value[3]);
    if (family !== undefined) mask |= 1 << family;
  }
  return seen ? mask : 1;
}

/** The AS number in the four-octet AS capability (RFC 6793), undefined without a well-formed one. */
export function asFromCapability(open: WithCapabilities): number | undefined {
  const found = open.capabilities.find(
    ({ code, value }) => code === CapabilityCode.FOUR_OCTET_AS && value.length === 4,
  );
  if (!found) return undefined;
  const [a, b, c, d] = found.value;
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/** What `makeCapabilities` is to offer. */
export interface OfferedCapabilities {
  /** Bitmask of families. */
  families: number;
  /** Own AS for the four-octet AS capability; leave out to be a two-octet speaker. */
  as?: number;
  routeRefresh?: boolean;
  extendedMessage?: boolean;
}

/** The capability list of a speaker, in ascending order of code. */
export function makeCapabilities(offered: OfferedCapabilities): Capability[] {
  const list: Capability[] = familiesOf(offered.families).map((family) => ({
    code: CapabilityCode.MULTIPROTOCOL,
    value: Uint8Array.of(afiOf(family) >> 8, afiOf(family), 0, safiOf(family)),
  }));
  const none = new Uint8Array(0);
  if (offered.routeRefresh) list.push({ code: CapabilityCode.ROUTE_REFRESH, value: none });
  if (offered.extendedMessage) list.push({ code: CapabilityCode.EXTENDED_MESSAGE, value: none });
  const { as } = offered;
  if (as !== undefined) {
    const value = Uint8Array.of(as >>> 24, as >>> 16, as >>> 8, as);
    list.push({ code: CapabilityCode.FOUR_OCTET_AS, value });
  }
  return list;
}

/**
 * Appends the capabilities in the value of one Capabilities Optional Parameter to `into`. Returns false when one overruns the parameter.
 * Lengths inside a capability are not judged: a value that its reader cannot use counts as not sent (RFC 5492 section 5).
 */
export function readCapabilities(buf: Uint8Array, start: number, end: number, into: Capability[]): boolean {
  let at = start;
  while (at < end) {
    if (end - at < 2) return false;
    const valueEnd = at + 2 + buf[at + 1];
    if (valueEnd > end) return false;
    into.push({ code: buf[at], value: buf.slice(at + 2, valueEnd) });
    at = valueEnd;
  }
  return true;
}
