// What one source of the looking glass shows: the voted view, or what one replica says. Owns which routes belong to which list, and their
// entries; the paths are endpoints.ts. Ids of prefixes and attributes are looked up and let go within one step, for they may be swept.
import { now, wallClock } from '../clock.js';
import { Slices } from '../slices.js';
import type { RouterContext } from '../context.js';
import type { NeighborPort } from '../neighbor-port.js';
import { birdAttributes, type BirdAttributes } from './bird-attributes.js';

const UNKNOWN_ADVERTISED = 0xffffffff;
/** What BIRD calls the preference of BGP routes. */
const METRIC = 100;
/** Prefixes that are looked at before others may have a turn, if none of them is in the list. */
const EMPTY_STEPS = 2048;

/**
 * `received`: what the neighbour announces, `withheld`: the part of it that the replica is not given (quarantine); `sent`: what the neighbour
 * is told, or the replica would tell it; `held-back`: of a replica what was outvoted, of the voted view what waits to be sent.
 */
export type RouteList = 'received' | 'withheld' | 'sent' | 'held-back';

export interface BirdRoute {
  network: string;
  gateway: string;
  interface: string;
  metric: number;
  from_protocol: string;
  learnt_from: string;
  /** Since when, UTC. */
  age: string;
  type: string[];
  primary: boolean;
  bgp: BirdAttributes;
}

/** `YYYY-MM-DD HH:MM:SS`, UTC. */
export function birdTime(at: number): string {
  return wallClock(at).slice(0, 19).replace('T', ' ');
}

export const receivedId = (address: string): string => `received_${address}`;
export const sentId = (address: string): string => `sent_${address}`;

/** One list of one neighbour. */
export interface ListOf {
  port: NeighborPort;
  list: RouteList;
}

type Context = Pick<RouterContext, 'tables' | 'replicator' | 'records'>;

export class View {
  private readonly context: Context;
  /** Undefined: the voted view. */
  readonly replica: number | undefined;

  constructor(context: Context, replica: number | undefined) {
    this.context = context;
    this.replica = replica;
  }

  /** Lists as one list in JSON, piece by piece; pieces may be empty. */
  *json(lists: readonly ListOf[]): Generator<string> {
    let [separator, looked] = ['[', 0];
    for (const of of lists) {
      // The table may grow meanwhile.
      for (let prefix = 1; prefix < this.context.tables.prefixes.limit; prefix++) {
        const route = this.route(of, prefix);
        if (route !== undefined) {
          yield separator + JSON.stringify(route);
          separator = ',';
        } else if (++looked % EMPTY_STEPS === 0) yield '';
      }
    }
    yield separator === '[' ? '[]' : ']';
  }

  /** How many routes the lists have. */
  async count(lists: readonly ListOf[]): Promise<number> {
    const slices = new Slices();
    let total = 0;
    for (const of of lists) {
      for (let prefix = 1; prefix < this.context.tables.prefixes.limit; prefix++) {
        if (this.attributes(of, prefix) !== 0) total++;
        const pause = slices.step();
        if (pause !== undefined) await pause;
      }
    }
    return total;
  }

  /** The routes for one prefix; none for an id of 0. */
  routesOf(lists: readonly ListOf[], prefix: number): BirdRoute[] {
    return lists.flatMap((of) => this.route(of, prefix) ?? []);
  }

  private route(of: ListOf, prefix: number): BirdRoute | undefined {
    const id = prefix === 0 ? 0 : this.attributes(of, prefix);
    if (id === 0) return undefined;
    const { prefixes, attributes } = this.context.tables;
    const { address } = of.port.config;
    const bgp = birdAttributes(attributes.get(id));
    const inward = of.list === 'received' || of.list === 'withheld';
    return {
      network: prefixes.format(prefix),
      gateway: inward ? address : bgp.next_hop,
      interface: '',
      metric: METRIC,
      from_protocol: inward ? receivedId(address) : sentId(address),
      learnt_from: inward ? address : '',
      age: birdTime(this.since(of, prefix)),
      type: ['BGP', 'univ'],
      primary: of.list === 'sent',
      bgp,
    };
  }

  /** Id of the attributes with which a prefix is in a list; 0 when it is not. */
  private attributes({ port, list }: ListOf, prefix: number): number {
    const { replica } = this;
    if (list === 'received' || list === 'withheld') return this.announced(port.index, prefix, list === 'withheld');
    const { voter } = port;
    const verdict = voter.verdict(prefix);
    if (replica !== undefined) {
      const vote = voter.currentVote(replica, prefix);
      return list === 'sent' || vote !== verdict ? vote : 0;
    }
    const held = port.holds(prefix) ? voter.advertised(prefix) : 0;
    const sent = held === UNKNOWN_ADVERTISED ? verdict : held;
    if (list === 'sent') return sent;
    return sent === verdict ? 0 : verdict;
  }

  private announced(n: number, prefix: number, withheld: boolean): number {
    const { replicator } = this.context;
    const route = replicator.route(n, prefix);
    if (route === 0) return 0;
    const isWithheld = this.replica !== undefined && replicator.withholding.isWithheld(this.replica, n, prefix);
    return isWithheld === withheld ? route : 0;
  }

  /** When the route came to be as it is, ms: of the voted view, when its last input came in. */
  private since({ port, list }: ListOf, prefix: number): number {
    const { replicator } = this.context;
    const at = now();
    if (list === 'received' || list === 'withheld') return at - (replicator.routeAge(port.index, prefix, at) ?? 0);
    if (this.replica !== undefined) return at - (port.voter.voteAge(this.replica, prefix, at) ?? 0);
    return Math.max(port.upSince, replicator.inputTime(prefix));
  }
}
