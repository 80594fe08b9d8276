// Carries a reload out: what can fail without consequence comes first, then sessions are closed, replicas restarted one after the other, and
// sessions opened again; when a replica does not take it, everything is put back. Owns the order of these steps; the restarts are rolling.ts,
// what is applied at once run-time.ts, logs and servers outlets.ts.
import type { NeighborConfig, RouterConfig } from '../../configs/model.js';
import { now } from '../clock.js';
import type { RouterContext } from '../context.js';
import { counted } from '../counted.js';
import type { NeighborPort } from '../neighbor-port.js';
import type { NeighborPool } from '../neighbors/neighbor-pool.js';
import type { Outlets } from '../outlets.js';
import type { ReplicaPort } from '../replica-port.js';
import { fingerprintOf, type Equipment } from './equipment.js';
import { touchedSessions, type Plan } from './plan.js';
import type { ReloadProgress } from './progress.js';
import { RollingRestart, type RollingFailure } from './rolling.js';
import { adoptParties, applyLive, configureFib } from './run-time.js';

/** RFC 4486. */
const CEASE = { PEER_DE_CONFIGURED: 3, OTHER_CONFIGURATION_CHANGE: 6 } as const;

export interface TakeOverParts {
  context: RouterContext;
  /** All of them by index; new ones are added by `addNeighbor`. */
  neighbors: readonly NeighborPort[];
  replicas: readonly ReplicaPort[];
  pool: NeighborPool;
  outlets: Outlets;
  /** A port for the neighbour with this index, which the configuration has by now. */
  addNeighbor(index: number): void;
  /** What a replica is to be started with. */
  equipment(config: RouterConfig, r: number): Equipment;
  stopped(): boolean;
}

/** A rolling restart that stopped: who has the new configuration, and how many voted before. */
interface Stopped extends RollingFailure {
  reached: readonly number[];
  seats: number;
}

export class TakeOver {
  /** By replica: what it runs with, or starts with the next time. */
  readonly fingerprints: string[];
  private readonly parts: TakeOverParts;
  private readonly progress: ReloadProgress;

  constructor(parts: TakeOverParts, progress: ReloadProgress) {
    this.parts = parts;
    this.progress = progress;
    const { config } = parts.context;
    this.fingerprints = config.replicas.map((_, r) => fingerprintOf(config, r));
  }

  /** Resolves when it has ended, well or not; the progress says how. */
  async run(plan: Plan): Promise<void> {
    const { context, pool, outlets } = this.parts;
    const { target, left } = plan;
    const changes = plan.changes.filter((change) => !left.includes(change));
    const before = structuredClone(context.config);
    this.progress.say(`${counted(changes.length, 'change')} from ${this.progress.status.file}`);
    try {
      await pool.listenOn(target.neighbors.filter(({ removed }) => !removed).map(({ localAddress }) => localAddress));
      await outlets.adopt(target);
    } catch (error) {
      pool.tidy();
      this.progress.failed(`${(error as Error).message}: nothing was changed`);
      return;
    }
    const touched = touchedSessions(before, target, changes);
    await this.close(touched, target);
    this.adopt(target, [...before.router.networks, ...target.router.networks]);
    const failure = await this.roll(plan.restarts, target, context.electorate.size);
    if (failure !== undefined) {
      await this.putBack(failure, before, touched);
      return;
    }
    applyLive(this.parts, target);
    this.open(touched);
    const rest = left.length === 0 ? '' : `; not applied: ${left.map(({ key }) => key).join(', ')}`;
    this.progress.done(`${counted(changes.length, 'change')} applied${rest}`);
  }

  /** CEASE to the neighbours that go, or whose sessions are to be opened anew. */
  private async close(touched: readonly number[], target: RouterConfig): Promise<void> {
    const { pool, neighbors } = this.parts;
    const known = touched.filter((n) => n < neighbors.length);
    if (known.length > 0) this.progress.say(`closes ${counted(known.length, 'session')}`);
    await Promise.all(
      known.map((n) =>
        target.neighbors[n].removed === true
          ? pool.hold(n, CEASE.PEER_DE_CONFIGURED, 'removed from the configuration')
          : pool.hold(n, CEASE.OTHER_CONFIGURATION_CHANGE, 'its configuration changes'),
      ),
    );
  }

  /** From here on everybody who asks sees the new neighbours, policies and replicas. */
  private adopt(target: RouterConfig, networks: readonly string[]): void {
    const { context, neighbors, pool, addNeighbor } = this.parts;
    const known = neighbors.length;
    adoptParties(context.config, target);
    for (const [n, neighbor] of context.config.neighbors.entries()) {
      if (n < known) neighbors[n].reconfigure(neighbor);
      else {
        addNeighbor(n);
        // Whoever asks for its status finds a session, which is not opened yet.
        pool.renew(neighbors[n]);
      }
    }
    configureFib(context, networks);
  }

  private open(touched: readonly number[]): void {
    const { pool, neighbors } = this.parts;
    for (const n of touched) {
      if (neighbors[n].config.removed === true) continue;
      pool.renew(neighbors[n]);
      pool.release(n);
    }
    pool.tidy();
  }

  /** Restarts replicas with `target`. While they differ, nobody is blamed for it. */
  private async roll(replicas: readonly number[], target: RouterConfig, seats: number): Promise<Stopped | undefined> {
    const { context, replicas: ports, equipment, stopped } = this.parts;
    const { recovery, electorate, faults } = context;
    if (replicas.length === 0) return undefined;
    faults.setMixed(true, now());
    const rolling = new RollingRestart(
      {
        life: (r) => recovery.life(r),
        isVoting: (r) => electorate.has(r),
        voters: () => electorate.size,
        equip: (r) => {
          ports[r].equip(equipment(target, r));
          this.fingerprints[r] = fingerprintOf(target, r);
        },
        renew: (r) => recovery.renew(r, 'restarted with another configuration'),
        step: (r, step) => this.progress.step(this.nameOf(r), step),
        stopped,
      },
      seats,
    );
    const failure = await rolling.run(replicas);
    if (failure !== undefined) return { ...failure, reached: rolling.reached, seats };
    faults.setMixed(false, now());
    return undefined;
  }

  /** A replica did not take the new configuration: it gets the old one back, as do those that have the new one, and so do neighbours. */
  private async putBack(
    { replica, reason, reached, seats }: Stopped,
    before: RouterConfig,
    touched: readonly number[],
  ): Promise<void> {
    const { context, outlets } = this.parts;
    const text = `replica ${this.nameOf(replica)} did not take the new configuration: ${reason}`;
    this.progress.say(`${text}; what was changed is put back`, 'error');
    const added = context.config.neighbors.slice(before.neighbors.length).map(gone);
    const old = { ...before, neighbors: [...before.neighbors, ...added] };
    await outlets.adopt(old).catch((error: Error) => this.progress.say(error.message, 'error'));
    this.adopt(old, old.router.networks);
    const again = await this.roll([...reached], old, seats);
    this.open(touched);
    if (again === undefined) {
      this.progress.failed(`${text}; the old configuration is in force again`);
      return;
    }
    // From here on recovery and fault finding have the last word on whoever differs.
    context.faults.setMixed(false, now());
    const names = context.records.replicas.filter((_, r) => this.fingerprints[r] !== fingerprintOf(old, r));
    const left = names.length === 0 ? '' : `; with the new one: ${names.join(', ')}`;
    const other = `${this.nameOf(again.replica)} did not come back with the old one either (${again.reason})`;
    this.progress.failed(`${text}; ${other}${left}`);
  }

  private nameOf(r: number): string {
    return this.parts.context.records.replicas[r];
  }
}

const gone = (neighbor: NeighborConfig): NeighborConfig => ({ ...neighbor, removed: true });
