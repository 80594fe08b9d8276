// Sessions with neighbours as lines of the vote log. Owns the kind `session`; what happened is told by neighbor-port.ts.
import type { DownReason, Negotiated } from '../session/types.js';
import { FAMILIES, familyName } from '../wire/family.js';
import { cut, plainRecord } from './vote-records.js';

export function upRecord(at: number, neighbor: string, { peerAs, families, holdTime, as4 }: Negotiated): string {
  const names = FAMILIES.filter((family) => (families & (1 << family)) !== 0).map(familyName);
  return plainRecord(at, 'session', { neighbor, state: 'up', as: peerAs, families: names, holdTime, as4 });
}

/** `failed`: an attempt that came to nothing. The reason may have words of the neighbour (RFC 9003). */
export function downRecord(at: number, neighbor: string, state: 'down' | 'failed', reason: DownReason): string {
  const { origin, code, subcode, text } = reason;
  const notification = origin === 'transport' ? {} : { code, subcode };
  return plainRecord(at, 'session', { neighbor, state, origin, ...notification, reason: cut(text) });
}
