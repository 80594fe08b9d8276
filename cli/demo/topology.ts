// The demo's little network: who is where, and the router's configuration file. Its AS numbers occur in none of the traces used:
// a route whose path holds one of them is a loop somewhere, and rightly refused.
import type { PlainKind } from '../lab/plain-configs.js';

export const ROUTER = { as: 64900, routerId: '10.0.0.1' } as const;

export interface DemoNeighbor {
  name: string;
  /** In the story's words. */
  role: string;
  as: number;
  address: string;
  routerAddress: string;
}

export const UPSTREAMS: readonly DemoNeighbor[] = [
  { name: 'upstream1', role: 'upstream 1', as: 64901, address: '10.0.1.2', routerAddress: '10.0.1.1' },
  { name: 'upstream2', role: 'upstream 2', as: 64902, address: '10.0.2.2', routerAddress: '10.0.2.1' },
];
export const CUSTOMER: DemoNeighbor = {
  name: 'customer',
  role: 'customer',
  as: 64903,
  address: '10.0.3.2',
  routerAddress: '10.0.3.1',
};
export const NEIGHBORS: readonly DemoNeighbor[] = [...UPSTREAMS, CUSTOMER];

export const REPLICAS: readonly PlainKind[] = ['frr', 'bird', 'openbgpd'];

/** Where the router serves its dashboard, inside its namespace. */
export const HTTP_PORT = 9179;

/** The router.yaml of the demo. `token`: of the dashboard. */
export function routerYaml(strategy: string, runDirectory: string, token: string): string {
  return [
    `router: { as: ${ROUTER.as}, router-id: ${ROUTER.routerId}, run-directory: ${runDirectory} }`,
    'neighbors:',
    ...NEIGHBORS.map(
      ({ address, as, routerAddress }) =>
        `  - { neighbor-address: ${address}, peer-as: ${as}, local-address: ${routerAddress}, passive-mode: true }`,
    ),
    'replicas:',
    ...REPLICAS.map((kind) => `  - { name: ${kind}, kind: ${kind} }`),
    // A lie is to be dealt with before the audience gets bored.
    `voting: { strategy: ${strategy}, fault-threshold: 2s }`,
    'fib: { backend: kernel }',
    `http: { port: ${HTTP_PORT}, token: ${token} }`,
    '',
  ].join('\n');
}
