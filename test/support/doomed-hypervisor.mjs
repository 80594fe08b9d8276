// A hypervisor that is going to be killed: starts the replicas it is told to, prints their process ids and waits. It runs
// from the build, since Node does not read TypeScript. Argument: JSON list of options for Replica, `files` in place of
// `generate`.
import process from 'node:process';
import { Replica } from '../../dist/hypervisor/replicas/replica.js';
import { ShimHub } from '../../dist/preload/hub.js';

const hub = new ShimHub();
const replicas = JSON.parse(process.argv[2]).map(
  ({ files, ...options }) => new Replica({ ...options, hub, generate: () => files }),
);
await Promise.all(replicas.map((replica) => replica.start()));
process.stdout.write(`${JSON.stringify(replicas.map((replica) => replica.pid))}\n`);
setInterval(() => {}, 1000);
