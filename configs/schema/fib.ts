// The section fib: of the configuration file: what happens to the routes that the replicas agree to install.
import type { FibConfig } from '../model.js';
import { FIB_BACKENDS } from '../model.js';
import type { MapReader } from '../yaml-reader.js';

/** RTPROT_STATIC and everything below it belongs to the kernel and to administrators. */
const LOWEST_PROTOCOL = 5;
/** The restart time is a 12-bit field (RFC 4724, section 3). */
const LONGEST_RESTART = 4095;

export function readFib(root: MapReader): FibConfig {
  const reader = root.map('fib');
  const fib: FibConfig = {
    backend: reader.oneOf('backend', FIB_BACKENDS, 'kernel'),
    table: reader.integer(
      'table',
      { min: 1, max: 0xffffffff, what: 'the number of a routing table, not 255 (local)' },
      254,
    ),
    protocol: reader.integer('protocol', { min: LOWEST_PROTOCOL, max: 255 }, 179),
    metric: reader.integer('metric', { min: 1, max: 0xffffffff }, 179),
    advertiseAfterInstall: reader.boolean('advertise-after-install', false),
    keep: reader.boolean('keep', false),
    auditInterval: reader.duration('audit-interval', 60_000, { min: 1000, max: 86_400_000 }),
    restartTime: reader.integer(
      'restart-time',
      { min: 0, max: LONGEST_RESTART, what: `seconds up to ${LONGEST_RESTART}` },
      120,
    ),
    staleRoutes: reader.duration('stale-routes', 180_000, { min: 1000, max: 86_400_000 }),
  };
  if (fib.table === 255) reader.error('table', 'expected another table than 255, which is the kernel’s own (local)');
  if (fib.backend === 'none' && fib.advertiseAfterInstall) {
    reader.error('advertise-after-install', 'expected false: with backend none nothing is ever installed');
  }
  reader.finish();
  return fib;
}
