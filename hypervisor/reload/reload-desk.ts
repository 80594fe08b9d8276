// Takes another configuration over into the running router: says what differs, closes and opens the sessions concerned, has replicas
// restarted one after the other, and puts everything back when a replica does not take it. Owns the order of these steps and what is told
// of them; what differs is configs/diff/, the restarts are rolling.ts, what is applied at once run-time.ts.
import { compareConfigs } from '../../configs/diff/compare.js';
import { mergeConfigs } from '../../configs/diff/merge.js';
import type { Change } from '../../configs/diff/types.js';
import type { NeighborConfig, RouterConfig } from '../../configs/model.js';
import { now, wallClock } from '../clock.js';
import type { RouterContext } from '../context.js';
import type { NeighborPort } from '../neighbor-port.js';
import type { NeighborPool } from '../neighbors/neighbor-pool.js';
import type { ReplicaPort } from '../replica-port.js';
import type { Alarm, RouterStatus } from '../status.js';
import { plainRecord } from '../vote-records.js';
import { fingerprintOf, type Equipment } from './equipment.js';
import { readCandidate, type Candidate, type LoadConfig } from './candidate.js';
import { RollingRestart, type RollingFailure } from './rolling.js';
import { adoptParties, applyLive, configureFib } from './run-time.js';
import { STEP_WORDS, type ConfigDiffAnswer, type ReloadStatus, type ReplicaStep } from './types.js';

/** RFC 4486. */
const CEASE = { PEER_DE_CONFIGURED: 3, OTHER_CONFIGURATION_CHANGE: 6 } as const;

export interface ReloadParts {
  context: RouterContext;
  /** All of them by index; new ones are added by `addNeighbor`. */
  neighbors: readonly NeighborPort[];
  replicas: readonly ReplicaPort[];
  pool: NeighborPool;
  load: LoadConfig;
  /** A port for the neighbour with this index, which the configuration has by now. */
  addNeighbor(index: number): void;
  /** What a replica is to be started with. */
  equipment(config: RouterConfig, r: number): Equipment;
  stopped(): boolean;
  /** A reload that changes something has begun; it has ended, well or not. */
  began(): void;
  ended(): void;
}

interface Plan {
  target: RouterConfig;
  changes: Change[];
  /** Changes that only a restart applies. */
  left: Change[];
  /** Replicas to be restarted. */
  restarts: number[];
  refused: string | null;
}

const NEVER: ReloadStatus = {
  state: 'none',
  id: 0,
  file: '',
  started: null,
  ended: null,
  text: 'no reload since the start',
  replicas: [],
  changes: [],
  left: 0,
};

export class ReloadDesk {
  private readonly parts: ReloadParts;
  /** By replica: what it runs with, or starts with the next time. */
  private readonly fingerprints: string[];
  private last: ReloadStatus = NEVER;
  private alarm: Alarm | undefined;

  constructor(parts: ReloadParts) {
    this.parts = parts;
    const { config } = parts.context;
    this.fingerprints = config.replicas.map((_, r) => fingerprintOf(config, r));
  }

  /** The reload that runs, or the last one. */
  get status(): ReloadStatus {
    return this.last;
  }

  /** What a reload has left behind that is not as it should be. */
  get raised(): Alarm[] {
    return this.alarm === undefined ? [] : [this.alarm];
  }

  /** Control method `config-diff`: `{ file, partial, force }`. Changes nothing. */
  compare(params: Record<string, unknown>): ConfigDiffAnswer {
    const candidate = this.read(params);
    const { file, digest, errors } = candidate;
    if (candidate.config === undefined) return { file, digest, errors, changes: [], restarts: [], refused: null };
    const { changes, restarts, refused } = this.plan(candidate, params);
    const names = this.parts.context.records.replicas;
    return { file, digest, errors, changes, restarts: restarts.map((r) => names[r]), refused };
  }

  /**
   * Control method `reload`: `{ file, digest, partial, force }`. Answers when it has begun; `status` tells how it goes on. Throws an Error
   * for the user when nothing is done.
   */
  begin(params: Record<string, unknown>): ReloadStatus {
    if (this.last.state === 'running') throw new Error(`a reload is under way: ${this.last.text}`);
    if (this.parts.stopped()) throw new Error('the router is shutting down');
    const candidate = this.read(params);
    if (candidate.config === undefined) throw new Error(`nothing was changed:\n${candidate.errors.join('\n')}`);
    if (params.digest !== undefined && params.digest !== candidate.digest) {
      throw new Error(`${candidate.file} has changed since it was compared: nothing was changed`);
    }
    const plan = this.plan(candidate, params);
    if (plan.refused !== null) throw new Error(`${plan.refused}: nothing was changed`);
    this.last = {
      ...NEVER,
      state: 'running',
      id: this.last.id + 1,
      file: candidate.file,
      started: wallClock(now()),
      text: 'begins',
      replicas: plan.restarts.map((r) => ({ name: this.nameOf(r), step: 'waiting' })),
      changes: plan.changes.filter((change) => !plan.left.includes(change)),
      left: plan.left.length,
    };
    this.parts.began();
    this.record('begins', `${plan.changes.length - plan.left.length} changes`);
    void this.run(plan).catch((error: Error) => this.end('failed', error.message));
    return this.last;
  }

  private read({ file }: Record<string, unknown>): Candidate {
    return readCandidate(typeof file === 'string' ? file : this.parts.context.config.file, this.parts.load);
  }

  private plan({ config: next, places }: Candidate, { partial, force }: Record<string, unknown>): Plan {
    const { config, records } = this.parts.context;
    const { changes } = compareConfigs(config, next!, places!);
    const left = changes.filter((change) => change.class === 'restart');
    const target = structuredClone(mergeConfigs(config, next!));
    const restarts = [...records.replicas.keys()].filter((r) => fingerprintOf(target, r) !== this.fingerprints[r]);
    const refused =
      left.length > 0 && partial !== true
        ? `${left.map(({ key }) => key).join(', ')} cannot be changed while the router runs (--partial applies the rest)`
        : this.tooFew(restarts, force === true);
    return { target, changes, left, restarts, refused };
  }

  /** Why replicas cannot be restarted now; null when they can. */
  private tooFew(restarts: readonly number[], force: boolean): string | null {
    const { electorate, config } = this.parts.context;
    if (force || !restarts.some((r) => electorate.has(r))) return null;
    const others = electorate.size - 1;
    const { quorum } = config.voting;
    if (others >= quorum && others > 0) return null;
    return `replicas have to be restarted, and ${others} would vote meanwhile, fewer than the quorum of ${quorum} (--force does it nevertheless)`;
  }

  private async run(plan: Plan): Promise<void> {
    const { context, pool } = this.parts;
    const { config } = context;
    const before = structuredClone(config);
    const { target } = plan;
    this.say(`${this.last.changes.length} changes from ${this.last.file}`);
    await pool.listenOn(target.neighbors.filter(({ removed }) => !removed).map(({ localAddress }) => localAddress));
    const touched = touchedSessions(before, target, this.last.changes);
    await this.close(touched, target);
    this.adopt(target, [...config.router.networks, ...target.router.networks]);
    const failure = await this.roll(plan.restarts, target, this.parts.context.electorate.size);
    if (failure !== undefined) {
      await this.putBack(failure, before, touched);
      return;
    }
    applyLive(this.parts, target);
    this.open(touched);
    this.alarm = undefined;
    const left = plan.left.length === 0 ? '' : `; not applied: ${plan.left.map(({ key }) => key).join(', ')}`;
    this.end('done', `${this.last.changes.length} changes applied${left}`);
  }

  /** CEASE to the neighbours that go, or whose sessions are to be opened anew. */
  private async close(touched: readonly number[], target: RouterConfig): Promise<void> {
    const { pool, neighbors } = this.parts;
    const known = touched.filter((n) => n < neighbors.length);
    if (known.length > 0) this.say(`closes ${known.length} sessions`);
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
    const { context, neighbors, addNeighbor } = this.parts;
    const known = neighbors.length;
    adoptParties(context.config, target);
    for (const [n, neighbor] of context.config.neighbors.entries()) {
      if (n < known) neighbors[n].reconfigure(neighbor);
      else addNeighbor(n);
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
  private async roll(
    replicas: readonly number[],
    target: RouterConfig,
    seats: number,
  ): Promise<(RollingFailure & { reached: readonly number[]; seats: number }) | undefined> {
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
          this.fingerprints[r] = fingerprintOf(target, r);
          ports[r].equip(equipment(target, r));
        },
        renew: (r) => recovery.renew(r, 'restarted with another configuration'),
        step: (r, step) => this.step(r, step),
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
    { replica, reason, reached, seats }: RollingFailure & { reached: readonly number[]; seats: number },
    before: RouterConfig,
    touched: readonly number[],
  ): Promise<void> {
    const { context } = this.parts;
    const text = `replica ${this.nameOf(replica)} did not take the new configuration: ${reason}`;
    this.raise(text);
    this.say(`${text}; what was changed is put back`, 'error');
    const added = context.config.neighbors.slice(before.neighbors.length).map(gone);
    const old = { ...before, neighbors: [...before.neighbors, ...added] };
    this.adopt(old, old.router.networks);
    const again = await this.roll([...reached], old, seats);
    this.open(touched);
    if (again === undefined) {
      this.end('failed', `${text}; the old configuration is in force again`);
      return;
    }
    const names = context.records.replicas.filter((_, r) => this.fingerprints[r] !== fingerprintOf(old, r));
    const left = names.length === 0 ? '' : `; with the new one: ${names.join(', ')}`;
    this.raise(
      `${text}; ${this.nameOf(again.replica)} did not come back with the old one either (${again.reason})${left}`,
    );
    // From here on recovery and fault finding have the last word on whoever differs.
    context.faults.setMixed(false, now());
    this.end('failed', this.alarm?.text ?? text);
  }

  private nameOf(r: number): string {
    return this.parts.context.records.replicas[r];
  }

  private step(r: number, step: ReplicaStep): void {
    const name = this.nameOf(r);
    const others = this.last.replicas.filter((replica) => replica.name !== name);
    const order = this.last.replicas.map((replica) => replica.name);
    const replicas = [...others, { name, step }].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
    this.last = { ...this.last, replicas };
    if (step !== 'waiting') this.say(`replica ${name}: ${STEP_WORDS[step]}`);
  }

  private say(text: string, level: 'info' | 'error' = 'info'): void {
    this.last = { ...this.last, text };
    this.parts.context.log.log(level, `reload: ${text}`);
  }

  private end(state: 'done' | 'failed', text: string): void {
    this.say(text, state === 'done' ? 'info' : 'error');
    this.last = { ...this.last, state, ended: wallClock(now()) };
    if (state === 'failed' && this.alarm === undefined) this.raise(text);
    this.record(state, text);
    this.parts.ended();
  }

  private raise(text: string): void {
    this.alarm = { kind: 'reload', text: `reload failed: ${text}`, since: this.alarm?.since ?? wallClock(now()) };
  }

  private record(state: string, text: string): void {
    const { voteLog } = this.parts.context;
    voteLog.append(plainRecord(now(), 'reload', { state, file: this.last.file, text }));
  }
}

const gone = (neighbor: NeighborConfig): NeighborConfig => ({ ...neighbor, removed: true });

/** Indexes of the neighbours that come, go, or need another session. */
function touchedSessions(before: RouterConfig, target: RouterConfig, changes: readonly Change[]): number[] {
  const keys = new Set(changes.filter(({ session }) => session).map(({ key }) => key.slice(0, key.indexOf(']') + 1)));
  return target.neighbors.flatMap(({ address, removed }, n) => {
    const was = before.neighbors[n];
    const comesOrGoes = (was === undefined || was.removed === true) !== (removed === true);
    return comesOrGoes || keys.has(`neighbors[${address}]`) ? [n] : [];
  });
}

/** What the router's status says of a reload. */
export function reloadSummary({ state, file, started, ended, text }: ReloadStatus): RouterStatus['reload'] {
  return state === 'none' || started === null ? null : { state, file, started, ended, text };
}
