// The faults of the soak: every few seconds one replica is killed, stopped, made mute or made to lie, whenever all the others vote, so that
// never more than one is faulty of its own accord. Watches meanwhile that no session is lost and how much memory the hypervisor takes.
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../cli/lab/wait.js';
import type { ControlClient } from '../../hypervisor/control/client.js';
import type { FibVerification } from '../../hypervisor/fib/status.js';
import type { QuarantineListing } from '../../hypervisor/quarantine/report.js';
import type { ReplicaStatus, RouterStatus } from '../../hypervisor/status.js';
import type { Random } from '../simulation/random.js';
import type { CustomerReport } from './trace-lab.js';

/** Between two faults, ms; longer while a replica is still on its way back. */
const PAUSE = { from: 2000, to: 6000 };
/** What a replica's own fault may still cause afterwards, ms: a restart, a table to load, a stopped process's backlog. */
const AFTERMATH_MS = 30_000;
/** How long one that lies or is mute does so, ms: shorter and longer than the thresholds. */
const SPELL = { from: 500, to: 12_000 };
const PROGRESS_MS = 30_000;
/** Sixteen trials may wait, and each takes two minutes at most; most take seconds. */
const WELL_DEADLINE_MS = 600_000;
/** What is on probation after many deaths may come back later than that: then the tables are compared nevertheless. */
const SETTLED_MS = 600_000;

const LIES = ['drop', 'extra', 'wrong-nexthop', 'wrong-attribute', 'stale'] as const;
type Lie = (typeof LIES)[number];
type Trouble = 'kill' | 'segfault' | 'stop' | 'mute' | 'lie';
const TROUBLES: readonly Trouble[] = ['kill', 'segfault', 'stop', 'mute', 'lie', 'lie', 'lie'];

export class SoakFaults {
  injected = 0;
  /** Faults that the router refused: the replica had nothing to be wrong about at that moment. */
  refused = 0;
  /** Resident bytes of the hypervisor, once for every turn. */
  readonly memory: number[] = [];
  /** Sessions that were not up when they should have been. */
  readonly flaps: string[] = [];
  verification: unknown;
  /** Neighbours that have been up, as all are a while after the start. */
  private readonly up = new Set<string>();
  private readonly counts = new Map<string, number>();
  /** When each replica was last made to fail, and until when at most; ms of the wall clock. */
  private readonly spells: { replica: string; from: number; to: number }[] = [];
  private readonly random: Random;
  private readonly say: (line: string) => void;

  constructor(random: Random, say: (line: string) => void) {
    this.random = random;
    this.say = say;
  }

  /** Makes trouble for so many seconds. */
  async run(control: ControlClient, seconds: number, customer: () => Readonly<CustomerReport>): Promise<void> {
    const started = performance.now();
    let told = started;
    while (performance.now() - started < seconds * 1000) {
      const status = (await control.request('status')) as RouterStatus;
      this.watch(status, customer());
      const victim = this.random.pick(status.replicas);
      const others = status.replicas.filter((replica) => replica !== victim);
      if (victim.state === 'voting' && others.every(({ state }) => state === 'voting')) {
        await this.trouble(control, victim);
      }
      if (performance.now() - told > PROGRESS_MS) {
        told = performance.now();
        const minutes = ((told - started) / 60_000).toFixed(1);
        this.say(
          `${minutes} min  ${this.summary()}  ${Math.round(status.memory / 1e6)} MB  ${this.flaps.length} flaps`,
        );
      }
      await sleep(this.random.between(PAUSE.from, PAUSE.to));
    }
    this.say(
      `the faults are over  ${withheld((await control.request('quarantine', { limit: 1 })) as QuarantineListing)}`,
    );
  }

  /** Nothing is injected any more, all replicas vote, and what was withheld from them has been tried. */
  async untilWell(control: ControlClient): Promise<void> {
    await control.request('inject-clear');
    await waitFor(
      async () => {
        const status = (await control.request('status')) as RouterStatus;
        const { trials } = (await control.request('quarantine', { limit: 1 })) as QuarantineListing;
        const tried = trials.running === null && trials.waiting === 0;
        return tried && status.replicas.every(({ state }) => state === 'voting');
      },
      { what: 'all replicas vote again and no trial is left', deadlineMs: WELL_DEADLINE_MS, intervalMs: 500 },
    );
  }

  /** As above, and everything innocent has been given back; for 10 minutes at most. */
  async untilSettled(control: ControlClient): Promise<void> {
    await this.untilWell(control);
    const started = performance.now();
    let told = -Infinity;
    for (;;) {
      const listing = (await control.request('quarantine', { limit: 1 })) as QuarantineListing;
      const waited = performance.now() - started;
      const settled = listing.onProbation === 0;
      if (settled || waited > SETTLED_MS || waited - told > PROGRESS_MS) {
        told = waited;
        this.say(`${(waited / 60_000).toFixed(1)} min after  ${withheld(listing)}`);
      }
      if (settled || waited > SETTLED_MS) return;
      await sleep(1000);
    }
  }

  /** Compares verdicts, kernel and what neighbours were told once nothing is on its way any more: what was played last may still be worked off. */
  async verify(control: ControlClient): Promise<void> {
    const deadline = performance.now() + WELL_DEADLINE_MS;
    for (;;) {
      const found = (await control.request('fib-verify')) as FibVerification;
      this.verification = found;
      if (found.quiet || performance.now() > deadline) return;
      await sleep(1000);
    }
  }

  summary(): string {
    return [...this.counts].map(([what, count]) => `${what} ${count}`).join(', ');
  }

  /** Lines of the log that warn early of a replica which nobody had made to fail. */
  needlessWarnings(log: string): string[] {
    return log.split('\n').filter((line) => {
      const [, time, replica] = /^(\S+) warn +replica (\S+): early warning/.exec(line) ?? [];
      if (time === undefined) return false;
      const at = Date.parse(time);
      return !this.spells.some((spell) => spell.replica === replica && spell.from <= at && at <= spell.to);
    });
  }

  private watch(status: RouterStatus, customer: Readonly<CustomerReport>): void {
    this.memory.push(status.memory);
    for (const { address, state, flaps } of status.neighbors) {
      if (state === 'Established') this.up.add(address);
      else if (this.up.has(address)) this.flaps.push(`${address}: ${state}, ${flaps} flaps`);
    }
    if (customer.faults.length > 0) this.flaps.push(`customer: ${JSON.stringify(customer.faults)}`);
  }

  private async trouble(control: ControlClient, victim: ReplicaStatus): Promise<void> {
    const { name } = victim;
    const trouble = this.random.pick(TROUBLES);
    const kind = trouble === 'lie' ? this.random.pick(LIES) : trouble;
    const spell = Math.round(this.random.between(SPELL.from, SPELL.to));
    const from = Date.now();
    if (!(await this.inflict(control, victim, kind, spell))) {
      this.refused++;
      return;
    }
    this.injected++;
    this.counts.set(`${name} ${kind}`, (this.counts.get(`${name} ${kind}`) ?? 0) + 1);
    this.spells.push({ replica: name, from, to: from + spell + AFTERMATH_MS });
  }

  /** False when the router refuses: a replica that has no routes yet, say, cannot be wrong about them. */
  private async inflict(
    control: ControlClient,
    { name, pid }: ReplicaStatus,
    kind: Trouble | Lie,
    spell: number,
  ): Promise<boolean> {
    if (kind === 'kill' || kind === 'segfault' || kind === 'stop') {
      const signal = { kill: 'SIGKILL', segfault: 'SIGSEGV', stop: 'SIGSTOP' } as const;
      // It may have ended by itself since the status was asked for.
      if (pid !== null) trySignal(pid, signal[kind]);
      return true;
    }
    const { random } = this;
    const prefixes =
      kind === 'extra' ? { prefixes: ['203.0.112.0/24', '11.1.0.0/16'] } : { count: 1 + random.below(50) };
    const request = { replica: name, kind, for: spell, ...(kind === 'mute' ? {} : prefixes) };
    try {
      await control.request('inject', request);
      return true;
    } catch (error) {
      this.say(`${name} ${kind}: ${(error as Error).message}`);
      return false;
    }
  }
}

function withheld({ replicas, onProbation, shared, uncarried }: QuarantineListing): string {
  const each = replicas.map(({ name, withheld: prefixes }) => `${name} ${prefixes}`).join(', ');
  return `prefixes withheld: ${each}; ${shared} from more than one, ${uncarried} from all; ${onProbation} messages on probation`;
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone: that is a fault, too.
  }
}
