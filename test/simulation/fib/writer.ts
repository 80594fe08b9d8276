// From verdicts to the model kernel, as the hypervisor's loop does it: takes verdicts, carries out the installer's batches, and takes its reports.
// Most of the defects that can be put in are here.
import { OP_CREATE, OP_DELETE, OP_REPLACE } from '../../../fib/route-batch.js';
import type { Random } from '../random.js';
import type { Write } from './checker.js';
import type { FibSabotage } from './sabotage.js';
import type { FibWorld } from './world.js';

const AT_ONCE = 4;
/** Next hops that no replica ever speaks of. */
export const WRONG_HOPS = 8;

export class KernelWriter {
  /** Writes so far. */
  count = 0;
  private readonly world: FibWorld;
  private readonly sabotage: FibSabotage;
  private readonly random: Random;
  private readonly dirty = new Uint32Array(AT_ONCE);
  private readonly installed = new Uint32Array(AT_ONCE);
  private writing = false;

  constructor(world: FibWorld, sabotage: FibSabotage, random: Random) {
    this.world = world;
    this.sabotage = sabotage;
    this.random = random;
  }

  /** The hypervisor starts anew. */
  restart(): void {
    this.writing = false;
  }

  schedule(): void {
    if (this.writing) return;
    this.writing = true;
    this.world.inThisLife(this.random.between(0, this.world.scenario.writeDelay), () => this.write());
  }

  private write(): void {
    const { world } = this;
    const { installer, batch, queue } = world;
    this.writing = false;
    while (world.violation === undefined && world.nextWrites() > 0) {
      let failed = 0;
      for (let i = 0; i < batch.count; i++) {
        if (this.sabotage === 'spreading-errors' && failed !== 0) batch.errors[i] = failed;
        else batch.errors[i] = this.carryOut(batch.op[i], batch.prefix[i], batch.hops[i]);
        failed ||= batch.errors[i];
        if (this.sabotage === 'swallowed-errors') batch.errors[i] = 0;
      }
      installer.settle(batch, queue.now);
      this.takeReports();
    }
    this.takeReports();
    installer.drainEvents();
  }

  /** Hands the new verdicts to the installer. */
  takeVerdicts(): void {
    const { world, dirty, random } = this;
    const { voter, installer, queue, notes } = world;
    for (let count = voter.takeDirty(dirty); count > 0; count = voter.takeDirty(dirty)) {
      for (let i = 0; i < count; i++) {
        const verdict = voter.verdict(dirty[i]);
        voter.markAdvertised(dirty[i], verdict);
        if (this.sabotage === 'lost-verdict' && random.chance(0.05)) continue;
        world.nudge(dirty[i]);
        notes.wanted.add(dirty[i]);
        installer.want(dirty[i], verdict, queue.now);
        if (this.sabotage === 'early-report' && verdict !== 0) this.report(dirty[i]);
      }
    }
  }

  private takeReports(): void {
    const { installed } = this;
    const { installer } = this.world;
    for (let count = installer.takeInstalled(installed); count > 0; count = installer.takeInstalled(installed)) {
      for (let i = 0; i < count; i++) {
        if (this.sabotage !== 'lost-report' || !this.random.chance(0.05)) this.report(installed[i]);
      }
    }
  }

  private report(prefix: number): void {
    const { world } = this;
    world.notes.reported.set(prefix, world.installer.wantedHops(prefix));
    world.ask((checker) => checker.onReport?.(world, prefix));
  }

  private carryOut(op: number, prefix: number, hops: number): number {
    const { sabotage } = this;
    if (sabotage === 'replace-always' && op === OP_CREATE) return this.toKernel(OP_REPLACE, prefix, hops);
    if (sabotage === 'wrong-write' && op !== OP_DELETE && this.random.chance(0.05)) {
      return this.toKernel(op, prefix, WRONG_HOPS);
    }
    if (sabotage === 'delete-first' && op === OP_REPLACE) {
      this.toKernel(OP_DELETE, prefix, this.world.installer.installedHops(prefix));
      return this.toKernel(OP_CREATE, prefix, hops);
    }
    return this.toKernel(op, prefix, hops);
  }

  private toKernel(op: number, prefix: number, hops: number): number {
    const { world } = this;
    const { kernel } = world;
    const before = kernel.own.get(prefix) ?? 0;
    const foreign = kernel.foreign.has(prefix);
    const errno = kernel.write(op, prefix, hops);
    const write: Write = { op, prefix, hops, errno, before, harmed: foreign && !kernel.foreign.has(prefix) };
    this.count++;
    world.audits.touched.add(prefix);
    world.ask((checker) => checker.onWrite?.(world, write));
    if (errno !== 0) world.notes.troubled.set(prefix, world.queue.now);
    return errno;
  }
}
