// Test projects: `unit` runs anywhere in parallel; `integration` starts real daemons, each file in namespaces of its own, and waits for
// them more than it works: two files at a time; `unprivileged` is for ordinary users (`npm run test:unprivileged`); `acceptance` plays
// whole tables, `bugs` inputs that break released daemons; both take many minutes and are not part of `npm test`. `screenshots` makes the
// pictures of docs/dashboard.md.
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/simulation/**/*.test.ts'],
          maxWorkers: Math.max(2, availableParallelism() - 1),
          // A process for each of the many small files would take longer than what most of them do.
          isolate: false,
          // Properties run for some seconds, and several times as long on a busy machine.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          maxWorkers: 2,
          // After the unit tests: two projects side by side have to have the same number of workers.
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'bugs',
          include: ['test/bugs/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'unprivileged',
          include: ['test/unprivileged/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      { test: { name: 'screenshots', include: ['test/screenshots/**/*.test.ts'], hookTimeout: 120_000 } },
      { test: { name: 'soak', include: ['test/soak/**/*.test.ts'], fileParallelism: false } },
      {
        test: {
          name: 'acceptance',
          include: ['test/acceptance/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 900_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
