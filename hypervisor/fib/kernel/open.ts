// Makes the backend that the configuration names.
import type { FibBackend, OwnRoutes, RouteTables } from './backend.js';
import { DryRunBackend } from './dry-run-backend.js';
import { KernelBackend } from './kernel-backend.js';

/** A backend that is not open yet. `tables` give prefix ids and ids of next-hop sets their meaning. */
export function openBackend(backend: FibBackend['name'], own: OwnRoutes, tables: RouteTables): FibBackend {
  return backend === 'kernel' ? new KernelBackend(own, tables) : new DryRunBackend(own, tables);
}
