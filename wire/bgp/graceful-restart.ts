// The graceful restart capability (RFC 4724 section 3, code 64). Owns its bytes; what is offered, and what follows from what a
// peer offers, is decided in session/ and hypervisor/. The notification bit of RFC 8538 is read, never set: a NOTIFICATION of ours ends a session for good.
import { afiOf, familiesOf, familyOf, safiOf } from '../family.js';
import { CapabilityCode, type Capability } from './capabilities.js';

export interface GracefulRestart {
  /** R bit: the speaker has restarted, and nobody is to wait for its End-of-RIB before it sends routes. */
  restarting: boolean;
  /** N bit (RFC 8538): NOTIFICATIONs do not end the restart procedure either. */
  notification: boolean;
  /** How long a restart may take until the session is back, seconds, 0..4095. */
  restartTime: number;
  /** Bitmask (1 << Family): forwarding state of these is preserved over a restart. Empty: the speaker only helps others. */
  families: number;
  /** F bits, a subset of `families`: it was preserved over the restart that has just been. */
  forwarding: number;
}

const RESTARTING = 0x8000;
const NOTIFICATION = 0x4000;
export const MAX_RESTART_TIME = 0x0fff;
const FORWARDING = 0x80;

/** Times above {@link MAX_RESTART_TIME} are sent as that. */
export function encodeGracefulRestart(restart: GracefulRestart): Capability {
  const time = Math.min(Math.max(0, Math.trunc(restart.restartTime)), MAX_RESTART_TIME);
  const head = time | (restart.restarting ? RESTARTING : 0) | (restart.notification ? NOTIFICATION : 0);
  const value = [head >> 8, head & 0xff];
  for (const family of familiesOf(restart.families)) {
    const afi = afiOf(family);
    value.push(afi >> 8, afi & 0xff, safiOf(family), (restart.forwarding & (1 << family)) === 0 ? 0 : FORWARDING);
  }
  return { code: CapabilityCode.GRACEFUL_RESTART, value: Uint8Array.from(value) };
}

/**
 * What an OPEN says about graceful restart, undefined without a well-formed capability. Of several the last one counts (RFC 4724 section 3);
 * families that are not carried are left out.
 */
export function gracefulRestartOf(open: { capabilities: readonly Capability[] }): GracefulRestart | undefined {
  const last = open.capabilities.findLast(({ code }) => code === CapabilityCode.GRACEFUL_RESTART);
  if (last === undefined || last.value.length < 2 || last.value.length % 4 !== 2) return undefined;
  const { value } = last;
  const head = (value[0] << 8) | value[1];
  let [families, forwarding] = [0, 0];
  for (let at = 2; at < value.length; at += 4) {
    const family = familyOf((value[at] << 8) | value[at + 1], value[at + 2]);
    if (family === undefined) continue;
    families |= 1 << family;
    if ((value[at + 3] & FORWARDING) !== 0) forwarding |= 1 << family;
  }
  return {
    restarting: (head & RESTARTING) !== 0,
    notification: (head & NOTIFICATION) !== 0,
    restartTime: head & MAX_RESTART_TIME,
    families,
    forwarding,
  };
}
