// Which prefixes the kernel has by now, and which it has no longer, for neighbours that are told of a route only when packets for it can
// be forwarded: collected and written as NLRI.
import type { FibEngine } from '../../fib/engine.js';
import { FAMILIES } from '../../wire/family.js';
import type { InstalledNlri } from './protocol.js';

const AT_ONCE = 8192;
/** Length byte and address. */
const MAX_NLRI = 17;

export class InstalledNews {
  private readonly engine: FibEngine;
  private readonly ids = new Uint32Array(AT_ONCE);
  private readonly out = new Uint8Array(AT_ONCE * MAX_NLRI);

  constructor(engine: FibEngine) {
    this.engine = engine;
  }

  /** At most some thousand prefixes of each sort; undefined when there are no news. */
  take(): InstalledNlri | undefined {
    const { engine, ids } = this;
    const removed = this.written(engine.takeWithdrawn(ids));
    const installed = this.written(engine.installer.takeInstalled(ids));
    const empty = [...removed, ...installed].every((nlri) => nlri.length === 0);
    return empty ? undefined : { installed, removed };
  }

  private written(count: number): readonly [Uint8Array, Uint8Array] {
    const { ids, out } = this;
    const { prefixes } = this.engine;
    const [ipv4, ipv6] = FAMILIES.map((family) => {
      let at = 0;
      for (let i = 0; i < count; i++) if (prefixes.family(ids[i]) === family) at = prefixes.writeNlri(ids[i], out, at);
      return out.slice(0, at);
    });
    return [ipv4, ipv6];
  }
}
