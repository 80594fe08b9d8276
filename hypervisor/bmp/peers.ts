// What BMP says of one neighbour: the per-peer headers of its views and how its session was opened and closed. Owns no state beyond that of
// one session; who is told is bmp-exporter.ts.
import type { NeighborConfig } from '../../configs/model.js';
import type { DownReason, Negotiated } from '../../session/types.js';
import { makeCapabilities } from '../../wire/bgp/capabilities.js';
import { encodeNotification } from '../../wire/bgp/notification.js';
import { BGP_VERSION, encodeOpen } from '../../wire/bgp/open.js';
import type { UpdateContext } from '../../wire/bgp/update.js';
import { peerHeader, type BmpDown, type BmpSession } from '../../wire/bmp/encode.js';
import { BmpDownReason, BmpPeerFlag, BmpPeerType } from '../../wire/bmp/types.js';
import { ALL_FAMILIES } from '../../wire/family.js';
import { parseAddress, parseIpv4 } from '../../wire/ip.js';

/** An event that RFC 4271 does not number. */
const NO_EVENT = Uint8Array.of(0, 0);

/** A session that is up, in the words of BMP. */
export interface BmpNeighbor {
  negotiated: Negotiated;
  /** How UPDATEs on it are to be read, and those of replicas for it. */
  rules: UpdateContext;
  replicaRules: UpdateContext;
  /** As received; Peer Up and Peer Down of the session. */
  received: Uint8Array;
  /** Adj-RIB-Out, post-policy. */
  sent: Uint8Array;
  session: BmpSession;
  /** The same for what replicas say for it: AS numbers always have four bytes there. */
  replicaPeer: Uint8Array;
  replicaSent: Uint8Array;
  replicaSession: BmpSession;
}

/** This speaker. */
export interface Self {
  as: number;
  routerId: string;
}

/** An OPEN as this speaker would send it, for sessions of which none was kept (RFC 9069 section 4.4 has them made up, too). */
function madeUp({ as, routerId }: Self, holdTime: number, families: number): Uint8Array {
  const capabilities = makeCapabilities({ families, as, routeRefresh: true });
  return encodeOpen({ version: BGP_VERSION, as, holdTime, routerId, capabilities });
}

export function bmpNeighbor(config: NeighborConfig, self: Self, negotiated: Negotiated): BmpNeighbor {
  const address = parseAddress(config.address)!;
  const { peerAs: as, peerRouterId, holdTime, families, as4, opens } = negotiated;
  const id = parseIpv4(peerRouterId)!;
  const { LEGACY_AS_PATH, ADJ_RIB_OUT, POST_POLICY } = BmpPeerFlag;
  const legacy = as4 ? 0 : LEGACY_AS_PATH;
  const sent = madeUp(self, holdTime, families);
  const received = madeUp({ as, routerId: peerRouterId }, holdTime, families);
  // The port that is not ours is not known to us; it is told as 0.
  const ends = { localAddress: parseAddress(config.localAddress)!, localPort: 0, remotePort: 0 };
  const ebgp = as !== self.as;
  return {
    negotiated,
    rules: { as4, ebgp, families },
    replicaRules: { as4: true, ebgp, families },
    received: peerHeader({ address, as, id, flags: legacy }),
    sent: peerHeader({ address, as, id, flags: legacy | ADJ_RIB_OUT | POST_POLICY }),
    session: { ...ends, sentOpen: opens?.sent ?? sent, receivedOpen: opens?.received ?? received },
    replicaPeer: peerHeader({ address, as, id }),
    replicaSent: peerHeader({ address, as, id, flags: ADJ_RIB_OUT | POST_POLICY }),
    replicaSession: { ...ends, sentOpen: sent, receivedOpen: received },
  };
}

/** RFC 7854 section 4.9. */
export function downReason({ origin, code, subcode, data }: DownReason): BmpDown {
  if (origin === 'transport') return { reason: BmpDownReason.REMOTE_NO_NOTIFICATION };
  const reason = origin === 'sent' ? BmpDownReason.LOCAL_NOTIFICATION : BmpDownReason.REMOTE_NOTIFICATION;
  // A session that ended without a word of ours has no code.
  if (code === 0) return { reason: BmpDownReason.LOCAL_EVENT, data: NO_EVENT };
  return { reason, data: encodeNotification({ code, subcode, data }) };
}

/** The replica's session for a neighbour is gone, for one of many reasons. */
export const REPLICA_DOWN: BmpDown = { reason: BmpDownReason.LOCAL_EVENT, data: NO_EVENT };

/**
 * The Loc-RIB as a peer (RFC 9069 section 4): zero address, our own AS and identifier, the same made-up OPEN twice. It is a filtered one:
 * what no neighbour is told is missing.
 */
export function locRibPeer(self: Self): { header: Uint8Array; session: BmpSession } {
  const open = madeUp(self, 0, ALL_FAMILIES);
  const none = new Uint8Array(0);
  const [type, flags] = [BmpPeerType.LOC_RIB, BmpPeerFlag.FILTERED];
  return {
    header: peerHeader({ address: none, as: self.as, id: parseIpv4(self.routerId)!, type, flags }),
    session: { localAddress: none, localPort: 0, remotePort: 0, sentOpen: open, receivedOpen: open },
  };
}
