// Who has a vote now, and who is master. Owned by the main thread and shared by all voters, which look at `members` at every vote
// and at `epoch` at every tick. Why a replica joins or leaves (synchronised, hung, faulty …) is decided elsewhere.

import { count } from './tally.js';

export const MAX_REPLICAS = 16;

/** All that an electorate is, to be handed to another thread. */
export interface ElectorateState {
  members: number;
  epoch: number;
  overthrows: number;
  master: number;
  order: number[];
}

/** A set of replicas, an order of succession, and a number that changes with both. */
export class Electorate {
  /** Bitmask of the replicas whose votes count. */
  members = 0;
  size = 0;
  /** Grows by one whenever members or master change. */
  epoch = 0;
  /** How often a master was overthrown: after that, unlike after a departure, the voters follow the new one at once. */
  overthrows = 0;
  /** The replica that leads under master-slave; -1 when there is no member. Keeps its place when others join. */
  master = -1;
  readonly replicas: number;
  private order: number[];

  /** `order` is the succession of masters; replicas that it leaves out follow by index. `replicas`: 1..16. */
  constructor(replicas: number, order: readonly number[] = []) {
    if (!(replicas >= 1 && replicas <= MAX_REPLICAS)) throw new RangeError(`replicas must be 1..${MAX_REPLICAS}`);
    this.replicas = replicas;
    this.order = [...new Set([...order, ...Array.from({ length: replicas }, (_, r) => r)])].filter((r) => r < replicas);
  }

  has(r: number): boolean {
    return ((this.members >>> r) & 1) === 1;
  }

  /** The members in the order in which they lead: the master, and whoever would follow it. */
  get succession(): number[] {
    const others = this.order.filter((r) => this.has(r) && r !== this.master);
    return this.master < 0 ? [] : [this.master, ...others];
  }

  get state(): ElectorateState {
    const { members, epoch, overthrows, master, order } = this;
    return { members, epoch, overthrows, master, order: [...order] };
  }

  /** Becomes the electorate that `state` describes, less everybody who is not in the bitmask `voters`. */
  protected assign(state: ElectorateState, voters: number): void {
    this.members = state.members & voters;
    this.size = count(this.members);
    this.epoch = state.epoch;
    this.overthrows = state.overthrows;
    this.order = [...state.order];
    this.master = (this.members >>> state.master) & 1 ? state.master : -1;
    if (this.master < 0) this.master = this.leader(this.members);
  }

  /** Returns false when it is a member already. */
  join(r: number): boolean {
    if (this.has(r)) return false;
    this.members |= 1 << r;
    this.size++;
    if (this.master < 0) this.master = r;
    this.epoch++;
    return true;
  }

  /** Returns false when it was no member. A master that leaves goes to the end of the succession. */
  leave(r: number): boolean {
    if (!this.has(r)) return false;
    this.members &= ~(1 << r);
    this.size--;
    if (this.master === r) this.succeed(this.members);
    this.epoch++;
    return true;
  }

  /**
   * Takes the lead from the master `r` and gives it to the next in order, of those in `candidates` if any of them is a member.
   * Nothing happens when `r` does not lead (two voters may find the same fault) or when there is nobody else.
   */
  overthrow(r: number, candidates: number = this.members): boolean {
    const others = this.members & ~(1 << r);
    if (this.master !== r || others === 0) return false;
    this.succeed((others & candidates) !== 0 ? others & candidates : others);
    this.overthrows++;
    this.epoch++;
    return true;
  }

  /** Whether the votes of `r` can decide without anybody else's, in some strategy: it leads, or at most one other could object. */
  canDecideAlone(r: number): boolean {
    return this.has(r) && (this.size <= 2 || this.master === r);
  }

  /** The first in the succession of masters out of the set `voters`, the present master before all; -1 when it is empty. */
  leader(voters: number): number {
    if (this.master >= 0 && (voters >>> this.master) & 1) return this.master;
    for (const r of this.order) if ((voters >>> r) & 1) return r;
    return -1;
  }

  private succeed(candidates: number): void {
    this.order.splice(this.order.indexOf(this.master), 1);
    this.order.push(this.master);
    this.master = this.order.find((r) => (candidates >>> r) & 1) ?? -1;
  }
}
