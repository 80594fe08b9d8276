// Micro-benchmark of the voter's core: a full table of votes of three replicas, emission, reviews; ns per operation and bytes per ballot.
// Run it from dist: node dist/bench/voter.js [prefixes]
import { Electorate } from '../voter/electorate.js';
import type { Strategy } from '../voter/types.js';
import { UpdateVoter } from '../voter/update-voter.js';

const REPLICAS = 3;
const T = 1000;
/** Kept, so that what one run frees is not counted against the next. */
const voters: UpdateVoter[] = [];

function measure(name: string, operations: number, run: () => void): void {
  const started = performance.now();
  run();
  const ns = ((performance.now() - started) * 1e6) / operations;
  console.log(`${name.padEnd(52)} ${ns.toFixed(0).padStart(7)} ns`);
}

function bench(strategy: Strategy, prefixes: number): void {
  const electorate = new Electorate(REPLICAS);
  for (let r = 0; r < REPLICAS; r++) electorate.join(r);
  const caughtUp = new Float64Array(REPLICAS).fill(Infinity);
  const before = process.memoryUsage().arrayBuffers;
  const voter = new UpdateVoter({ replicas: REPLICAS, electorate, strategy, inputTime: () => 0, caughtUp });
  voters.push(voter);
  const start = 1e6;
  measure(`${strategy}: vote, first table`, prefixes * REPLICAS, () => {
    for (let r = 0; r < REPLICAS; r++) for (let p = 1; p <= prefixes; p++) voter.vote(r, p, 1 + (p % 7000), start + r);
  });
  const batch = new Uint32Array(4096);
  measure(`${strategy}: take and mark as advertised`, prefixes, () => {
    for (let n = voter.takeDirty(batch); n > 0; n = voter.takeDirty(batch)) {
      for (let i = 0; i < n; i++) voter.markAdvertised(batch[i], voter.verdict(batch[i]));
    }
  });
  measure(`${strategy}: review of an agreed ballot`, prefixes, () => {
    while (voter.tick(start + 2 * T));
  });
  const later = start + 10 * T;
  measure(`${strategy}: vote that only one replica changes`, prefixes, () => {
    for (let p = 1; p <= prefixes; p++) voter.vote(2, p, 7001, later);
  });
  measure(`${strategy}: review that finds dissent`, prefixes, () => {
    while (voter.tick(later + 2 * T));
  });
  measure(`${strategy}: a replica leaves, per ballot`, prefixes, () => {
    electorate.leave(2);
    voter.forget(2);
    voter.tick(later + 3 * T, 1);
  });
  const bytes = (process.memoryUsage().arrayBuffers - before) / prefixes;
  console.log(`${`${strategy}: memory per ballot`.padEnd(52)} ${bytes.toFixed(0).padStart(7)} bytes`);
}

const prefixes = Number(process.argv[2] ?? 500_000);
for (const strategy of ['continuous-majority', 'wait-for-consensus', 'master-slave'] as const)
  bench(strategy, prefixes);
