// Fault injection as a part of the router: what it can act on. Owns this wiring only; the faults are injection/.
import type { RouterContext } from './context.js';
import type { FibPort } from './fib/port.js';
import type { FibRequest } from './fib/protocol.js';
import { InjectionDesk } from './injection/injection-desk.js';
import type { Method } from './control/server.js';
import type { NeighborPort } from './neighbor-port.js';
import type { ReplicaPort } from './replica-port.js';

export interface InjectionPorts {
  neighbor(n: number): NeighborPort;
  replica(r: number): ReplicaPort;
}

export function openInjections(
  { config, log, tables, voteLog }: Pick<RouterContext, 'config' | 'log' | 'tables' | 'voteLog'>,
  fib: FibPort | undefined,
  { neighbor, replica }: InjectionPorts,
): InjectionDesk {
  const { prefixes, attributes } = tables;
  const targets = {
    replicas: config.replicas.map(({ name, fib: votes }, r) => ({
      name,
      fib: votes,
      pid: () => replica(r).status().pid ?? undefined,
      signal: (signal: NodeJS.Signals, all: boolean) => replica(r).signal(signal, all),
      loseSession: (n: number, text: string) => replica(r).loseSession(n, text),
    })),
    get neighbors() {
      return config.neighbors.map(({ address }) => address);
    },
    prefixes,
    attributes,
    voter: (n: number) => neighbor(n).voter,
    fib: fib === undefined ? undefined : (request: FibRequest) => fib.request(request),
    warn: (text: string) => log.warn(text),
    record: (line: string) => voteLog.append(line),
  };
  return new InjectionDesk(targets, Date.now());
}

/** Its methods on the control socket. */
export function injectionMethods(desk: InjectionDesk): Record<string, Method> {
  return {
    inject: (params) => desk.inject(params),
    'inject-random': (params) => desk.injectRandom(params),
    'inject-list': () => desk.list(),
    'inject-clear': (params) => desk.clear(params),
  };
}
