// The life of replicas: what follows from faults, dissent, warnings and the operator's word; standbys; the budget.
import { describe, expect, test } from 'vitest';
import { REPAIR_MEMORY_MS } from '../../../recovery/planner.js';
import { PlannerRig } from './planner-rig.js';

const THREE = ['no', 'no', 'no'] as const;

describe('system events', () => {
  test('out at once, killed, started again when it is gone, and voting when it is synchronised', () => {
    const rig = new PlannerRig(THREE).begin().allWell();
    expect(rig.voters).toEqual([0, 1, 2]);
    rig.effects.length = 0;
    rig.fault(1);
    expect(rig.effects.map((effect) => effect.do)).toEqual(['leave', 'kill']);
    expect(rig.phases()).toEqual(['voting', 'ending', 'voting']);
    rig.fault(1);
    rig.end(1);
    expect(rig.planner.life(1)).toMatchObject({ phase: 'backoff', nextStart: rig.now + 100, reason: 'hangs' });
    rig.pass(100);
    expect(rig.planner.life(1)).toMatchObject({ phase: 'voting', restarts: 1, reason: null });
    expect(rig.effects.map((effect) => effect.do)).toEqual(['leave', 'kill', 'tell', 'start', 'join']);
  });

  test('the last voter is killed too when it fails, but keeps its vote when it only lacks a session', () => {
    const rig = new PlannerRig(['no']).begin().allWell();
    rig.follow(rig.planner.unsynchronised(0, 'does not take a session', rig.now));
    expect(rig.voters).toEqual([0]);
    rig.fault(0);
    expect(rig.phases()).toEqual(['ending']);
  });

  test('one that lacks a session has no vote until it is synchronised again; it is not killed', () => {
    const rig = new PlannerRig(THREE).begin().allWell();
    rig.follow(rig.planner.unsynchronised(2, 'does not take a session', rig.now));
    expect(rig.phases()).toEqual(['voting', 'voting', 'syncing']);
    rig.comeUp(2);
    expect(rig.voters).toEqual([0, 1, 2]);
  });

  test('one that cannot be started is tried again, later and later, and is retired for a while', () => {
    const rig = new PlannerRig(THREE).begin();
    const waits: number[] = [];
    while (rig.planner.life(0).phase === 'starting') {
      rig.end(0);
      waits.push(rig.planner.life(0).nextStart - rig.now);
      if (rig.planner.life(0).phase === 'retired') break;
      rig.now = rig.planner.life(0).nextStart;
      rig.follow(rig.planner.tick(rig.now));
    }
    expect(waits).toEqual([100, 400, 1600, 6400, 25_600, 900_000]);
    expect(rig.told).toEqual(['retired 0']);
    rig.pass(899_000, 1000);
    expect(rig.phases()[0]).toBe('retired');
    rig.pass(2000, 1000);
    expect(rig.phases()[0]).toBe('voting');
  });

  test('deaths that are explained do not use up the budget, however many; the others do', () => {
    const rig = new PlannerRig(THREE, { maxRestarts: 2 }).begin().allWell();
    for (let i = 0; i < 10; i++) {
      const diedAt = rig.now;
      rig.fault(0);
      rig.pass(1000);
      expect(rig.phases()[0]).toBe('voting');
      rig.planner.explained(0, diedAt);
    }
    for (const phase of ['voting', 'voting', 'retired']) {
      rig.fault(0);
      rig.pass(5000);
      expect(rig.phases()[0]).toBe(phase);
    }
  });

  test('retired for good when the configuration says so', () => {
    const rig = new PlannerRig(THREE, { maxRestarts: 1, retireFor: 0 }).begin().allWell();
    rig.fault(0);
    rig.pass(1000);
    rig.fault(0);
    rig.pass(10_000_000, 100_000);
    expect(rig.phases()).toEqual(['retired', 'voting', 'voting']);
  });
});

describe('dissent that lasts', () => {
  /** Replica 0 was restarted for dissent and votes again. */
  function repaired(options = {}): PlannerRig {
    const rig = new PlannerRig(THREE, options).begin().allWell();
    rig.dissent(0, 1);
    expect(rig.phases()[0]).toBe('ending');
    rig.pass(5000);
    expect(rig.voters).toEqual([0, 1, 2]);
    rig.effects.length = 0;
    return rig;
  }

  test('one restart; when it comes back on few prefixes it is reported once and lived with', () => {
    const rig = repaired();
    for (let i = 0; i < 20; i++) {
      rig.dissent(0, 10);
      rig.pass(100);
    }
    expect(rig.voters).toEqual([0, 1, 2]);
    expect(rig.told).toEqual(['reported 0']);
    // It was over for a while.
    rig.dissent(0, 0);
    rig.dissent(0, 3);
    expect(rig.told).toEqual(['reported 0', 'reported 0']);
    expect(rig.muted[0]).toBe(false);
  });

  test('its votes on them do not count where that is configured', () => {
    const rig = repaired({ muteFew: true });
    rig.dissent(0, 4);
    expect(rig.muted[0]).toBe(true);
    rig.dissent(0, 0, 4);
    rig.dissent(0, 6, 4);
    expect([rig.phases()[0], rig.muted[0]]).toEqual(['voting', true]);
    // Four are muted, seven more: that is not few any more.
    rig.dissent(0, 7, 4);
    expect([rig.phases()[0], rig.muted[0]]).toEqual(['ending', false]);
  });

  test('on many prefixes it is restarted by the budget until it is retired', () => {
    const rig = repaired();
    for (let i = 0; i < 200 && rig.phases()[0] !== 'retired'; i++) {
      rig.dissent(0, 11);
      rig.pass(1000);
    }
    expect(rig.phases()).toEqual(['retired', 'voting', 'voting']);
    expect(rig.planner.life(0).restarts).toBe(5);
  });

  test('after an hour without it a restart is tried again', () => {
    const rig = repaired();
    rig.pass(REPAIR_MEMORY_MS, 60_000);
    rig.dissent(0, 1);
    expect(rig.phases()[0]).toBe('ending');
  });

  test('nobody is restarted for it while fewer than two others vote', () => {
    const rig = new PlannerRig(THREE).begin().allWell();
    rig.fault(2);
    rig.dissent(0, 1);
    rig.dissent(0, 1);
    expect(rig.voters).toEqual([0, 1]);
    expect(rig.told).toEqual(['spared 0']);
    rig.pass(1000);
    rig.dissent(0, 1);
    expect(rig.phases()[0]).toBe('ending');
  });
});

describe('standbys', () => {
  test('a warm one takes the place at once and gives it back', () => {
    const rig = new PlannerRig([...THREE, 'warm']).begin().allWell();
    expect(rig.phases()).toEqual(['voting', 'voting', 'voting', 'standby']);
    rig.effects.length = 0;
    rig.fault(1);
    expect(rig.effects.map((effect) => `${effect.do} ${effect.replica}`)).toEqual(['leave 1', 'kill 1', 'join 3']);
    rig.effects.length = 0;
    rig.pass(1000);
    expect(rig.phases()).toEqual(['voting', 'voting', 'voting', 'standby']);
    // Never fewer than three in between.
    const changes = rig.effects.filter((effect) => effect.do === 'join' || effect.do === 'leave');
    expect(changes.map((effect) => `${effect.do} ${effect.replica}`)).toEqual(['join 1', 'leave 3']);
  });

  test('it keeps the place where that is configured, and the other one becomes the standby', () => {
    const rig = new PlannerRig([...THREE, 'warm'], { failBack: false }).begin().allWell();
    rig.fault(1);
    rig.pass(1000);
    expect(rig.phases()).toEqual(['voting', 'standby', 'voting', 'voting']);
    rig.fault(0);
    expect(rig.phases()).toEqual(['ending', 'voting', 'voting', 'voting']);
    rig.pass(1000);
    expect(rig.phases()).toEqual(['standby', 'voting', 'voting', 'voting']);
  });

  test('one that is synchronised first does not take a place that nobody has lost', () => {
    const rig = new PlannerRig([...THREE, 'warm'], { failBack: false }).begin();
    rig.comeUp(3);
    expect(rig.phases()).toEqual(['starting', 'starting', 'starting', 'standby']);
    rig.allWell();
    expect(rig.voters).toEqual([0, 1, 2]);
  });

  test('a cold one is started when somebody fails, and stopped when it is not needed any more', () => {
    const rig = new PlannerRig([...THREE, 'cold']).begin().allWell();
    expect(rig.phases()[3]).toBe('off');
    rig.fault(1);
    expect(rig.phases()).toEqual(['voting', 'ending', 'voting', 'starting']);
    rig.comeUp(3);
    expect(rig.voters).toEqual([0, 2, 3]);
    rig.pass(1000);
    expect(rig.phases()).toEqual(['voting', 'voting', 'voting', 'off']);
    expect(rig.planner.life(3)).toMatchObject({ restarts: 0, reason: 'is not needed any more' });
  });

  test('a cold one is left alone while a warm one can step in, and started when that one fails', () => {
    const rig = new PlannerRig([...THREE, 'cold', 'warm']).begin().allWell();
    rig.fault(0);
    expect(rig.phases()).toEqual(['ending', 'voting', 'voting', 'off', 'voting']);
    rig.fault(4);
    expect(rig.phases()[3]).toBe('starting');
  });

  test('a retired replica is replaced for good', () => {
    const rig = new PlannerRig([...THREE, 'cold']).begin().allWell();
    rig.follow(rig.planner.operator('retire', 1, false, rig.now));
    rig.pass(1000);
    expect(rig.phases()).toEqual(['voting', 'retired', 'voting', 'voting']);
    rig.follow(rig.planner.operator('enable', 1, false, rig.now));
    rig.pass(1000);
    expect(rig.phases()).toEqual(['voting', 'voting', 'voting', 'off']);
  });
});

describe('warnings and the operator', () => {
  test('a warning restarts only while all seats are taken and enough others vote, and once an hour', () => {
    const rig = new PlannerRig(THREE).begin().allWell();
    rig.fault(2);
    rig.follow(rig.planner.earlyWarning(0, 'grows', rig.now));
    expect(rig.phases()[0]).toBe('voting');
    rig.pass(1000);
    rig.follow(rig.planner.earlyWarning(0, 'grows', rig.now));
    expect(rig.phases()[0]).toBe('ending');
    rig.pass(1000);
    expect(rig.voters).toEqual([0, 1, 2]);
    rig.follow(rig.planner.earlyWarning(0, 'grows', rig.now));
    expect(rig.phases()[0]).toBe('voting');
    const two = new PlannerRig(['no', 'no']).begin().allWell();
    two.follow(two.planner.earlyWarning(0, 'grows', two.now));
    expect(two.voters).toEqual([0, 1]);
  });

  test('the operator restarts without cost to the budget; the only voter only by force', () => {
    const rig = new PlannerRig(['no', 'no'], { maxRestarts: 1 }).begin().allWell();
    for (let i = 0; i < 5; i++) {
      rig.follow(rig.planner.operator('restart', 0, false, rig.now));
      rig.pass(200);
      expect(rig.voters).toEqual([0, 1]);
    }
    rig.follow(rig.planner.operator('retire', 1, false, rig.now));
    expect(() => rig.planner.operator('retire', 0, false, rig.now)).toThrow('--force');
    rig.follow(rig.planner.operator('retire', 0, true, rig.now));
    rig.pass(1000);
    expect(rig.phases()).toEqual(['retired', 'retired']);
  });

  test('a command while its processes are going counts for what comes after', () => {
    const rig = new PlannerRig(THREE).begin().allWell();
    rig.fault(0);
    rig.follow(rig.planner.operator('retire', 0, false, rig.now));
    rig.pass(1000);
    expect(rig.phases()[0]).toBe('retired');
    rig.follow(rig.planner.operator('restart', 0, false, rig.now));
    rig.pass(1000);
    expect(rig.phases()[0]).toBe('voting');
  });
});
