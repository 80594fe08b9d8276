// The directory that OpenBGPD without the shim takes for granted. Owns looking it up and making it.
import { chmodSync, chownSync, existsSync, mkdirSync } from 'node:fs';
import { lookUp } from '../../hypervisor/replicas/account.js';

/** OpenBGPD's children chroot to the home of their user, which a reboot, and Debian's package before its first start, leave missing. */
export function makeOpenbgpdHome(): void {
  const home = lookUp('_openbgpd')?.home ?? '/run/openbgpd';
  if (existsSync(home)) return;
  mkdirSync(home, { recursive: true });
  chownSync(home, 0, 0);
  chmodSync(home, 0o755);
}
