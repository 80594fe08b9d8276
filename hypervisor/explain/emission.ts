// What a neighbour is told of a verdict, and where it is told nothing, why: the last step of a prefix's way out. Owns the look-up; sending is
// emitter.ts, and that a route which a neighbour would drop as a loop counts as absent is intake.ts.
import { pathContainsAs } from '../../wire/bgp/canonical.js';
import { familyName } from '../../wire/family.js';
import type { RouterContext } from '../context.js';
import type { NeighborPort } from '../neighbor-port.js';
import { attributesAsObject } from '../vote-records.js';
import type { EmissionReport, RouteText } from './types.js';

type Context = Pick<RouterContext, 'tables' | 'replicator' | 'gate'>;

/** `others`: all neighbours. */
export function emission(
  context: Context,
  port: NeighborPort,
  others: readonly NeighborPort[],
  prefix: number,
): EmissionReport {
  const { tables, gate } = context;
  const { negotiated, voter } = port;
  const told = (state: EmissionReport['state'], text: string, holds: RouteText = null): EmissionReport => ({
    ...{ state, holds, text },
  });
  if (negotiated === undefined) return told('down', 'nothing: its session is down');
  const family = tables.prefixes.family(prefix);
  if (((negotiated.families >>> family) & 1) === 0) {
    return told('family', `nothing: ${familyName(family)} is not negotiated with it`);
  }
  const [verdict, advertised] = [voter.verdict(prefix), voter.advertised(prefix)];
  const holding = port.holds(prefix);
  const holds = holding
    ? attributesAsObject(tables.attributes, advertised === verdict ? verdict : known(advertised))
    : null;
  if (verdict === 0 && !holding) return noRoute(context, port, others, prefix);
  if (verdict === advertised && holding) return told('advertised', 'the verdict', holds);
  if (verdict === advertised) {
    return told('oversized', 'a withdrawal: the attributes do not fit a message to this neighbour');
  }
  if (verdict !== 0 && gate !== undefined && !gate.admits(prefix)) {
    return told('gated', 'the verdict, once the kernel has a route (fib.advertise-after-install)', holds);
  }
  return told('pending', 'the verdict, in a moment', holds);
}

/** An id, or nothing where the neighbour may hold anything. */
function known(advertised: number): number {
  return advertised === 0xffffffff ? 0 : advertised;
}

function noRoute(
  { tables, replicator }: Context,
  port: NeighborPort,
  others: readonly NeighborPort[],
  prefix: number,
): EmissionReport {
  const { peerAs } = port.config;
  const looped = others.some(({ voter, index }) => {
    const verdict = voter.verdict(prefix);
    return index !== port.index && verdict !== 0 && pathContainsAs(tables.attributes.get(verdict), peerAs);
  });
  const own = replicator.route(port.index, prefix) !== 0;
  if (!looped && !own) return { state: 'nothing', holds: null, text: 'nothing: there is no route' };
  const text = looped
    ? `nothing: its own AS ${peerAs} is in the path, and it would drop the route (which therefore counts as none)`
    : 'nothing: the best route comes from itself';
  return { state: 'loop', holds: null, text };
}
