// The order of a rolling restart, and when it stops: replicas are played by a table of phases.
import { describe, expect, test } from 'vitest';
import { RollingRestart, type RollingParts } from '../../../../hypervisor/reload/rolling.js';
import type { ReplicaLife } from '../../../../recovery/types.js';

type Phase = ReplicaLife['phase'];

class Replicas implements RollingParts {
  patienceMs = 60_000;
  /** What happened, in order. */
  readonly log: string[] = [];
  /** Replicas that do not come back from a restart. */
  readonly broken = new Set<number>();
  readonly unfit = new Set<number>();
  isStopped = false;
  private readonly lives: { phase: Phase; restarts: number; reason: string | null }[];

  constructor(...phases: Phase[]) {
    this.lives = phases.map((phase) => ({ phase, restarts: 0, reason: null }));
  }

  life(r: number): ReplicaLife {
    return this.lives[r] as unknown as ReplicaLife;
  }

  isVoting(r: number): boolean {
    return this.lives[r].phase === 'voting';
  }

  voters(): number {
    return this.lives.filter(({ phase }) => phase === 'voting').length;
  }

  equip(r: number): void {
    if (this.unfit.has(r)) throw new Error('its file cannot be read');
    this.log.push(`equip ${r}`);
  }

  renew(r: number): void {
    const life = this.lives[r];
    this.log.push(`renew ${r} while ${this.voters()} vote`);
    life.phase = 'ending';
    setTimeout(() => {
      life.restarts++;
      life.phase = this.broken.has(r) ? 'backoff' : 'starting';
      life.reason = this.broken.has(r) ? 'does not start' : null;
    }, 20);
    if (!this.broken.has(r)) setTimeout(() => (life.phase = 'voting'), 60);
  }

  step(r: number, step: string): void {
    this.log.push(`${r} ${step}`);
  }

  stopped(): boolean {
    return this.isStopped;
  }

  /** It votes again after `ms`. */
  returns(r: number, ms: number): void {
    setTimeout(() => (this.lives[r].phase = 'voting'), ms);
  }
}

describe('a rolling restart', () => {
  test('those that do not run first, then one voter after the other, each while all others vote', async () => {
    const replicas = new Replicas('voting', 'voting', 'backoff', 'voting');
    const rolling = new RollingRestart(replicas, 3);
    expect(await rolling.run([0, 1, 2])).toBeUndefined();
    const each = (r: number): string[] => [`${r} restarting`, `equip ${r}`, `renew ${r} while 3 vote`, `${r} done`];
    expect(replicas.log).toEqual(['equip 2', '2 later', ...each(0), ...each(1)]);
    expect(rolling.reached).toEqual([2, 0, 1]);
  });

  test('one that does not come back stops it', async () => {
    const replicas = new Replicas('voting', 'voting', 'voting');
    replicas.broken.add(1);
    const rolling = new RollingRestart(replicas, 3);
    expect(await rolling.run([0, 1, 2])).toEqual({ replica: 1, reason: 'does not start' });
    expect(rolling.reached).toEqual([0, 1]);
    expect(replicas.log.at(-1)).toBe('1 failed');
  });

  test('so does one that there is nothing to start with; it goes on as it was', async () => {
    const replicas = new Replicas('voting', 'voting');
    replicas.unfit.add(1);
    const rolling = new RollingRestart(replicas, 2);
    expect(await rolling.run([0, 1])).toEqual({ replica: 1, reason: 'its file cannot be read' });
    expect(rolling.reached).toEqual([0]);
    expect(replicas.isVoting(1)).toBe(true);
  });

  test('waits for others that are missing, and gives up in the end without having touched anybody', async () => {
    const patient = new Replicas('voting', 'syncing', 'voting');
    patient.returns(1, 100);
    expect(await new RollingRestart(patient, 3).run([0])).toBeUndefined();
    expect(patient.log).toContain('renew 0 while 3 vote');
    const late = new Replicas('voting', 'syncing', 'voting');
    late.patienceMs = 200;
    const rolling = new RollingRestart(late, 3);
    const failure = await rolling.run([0]);
    expect(failure?.reason).toBe('was not restarted: the others do not all vote: not within 0.2 s');
    expect([rolling.reached, late.log]).toEqual([[], []]);
  });

  test('ends when the router does', async () => {
    const replicas = new Replicas('voting', 'syncing');
    replicas.isStopped = true;
    expect((await new RollingRestart(replicas, 3).run([0]))?.reason).toContain('the router is shutting down');
  });
});
