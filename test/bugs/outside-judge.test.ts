// An outside judge (bugrun.py of the shared folder) plays feeder and second neighbour itself, with code of its own on what is malformed and when
// a reset is allowed: the same inputs, with each strategy, the kernel of the router's namespace as forwarding table. BTR_BUGS=ID,ID: some.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';
import { VOTING_STRATEGIES, type VotingStrategy } from '../../configs/model.js';
import { findProgram } from '../../cli/lab/lab.js';
import { REPLICAS, routerProblem } from '../support/router-lab.js';
import { missing, sharedFile } from '../support/shared.js';

const LIMIT_MS = 20 * 60_000;
const judge = sharedFile('tools/bugrun.py');
const corpus = sharedFile('bugs');

function reason(): string | undefined {
  if (judge === undefined) return missing('tools/bugrun.py');
  if (corpus === undefined) return missing('bugs');
  if (!findProgram('python3')) return 'needs python3';
  return routerProblem();
}

const why = reason();
if (why) console.warn(`skipped: ${why}`);

const neighbor = (n: number): Record<string, unknown> => ({
  'neighbor-address': `10.0.${n}.2`,
  'peer-as': 65000 + n,
  'local-address': `10.0.${n}.1`,
  'local-address-ipv6': `2001:db8:${n}::1`,
  'passive-mode': true,
  'afi-safis': ['ipv4-unicast', 'ipv6-unicast'],
});

/** The judge's addresses; RUN_DIRECTORY is replaced when the judge starts the device. */
const configuration = (strategy: VotingStrategy): string =>
  JSON.stringify({
    router: { as: 65000, 'router-id': '10.0.0.1', 'run-directory': 'RUN_DIRECTORY' },
    defaults: { martians: 'none', 'reject-default-route': false },
    neighbors: [neighbor(1), neighbor(2)],
    replicas: REPLICAS,
    voting: { strategy },
    fib: { backend: 'kernel' },
  });

/** The shell commands by which the judge starts the router in its namespace. */
function device(config: string): string {
  const btr = path.resolve(import.meta.dirname, '../../btr');
  return `sed "s|RUN_DIRECTORY|$BUGRUN_DIR/run|" ${config} > "$BUGRUN_DIR/router.yaml" && exec ${btr} run "$BUGRUN_DIR/router.yaml"`;
}

test.skipIf(why !== undefined).each(VOTING_STRATEGIES)(
  '%s: no known-bug input costs a session, a route or the router',
  async (strategy) => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'btr-bugs-'));
    try {
      const config = path.join(directory, 'router.yaml');
      const results = path.join(directory, 'results.jsonl');
      writeFileSync(config, configuration(strategy));
      const some = process.env.BTR_BUGS;
      const which = some === undefined ? ['--profile', 'plain'] : ['--only', some];
      const options = ['--quiet', '2', '--patience', '20', '--log-dir', path.join(directory, 'log'), '--out', results];
      const argv = [judge!, '--corpus', corpus!, '--dut-cmd', device(config), ...which, ...options];
      const child = spawn('python3', argv, { stdio: 'inherit' });
      const [code] = (await once(child, 'exit')) as [number | null];
      expect(readFileSync(results, 'utf8')).not.toBe('');
      // Not one FAIL. (PASS-SESSION: most of the daemons are wrong about the route, and so is their majority.)
      expect(code).toBe(0);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
  LIMIT_MS,
);
