// What can be asked of the running router, by name: the table behind the control socket and behind HTTP. Owns the list; each answer belongs
// to the part that gives it.
import { bmpMethods } from './bmp/control.js';
import type { Method } from './control/server.js';
import { Explainer } from './explain/explainer.js';
import { LivePatterns } from './explain/live-patterns.js';
import { OwnLog } from './explain/own-log.js';
import type { FibPort } from './fib/port.js';
import { quarantineMethods } from './quarantine/control.js';
import { recordMethods } from './recording/control.js';
import { reloadMethods } from './reload/control.js';
import { Reports } from './reports.js';
import type { RouterFib } from './router-fib.js';
import { injectionMethods } from './router-injection.js';
import { routerStatus, type StatusParts } from './router-status.js';

export interface MethodParts extends StatusParts {
  fib: RouterFib | undefined;
}

export function routerMethods(parts: MethodParts): Record<string, Method> {
  const { context, neighbors, replicas } = parts;
  const reports = new Reports(context, neighbors);
  const patterns = new LivePatterns(context, neighbors);
  const log = new OwnLog(() => context.config.voteLog.file);
  const explainer = new Explainer({ context, neighbors, replicas, reports, log });
  const withFib = (use: (fib: FibPort) => unknown): unknown => {
    if (context.fib === undefined) throw new Error('this router has no forwarding table (fib.backend: none)');
    return use(context.fib);
  };
  return {
    status: () => routerStatus(parts),
    fib: (query) => withFib((fib) => fib.routes(query)),
    'fib-verify': () => withFib(() => parts.fib?.verify()),
    votes: (params) => reports.ballots(params),
    faults: (params) => patterns.answer(params),
    explain: (params) => explainer.explain(params),
    'vote-log': () => context.config.voteLog,
    ...injectionMethods(context.injections),
    ...quarantineMethods(context.quarantine),
    ...recordMethods(context.config, () => context.recorder),
    ...bmpMethods(() => context.bmp),
    replica: (params) => context.recovery.command(params),
    ...reloadMethods(parts.reloads, context),
    'replica-pid': () => Object.fromEntries(replicas.map((replica) => [replica.name, replica.status().pid])),
  };
}
