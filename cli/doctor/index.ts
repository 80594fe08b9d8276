// `btr doctor`: everything that is looked at, in order. Looks only: opens sockets and lets go of them, writes nothing.
import { loadConfig } from '../../configs/load.js';
import { formatDiagnostic } from '../../configs/diagnostics.js';
import type { RouterConfig } from '../../configs/model.js';
import { ControlClient } from '../../hypervisor/control/client.js';
import type { RouterStatus } from '../../hypervisor/status.js';
import { RunDirectory } from '../../hypervisor/run-directory.js';
import { privileges } from './capabilities.js';
import { daemons } from './daemons.js';
import { directories } from './directories.js';
import { note, ok, problem, type Finding } from './finding.js';
import { kernel } from './kernel.js';
import { machine } from './machine.js';
import { ports, withoutConfig } from './ports.js';
import { program } from './program.js';
import { wantsOf, type Wants } from './wants.js';

/** Each mistake is one; more than that are counted. */
const MOST_MISTAKES = 10;

/** `file`: the configuration; undefined: there is none, and what a usual one needs is looked at. */
export async function examine(file: string | undefined): Promise<Finding[]> {
  const { config, findings } = configuration(file);
  const wants = wantsOf(config);
  const running = await runningRouter(wants);
  return [
    ...(await program()),
    ...findings,
    running.finding,
    ...privileges(wants),
    ...kernel(wants),
    ...(await daemons(wants)),
    ...(await ports(wants, running.pid)),
    ...(config === undefined ? [withoutConfig] : []),
    ...directories(wants),
    ...machine(wants),
  ];
}

function configuration(file: string | undefined): { config?: RouterConfig | undefined; findings: Finding[] } {
  if (file === undefined) {
    const advice = 'README.md has a first one; a system service reads /etc/btr/router.yaml';
    return { findings: [note('configuration', 'file', 'none: what a usual one needs is looked at', advice)] };
  }
  const { config, diagnostics = [] } = loadConfig(file);
  if (config !== undefined) return { config, findings: [ok('configuration', 'file', file)] };
  const advice = 'docs/configuration.md; btr check shows all of them';
  return {
    findings: diagnostics
      .slice(0, MOST_MISTAKES)
      .map((one) => problem('configuration', 'file', formatDiagnostic(one), advice)),
  };
}

async function runningRouter({ runDirectory }: Wants): Promise<{ pid: number | undefined; finding: Finding }> {
  const { controlSocket } = RunDirectory.at(runDirectory);
  try {
    const client = await ControlClient.connect(controlSocket);
    const { pid, version, electorate, replicas } = (await client.request('status')) as RouterStatus;
    client.close();
    const text = `${version} runs (pid ${pid}): ${electorate.length} of ${replicas.length} replicas vote`;
    return { pid, finding: ok('configuration', 'router', text) };
  } catch {
    return { pid: undefined, finding: note('configuration', 'router', `none answers on ${controlSocket}`) };
  }
}
