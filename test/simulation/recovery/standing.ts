// Who may be wrong now: replicas with which something was done that is not over, that lack a route, or that will die of what is announced.
// The checkers hold the router to its promises about all the others, as long as these can outvote them.
import { poisonOf, type PoisonKind } from './poison.js';
import { bits } from './scenario.js';
import type { RecoveryWorld } from './world.js';

/** A replica is well again when it looked well for so long, ms: what was seen of it before is acted upon by then. */
const WELL_FOR = 600;
/** What was decided while the wrong ones were too many has had its consequences after this time, ms. */
const REGAINED_AFTER = 10_000;
/** What it was given last has done no harm when a probe from so long after came back, ms. */
const HARMLESS_AFTER = 200;

export class Standing {
  /** By replica: what goes on with it, by name. */
  private readonly troubles: Map<string, number>[];
  /** Bitmask: had trouble, and is not known to be well again. */
  private recovering = 0;
  private readonly wellSince: Float64Array;
  /** When poison last came in that it may die of, ms. */
  private readonly poisonedAt: Float64Array;
  private outvotedAt = -Infinity;
  private readonly kinds = new Map<number, PoisonKind | null>();
  private readonly world: RecoveryWorld;

  constructor(world: RecoveryWorld) {
    const { length } = world.scenario.standby;
    this.world = world;
    this.troubles = Array.from({ length }, () => new Map<string, number>());
    this.wellSince = new Float64Array(length).fill(Infinity);
    this.poisonedAt = new Float64Array(length).fill(-Infinity);
  }

  begin(r: number, trouble: string): void {
    this.troubles[r].set(trouble, (this.troubles[r].get(trouble) ?? 0) + 1);
    this.recovering |= 1 << r;
    this.wellSince[r] = Infinity;
  }

  end(r: number, trouble: string): void {
    const left = (this.troubles[r].get(trouble) ?? 1) - 1;
    if (left > 0) this.troubles[r].set(trouble, left);
    else this.troubles[r].delete(trouble);
  }

  isTroubled(r: number): boolean {
    return this.troubles[r].size > 0;
  }

  /** Poison comes in. */
  poison(kind: PoisonKind): void {
    const victims = this.world.scenario.vulnerable[kind];
    for (let r = 0; r < this.troubles.length; r++) {
      if (((victims >>> r) & 1) === 0) continue;
      this.poisonedAt[r] = this.world.queue.now;
      this.recovering |= 1 << r;
      this.wellSince[r] = Infinity;
    }
  }

  /**
   * Whether the right ones can outvote the others, and could for long. (A neighbour may repeat at any time what two replicas cannot be given
   * for different reasons.)
   */
  get inControl(): boolean {
    const { world } = this;
    return !world.scenario.beyond && !this.isOutvoted() && world.queue.now - this.outvotedAt > REGAINED_AFTER;
  }

  /** Bitmask of those that may be wrong, or have no say somewhere. */
  get bad(): number {
    let mask = this.recovering;
    const { abstentions } = this.world;
    for (let r = 0; r < this.troubles.length; r++) {
      if (abstentions.count(r) > 0 || this.isExposed(r)) mask |= 1 << r;
    }
    return mask;
  }

  isBad(r: number): boolean {
    return ((this.bad >>> r) & 1) === 1;
  }

  /** Whether the rest can outvote those in the bitmask `more`, and all that are bad already, whoever of them votes. */
  canBear(more: number): boolean {
    const { world } = this;
    const bad = this.bad | more;
    let retired = 0;
    for (let r = 0; r < this.troubles.length; r++) if (world.desk.phase(r) === 'retired') retired |= 1 << r;
    const good = bits(world.electorate.members & ~bad);
    return good > bits(bad & ~retired) && good >= Math.max(2, world.scenario.minVotes);
  }

  tick(now: number): void {
    if (this.isOutvoted()) this.outvotedAt = now;
    for (let r = 0; r < this.troubles.length; r++) {
      if (((this.recovering >>> r) & 1) === 0) continue;
      if (!this.looksWell(r)) this.wellSince[r] = Infinity;
      else if (this.wellSince[r] === Infinity) this.wellSince[r] = now;
      else if (now - this.wellSince[r] >= WELL_FOR) this.recovering &= ~(1 << r);
    }
  }

  /** Whether replica `r` says what a correct one says that was given the same, and nothing is done with it. */
  looksWell(r: number): boolean {
    const { world } = this;
    const host = world.hosts[r];
    if (this.isTroubled(r) || host.badStarts > 0 || host.crashAfter !== undefined) return false;
    const phase = world.desk.phase(r);
    if (phase === 'off') return true;
    if ((phase !== 'voting' && phase !== 'standby') || host.model.hung || world.isAltered(r)) return false;
    if (!(world.caughtUp[r] > Math.max(this.poisonedAt[r], host.dosedAt + HARMLESS_AFTER))) return false;
    return world.neighbors.every(({ index: n, up }) => {
      const voter = world.voters[n];
      const right = (prefix: number): boolean =>
        voter.abstains(r, prefix) || voter.currentVote(r, prefix) === host.model.bestFor(n, prefix);
      return !up || (voter.dissentCount(r) === 0 && world.routes.ids.every(right));
    });
  }

  /** Of what is announced now, more would have to be withheld from it, or is, than its quarantine holds: it dies again and again. */
  isOverrun(r: number): boolean {
    const { replicator, neighbors, scenario } = this.world;
    const routes = new Set<number>();
    for (const { index: n, up, announced } of neighbors) {
      if (!up) continue;
      for (const [prefix, route] of announced) {
        if (this.isLethal(r, route) || replicator.withholding.isWithheld(r, n, prefix)) routes.add(route);
      }
    }
    return routes.size > scenario.maxQuarantined;
  }

  private isOutvoted(): boolean {
    const { members } = this.world.electorate;
    const wrong = bits(members & this.bad);
    return wrong > 0 && wrong >= bits(members) - wrong;
  }

  /** Something is announced, and not withheld from it, that it dies of whenever it is given it. */
  private isExposed(r: number): boolean {
    const { world } = this;
    for (const { index: n, up, announced } of world.neighbors) {
      if (!up) continue;
      for (const [prefix, route] of announced) {
        if (this.isLethal(r, route) && !world.replicator.withholding.isWithheld(r, n, prefix)) return true;
      }
    }
    return false;
  }

  /** Whether it dies of a route in whatever message it is given it. */
  private isLethal(r: number, route: number): boolean {
    const kind = this.kindOf(route);
    return kind !== null && kind !== 'mixed' && this.world.isVulnerable(r, kind);
  }

  private kindOf(route: number): PoisonKind | null {
    let kind = this.kinds.get(route);
    if (kind === undefined) this.kinds.set(route, (kind = poisonOf(this.world.routes.attributes.get(route)) ?? null));
    return kind;
  }
}
