// A backend for tests that holds what it is told to hold of our own routes, and walks over it in slices.
import { emptyStats } from '../../../../hypervisor/fib/kernel/backend.js';
import type { FibBackend, OwnDump, OwnRouteVisitor } from '../../../../hypervisor/fib/kernel/backend.js';
import { parsePrefix } from '../../../../wire/prefix-text.js';

const SLICE = 2;

export class FakeBackend implements FibBackend {
  readonly name = 'dry-run';
  readonly eventFd = -1;
  readonly stats = emptyStats();
  /** Canonical next hops by prefix. */
  readonly routes = new Map<string, Uint8Array>();
  /** Walks begin, and one that is under way ends with this error. */
  error: string | undefined;
  walks = 0;

  open(): void {}
  loadMirror(): void {}
  readEvents(): 'ok' {
    return 'ok';
  }
  write(): void {}
  removeStrays(): number {
    return 0;
  }
  refusal(): undefined {
    return undefined;
  }
  close(): void {}

  startDump(visit: OwnRouteVisitor): OwnDump {
    this.walks++;
    const left = [...this.routes];
    const dump: { error: string | undefined; step(): boolean } = {
      error: undefined,
      step: () => {
        if (this.error !== undefined) {
          dump.error = this.error;
          return false;
        }
        for (const [text, hops] of left.splice(0, SLICE)) {
          const prefix = parsePrefix(text)!;
          visit(prefix.family, prefix.address, prefix.bits, hops, hops.length);
        }
        return left.length > 0;
      },
    };
    return dump;
  }
}
