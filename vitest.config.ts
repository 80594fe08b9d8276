// Test projects: `unit` runs anywhere in parallel; `integration` starts real daemons in namespaces and runs one file at a time;
// `unprivileged` is for ordinary users (`npm run test:unprivileged`); `acceptance` plays whole tables, `bugs` inputs that break
// released daemons; both take many minutes and are not part of `npm test`.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts', 'test/simulation/**/*.test.ts'] } },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          fileParallelism: false,
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
