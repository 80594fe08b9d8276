// How long a restart waits, and when there is none any more.
import { describe, expect, test } from 'vitest';
import { RestartBudget } from '../../../recovery/restart-budget.js';

const OPTIONS = {
  restartDelay: 100,
  longestRestartDelay: 10_000,
  forgiveAfter: 60_000,
  maxRestarts: 0,
  restartWindow: 600_000,
};

describe('the restart budget', () => {
  test('restarts wait longer and longer, up to a limit', () => {
    const budget = new RestartBudget(OPTIONS);
    expect(Array.from({ length: 6 }, (_, i) => budget.failed(i))).toEqual([100, 400, 1600, 6400, 10_000, 10_000]);
  });

  test('what was at work for long is forgiven; a long start is not', () => {
    const budget = new RestartBudget(OPTIONS);
    budget.failed(0);
    budget.settled(1000);
    expect(budget.failed(60_999)).toBe(400);
    budget.settled(70_000);
    budget.settled(129_999);
    expect(budget.failed(130_000)).toBe(100);
    expect(budget.failed(1_000_000)).toBe(400);
  });

  test('no more than so many within the window, and they come free one by one', () => {
    const budget = new RestartBudget({ ...OPTIONS, maxRestarts: 3 });
    const granted = [0, 1000, 2000, 3000, 599_999].map((at) => budget.failed(at) !== undefined);
    expect(granted).toEqual([true, true, true, false, false]);
    expect(budget.failed(600_000)).toBeDefined();
    expect(budget.failed(600_500)).toBeUndefined();
  });

  test('what it died of is known: the restart that followed does not count, and the row is shorter', () => {
    const budget = new RestartBudget({ ...OPTIONS, maxRestarts: 3 });
    for (const at of [1000, 2000, 3000]) budget.failed(at);
    budget.explained(1999);
    expect(budget.failed(4000)).toBe(1600);
    expect(budget.failed(5000)).toBeUndefined();
    // The one of 2000 is the one that came free: those of 1000, 3000 and 4000 are left.
    expect(budget.failed(601_000)).toBeDefined();
    expect(budget.failed(602_000)).toBeUndefined();
    expect(budget.failed(603_000)).toBeDefined();
  });

  test('a hundred explained deaths within the window are enough', () => {
    const budget = new RestartBudget({ ...OPTIONS, maxRestarts: 2 });
    for (let i = 0; i < 102; i++) {
      expect(budget.failed(1000 * i)).toBeDefined();
      budget.explained(1000 * i);
    }
    expect(budget.failed(103_000)).toBeUndefined();
    expect(budget.failed(800_000)).toBeDefined();
    budget.explained(800_000);
    expect([800_001, 800_002, 800_003].map((at) => budget.failed(at) !== undefined)).toEqual([true, true, false]);
  });

  test('what explains a death that led to no restart changes nothing', () => {
    const budget = new RestartBudget({ ...OPTIONS, maxRestarts: 1 });
    budget.explained(0);
    expect(budget.failed(1000)).toBe(100);
    budget.explained(2000);
    expect(budget.failed(3000)).toBeUndefined();
  });

  test('a cleared account is a new one', () => {
    const budget = new RestartBudget({ ...OPTIONS, maxRestarts: 1 });
    budget.failed(0);
    expect(budget.failed(1)).toBeUndefined();
    budget.clear();
    expect(budget.failed(2)).toBe(100);
  });

  test('never overflows, however often it fails', () => {
    const budget = new RestartBudget(OPTIONS);
    for (let i = 0; i < 2000; i++) expect(budget.failed(i)).toBeLessThanOrEqual(10_000);
  });
});
