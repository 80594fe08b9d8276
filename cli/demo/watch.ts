// Waiting in the demo: polls the router's status, draws it, and notices when a process that is needed has ended.
import type { RouterStatus } from '../../hypervisor/status.js';
import { waitFor } from '../lab/wait.js';
import type { DemoNetwork } from './network.js';
import type { Screen } from './screen.js';
import { NEIGHBORS } from './topology.js';

const POLL_MS = 50;

export interface Watch<T> {
  what: string;
  deadlineMs: number;
  until: (status: RouterStatus) => T | undefined | false | Promise<T | undefined | false>;
}

/**
 * Polls the status until `until` answers. `prefixes`: how many each upstream plays, if known. Throws at once when a process that is needed
 * has ended.
 */
export async function watch<T>(
  network: DemoNetwork,
  screen: Screen,
  prefixes: number | undefined,
  wanted: Watch<T>,
): Promise<T> {
  let failure: unknown;
  const answer = await waitFor(
    async () => {
      try {
        network.checkAlive();
      } catch (error) {
        failure = error;
        return { value: undefined };
      }
      const status = await network.status();
      screen.draw(status, NEIGHBORS, prefixes);
      const value = await wanted.until(status);
      return value !== undefined && value !== false && { value };
    },
    { what: wanted.what, deadlineMs: wanted.deadlineMs, intervalMs: POLL_MS },
  );
  if (failure !== undefined) throw failure;
  return answer.value as T;
}
