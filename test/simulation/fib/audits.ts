// The audits of the FIB simulation: our routes in the model kernel are dumped in slices, each of which takes a while to arrive.
import type { Random } from '../random.js';
import type { FibSabotage } from './sabotage.js';
import type { FibWorld } from './world.js';

const AUDIT_SLICE = 4;
const MIN_AUDIT_DISTANCE = 200;

export class Audits {
  /** There is a reason not to wait for the next regular one. */
  wanted = false;
  /** Prefixes that the audit under way says nothing about, because something happened to them meanwhile. */
  readonly touched = new Set<number>();
  private readonly world: FibWorld;
  private readonly sabotage: FibSabotage;
  private readonly random: Random;
  private running = false;
  private last = 0;

  constructor(world: FibWorld, sabotage: FibSabotage, random: Random) {
    this.world = world;
    this.sabotage = sabotage;
    this.random = random;
  }

  /** The hypervisor starts anew. */
  restart(): void {
    this.running = false;
  }

  /** Begins an audit when it is time for one. */
  startIfDue(): void {
    const { installer, queue, scenario, notes } = this.world;
    const wanted = this.wanted || installer.auditWanted;
    const distance = wanted ? MIN_AUDIT_DISTANCE : scenario.auditInterval;
    if (this.running || this.sabotage === 'no-audit' || queue.now - this.last < distance) return;
    this.running = true;
    this.wanted = false;
    this.last = queue.now;
    this.touched.clear();
    installer.beginAudit();
    this.dumpSlice(0, notes.lastAction);
  }

  private dumpSlice(from: number, begunAt: number): void {
    const { world, random } = this;
    const { installer, queue, kernel, notes, ids, scenario } = world;
    const slice = ids.slice(from, from + AUDIT_SLICE);
    const routes = slice.filter((prefix) => kernel.own.has(prefix)).map((prefix) => [prefix, kernel.own.get(prefix)!]);
    world.inThisLife(random.between(0, 30), () => {
      if (queue.now < scenario.activeFor && random.chance(scenario.brokenDump)) {
        this.running = false;
        installer.abandonAudit();
        return;
      }
      for (const prefix of ids) world.nudge(prefix);
      for (const [prefix, hops] of routes) installer.auditSeen(prefix, hops, queue.now);
      if (from + AUDIT_SLICE < ids.length) return this.dumpSlice(from + AUDIT_SLICE, begunAt);
      this.running = false;
      installer.endAudit(queue.now);
      for (const prefix of ids) if (!this.touched.has(prefix)) notes.told(prefix, begunAt);
      world.writer.schedule();
    });
  }
}
