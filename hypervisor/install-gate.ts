// advertise-after-install: which prefixes the forwarding table holds, so that a route is announced only when packets for it can be
// forwarded. Owns that set, by prefix id of the main tables; emitters ask it, the FIB tells it. Withdrawals need no permission.
import type { RouterConfig } from '../configs/model.js';
import { NlriCursor } from '../wire/bgp/nlri.js';
import type { Family } from '../wire/family.js';
import type { PrefixTable } from '../wire/prefix-table.js';
import type { IdHolder } from './tables.js';

const INSTALLED = 1;
/** Own networks: no replica installs them. */
const EXEMPT = 2;

export class InstallGate implements IdHolder {
  private readonly opened: (prefix: number) => void;
  private readonly cursor = new NlriCursor();
  private readonly prefixes: PrefixTable;
  private state = new Uint8Array(1 << 12);

  /** `networks`: prefixes that may always be announced. `opened` is called for each prefix that may be announced from now on. */
  constructor(prefixes: PrefixTable, networks: readonly string[], opened: (prefix: number) => void) {
    this.prefixes = prefixes;
    this.opened = opened;
    for (const network of networks) this.set(prefixes.parse(network), EXEMPT);
  }

  /** These prefixes may always be announced from now on. */
  exempt(networks: readonly string[]): void {
    for (const network of networks) {
      const prefix = this.prefixes.parse(network);
      const was = this.admits(prefix);
      this.set(prefix, EXEMPT);
      if (!was) this.opened(prefix);
    }
  }

  /** Whether a route to this prefix may be announced. */
  admits(prefix: number): boolean {
    return prefix < this.state.length && this.state[prefix] !== 0;
  }

  /**
   * News from the forwarding table: it holds a route for these prefixes (NLRI), or holds none any longer. What was announced stays until
   * the replicas withdraw it. A prefix for which the prefix table has no room is forgotten, as its routes are.
   */
  note(family: Family, nlri: Uint8Array, held: boolean): void {
    const { cursor, prefixes } = this;
    cursor.reset(nlri, 0, nlri.length, family);
    while (cursor.next()) {
      if (held) this.open(prefixes.intern(family, nlri, cursor.at, cursor.bits));
      else this.close(prefixes.find(family, nlri, cursor.at, cursor.bits));
    }
  }

  markAttributes(): void {
    // None are held.
  }

  markPrefixes(used: Uint8Array): void {
    const end = Math.min(used.length, this.state.length);
    for (let prefix = 1; prefix < end; prefix++) if (this.state[prefix] !== 0) used[prefix] = 1;
  }

  private open(prefix: number): void {
    if (prefix === 0) return;
    const was = this.admits(prefix);
    this.set(prefix, INSTALLED);
    if (!was) this.opened(prefix);
  }

  private close(prefix: number): void {
    if (prefix < this.state.length) this.state[prefix] &= ~INSTALLED;
  }

  private set(prefix: number, flag: number): void {
    if (prefix >= this.state.length) {
      const bigger = new Uint8Array(Math.max(prefix + 1, this.state.length * 2));
      bigger.set(this.state);
      this.state = bigger;
    }
    this.state[prefix] |= flag;
  }
}

/** The gate that the configuration asks for, if any. */
export function installGateOf(
  { fib, router }: RouterConfig,
  prefixes: PrefixTable,
  opened: (prefix: number) => void,
): InstallGate | undefined {
  const wanted = fib.advertiseAfterInstall && fib.backend !== 'none';
  return wanted ? new InstallGate(prefixes, router.networks, opened) : undefined;
}
