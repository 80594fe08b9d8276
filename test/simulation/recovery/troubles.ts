// What goes wrong with replicas besides poison, and when, by the bug model. Within what can be outvoted, unless the scenario says otherwise.
import { nextBug, seededRandom } from '../../../recovery/bug-model.js';
import type { Lie } from '../model-replica.js';
import { Random } from '../random.js';
import type { RecoveryFault } from './scenario.js';
import type { RecoveryWorld } from './world.js';

const SLOW_READ = 900;

export class Troubles {
  /** How often each kind began. */
  readonly counts = new Map<string, number>();
  private readonly world: RecoveryWorld;
  private readonly random: Random;
  private nextId = 1;

  constructor(world: RecoveryWorld) {
    this.world = world;
    this.random = new Random(world.scenario.seed, 'troubles');
  }

  start(): void {
    const { scenario, queue } = this.world;
    const { faults, faultInterval, faultDuration, standby } = scenario;
    queue.at(scenario.activeFor, () => this.forgive());
    if (faults.length === 0) return;
    const replicas = [...standby.keys()];
    const draw = seededRandom(scenario.seed);
    const options = { meanInterval: faultInterval, meanDuration: faultDuration, kinds: faults, replicas };
    const next = (): void => {
      const bug = nextBug(options, draw);
      queue.after(bug.after, () => {
        if (queue.now >= scenario.activeFor) return;
        const end = Math.min(queue.now + bug.duration, scenario.activeFor);
        if (this.isAllowed(bug.replica)) this.begin(bug.kind, bug.replica, end);
        next();
      });
    };
    next();
  }

  private isAllowed(r: number): boolean {
    const { scenario, standing } = this.world;
    return !standing.isTroubled(r) && (scenario.beyond || standing.canBear(1 << r));
  }

  private begin(kind: RecoveryFault, r: number, end: number): void {
    const { world } = this;
    const host = world.hosts[r];
    if (!host.up && kind !== 'retire' && kind !== 'bad-start') return;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    // Who is slow is still right.
    if (kind === 'slow-reader') return this.slowDown(r, end);
    world.standing.begin(r, kind);
    if (kind === 'code-lie' || kind === 'state-lie' || kind === 'silence' || kind === 'stuck' || kind === 'altered') {
      this.mislead(kind, r, end);
      return;
    }
    const over = this.strike(kind, r);
    if (over === undefined) world.standing.end(r, kind);
    else {
      world.queue.at(end, () => {
        over();
        world.standing.end(r, kind);
      });
    }
  }

  /** Returns how it ends, undefined when it is over at once. */
  private strike(kind: RecoveryFault, r: number): (() => void) | undefined {
    const { world, random } = this;
    const host = world.hosts[r];
    if (kind === 'crash') host.exit('crash');
    else if (kind === 'kill') host.exit('killed');
    else if (kind === 'reset') host.fault('notification', random.below(world.neighbors.length));
    else if (kind === 'restart') world.desk.operate('restart', r);
    else if (kind === 'warning') world.desk.warned(r);
    else if (kind === 'bad-start') host.badStarts = 1 + random.below(3);
    else if (kind === 'retire') {
      world.desk.operate('retire', r);
      return () => void world.desk.operate('enable', r);
    } else if (kind === 'hang') {
      const { life } = host;
      host.model.hung = true;
      return () => {
        if (life === host.life) host.model.resume();
      };
    } else if (kind === 'crash-loop') {
      host.crashAfter = random.between(10, 2500);
      host.exit('crash');
      return () => (host.crashAfter = undefined);
    }
    return undefined;
  }

  private slowDown(r: number, end: number): void {
    const host = this.world.hosts[r];
    const usual = host.readInterval;
    if (usual === SLOW_READ) return;
    host.readInterval = SLOW_READ;
    this.world.queue.at(end, () => (host.readInterval = usual));
  }

  private mislead(kind: 'code-lie' | 'state-lie' | 'silence' | 'stuck' | 'altered', r: number, end: number): void {
    const { world, random } = this;
    const { routes, scenario, queue, standing } = world;
    const { model } = world.hosts[r];
    let prefixes = routes.ids.filter(() => random.chance(scenario.lieShare));
    if (prefixes.length === 0) prefixes = [random.pick(routes.ids)];
    if (kind === 'altered' && scenario.alterations.length > 0) {
      const id = this.nextId++;
      const choice = random.below(3);
      const alter = (_: number, prefix: number): number => routes.fakeRoute(prefix, choice);
      const what = random.pick(scenario.alterations);
      world.alter({ id, replica: r, kind: what, prefixes: what === 'mute' ? undefined : new Set(prefixes), alter });
      queue.at(end, () => {
        world.alterNoMore(id);
        standing.end(r, kind);
      });
      return;
    }
    for (const prefix of prefixes) model.lies.set(prefix, this.lieOf(kind));
    world.hosts[r].stateful = kind === 'state-lie';
    model.speakUp();
    if (scenario.lasting && kind !== 'state-lie') return;
    queue.at(end, () => {
      model.lies.clear();
      model.speakUp();
      standing.end(r, kind);
    });
  }

  /** Liars tell the same lie half of the time: the worst case. */
  private lieOf(kind: string): Lie {
    if (kind === 'silence' || kind === 'stuck') return { kind };
    return { kind: 'fake', choice: this.random.chance(0.5) ? 0 : this.random.below(3) };
  }

  /** The operator looks after those that were given up. */
  private forgive(): void {
    const { scenario, desk, hosts } = this.world;
    if (!scenario.forgiving) return;
    for (const { index } of hosts) if (desk.phase(index) === 'retired') desk.operate('enable', index);
  }
}
