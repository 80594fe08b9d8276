// Makes a checkout ready to run: Node's version, npm packages, the build, and the daemons and tools from Debian.
// Run by npm before test, demo and bench; does nothing, quickly, when everything is there. Plain Node without packages,
// since it runs before they are installed. What each part does is in setup/.
import process from 'node:process';
import { setUpBuild, setUpPackages } from './setup/build.mjs';
import { setUpSystem } from './setup/system.mjs';

const MINIMUM_NODE = [20, 19];
const USAGE = `usage: node scripts/setup.mjs [--daemons | --no-daemons | --tests]
  --daemons     fail when a BGP daemon is missing and cannot be installed
  --no-daemons  leave the daemons alone
  --tests       install what only tests need, too, when that is possible
  (neither)     install them when that is possible, else say what is missing`;

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1])) return;
  throw new Error(`Node ${MINIMUM_NODE.join('.')} or newer is needed, this is ${process.versions.node}`);
}

function parse(args) {
  const known = {
    '--daemons': { daemons: 'required', tests: false },
    '--no-daemons': { daemons: 'none', tests: false },
    '--tests': { daemons: 'wanted', tests: true },
  };
  if (args.length > 1 || args.some((arg) => !(arg in known))) {
    process.stderr.write(`${USAGE}\n`);
    process.exit(2);
  }
  return args.length === 0 ? { daemons: 'wanted', tests: false } : known[args[0]];
}

const wanted = parse(process.argv.slice(2));
try {
  checkNode();
  setUpSystem(wanted);
  setUpPackages();
  setUpBuild();
} catch (error) {
  process.stderr.write(`setup: ${error.message}\n`);
  process.exit(1);
}
