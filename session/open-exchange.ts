// Judges a peer's OPEN against the session's configuration and works out what both sides have in common
// (RFC 4271 section 6.2, RFC 5492, RFC 6286). Owns no state; syntax was checked in wire/bgp/open.ts.
import {
  CapabilityCode,
  capabilityName,
  hasCapability,
  makeCapabilities,
  multiprotocolFamilies,
} from '../wire/bgp/capabilities.js';
import { bgpError, ErrorCode } from '../wire/bgp/error.js';
import type { BgpError } from '../wire/bgp/error.js';
import { encodeGracefulRestart, gracefulRestartOf } from '../wire/bgp/graceful-restart.js';
import type { GracefulRestart } from '../wire/bgp/graceful-restart.js';
import { BGP_VERSION, encodeOpen } from '../wire/bgp/open.js';
import type { OpenMessage } from '../wire/bgp/open.js';
import type { Negotiated, SessionConfig } from './types.js';

const BAD_PEER_AS = 2;
const BAD_BGP_IDENTIFIER = 3;
const UNSUPPORTED_CAPABILITY = 7;

/** The OPEN message that the configuration stands for, as bytes; `restart` is what it says about graceful restart. */
export function ownOpen(config: SessionConfig, restart: GracefulRestart | undefined): Uint8Array {
  const { localAs, holdTime, routerId } = config;
  const capabilities = [...config.capabilities, ...(restart ? [encodeGracefulRestart(restart)] : [])];
  return encodeOpen({ version: BGP_VERSION, as: localAs, holdTime, routerId, capabilities });
}

/** What the session will be with this peer, or the NOTIFICATION that its OPEN deserves. `restart`: as in `ownOpen`. */
export function negotiate(
  config: SessionConfig,
  restart: GracefulRestart | undefined,
  open: OpenMessage,
): Negotiated | BgpError {
  if (config.peerAs !== undefined && open.as !== config.peerAs) {
    return openError(BAD_PEER_AS, `peer has AS ${open.as}, AS ${config.peerAs} is configured`);
  }
  if (open.as === config.localAs && open.routerId === config.routerId) {
    return openError(BAD_BGP_IDENTIFIER, `peer in the same AS has our own identifier ${open.routerId}`);
  }
  const missing = config.requiredCapabilities?.filter((code) => !hasCapability(open, code)) ?? [];
  if (missing.length > 0) {
    const wanted = config.capabilities.filter(({ code }) => missing.includes(code));
    const reason = `peer does not offer ${missing.map(capabilityName).join(', ')}`;
    return openError(UNSUPPORTED_CAPABILITY, reason, capabilityBytes(wanted));
  }
  const ownFamilies = multiprotocolFamilies(config);
  const families = ownFamilies & multiprotocolFamilies(open);
  if (families === 0) {
    const data = capabilityBytes(makeCapabilities({ families: ownFamilies }));
    return openError(UNSUPPORTED_CAPABILITY, 'no address family in common', data);
  }
  const both = (code: number): boolean => hasCapability(config, code) && hasCapability(open, code);
  const holdTime = Math.min(config.holdTime, open.holdTime);
  return {
    peerAs: open.as,
    peerRouterId: open.routerId,
    holdTime,
    keepalive: holdTime === 0 ? 0 : Math.min(holdTime / 3, config.keepalive ?? Infinity),
    families,
    as4: both(CapabilityCode.FOUR_OCTET_AS),
    routeRefresh: both(CapabilityCode.ROUTE_REFRESH),
    extendedMessage: both(CapabilityCode.EXTENDED_MESSAGE),
    gracefulRestart: restart && gracefulRestartOf(open),
    peerOpen: open,
  };
}

/**
 * Which of two colliding connections stays: true = the one that we initiated (RFC 4271 section 6.8: the speaker with the higher
 * identifier keeps its own; RFC 6286: the higher AS decides between equal identifiers).
 */
export function keepsOwnConnection(config: SessionConfig, peer: OpenMessage): boolean {
  const own = identifierValue(config.routerId);
  const theirs = identifierValue(peer.routerId);
  return own === theirs ? config.localAs > peer.as : own > theirs;
}

function identifierValue(dotted: string): number {
  return dotted.split('.').reduce((value, byte) => value * 256 + Number(byte), 0);
}

function openError(subcode: number, reason: string, data?: Uint8Array): BgpError {
  return bgpError(ErrorCode.OPEN, subcode, reason, data);
}

/** RFC 5492 section 5: the data of 2/7 lists the capabilities that were missed, encoded as in an OPEN. */
function capabilityBytes(list: SessionConfig['capabilities']): Uint8Array {
  return Uint8Array.from(list.flatMap(({ code, value }) => [code, value.length, ...value]));
}
