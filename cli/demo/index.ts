// The demo from start to end: checks what it needs, builds the network, has the story told, and takes everything down again,
// also when it is interrupted.
import process from 'node:process';
import { UserError } from '../errors.js';
import { Lab, labProblem } from '../lab/lab.js';
import { missingDaemons } from '../lab/plain-daemons.js';
import { DemoNetwork } from './network.js';
import { lieInSecret, QUESTION, solution } from './puzzle.js';
import { Screen } from './screen.js';
import { isTerminal, tellStory } from './story.js';
import { formatSummary, judge } from './summary.js';
import { CUSTOMER, REPLICAS } from './topology.js';
import { chooseTrace } from './trace.js';

export interface DemoOptions {
  rib: string | undefined;
  /** Per upstream; undefined: all there is. */
  prefixes: number | undefined;
  strategy: string;
  keep: boolean;
  /** A replica lies once the story is told; implies `keep`. */
  liar: boolean;
  json: boolean;
}

/** Interrupted by the user. */
class Interrupted extends Error {}

/** Runs the demo. Returns the exit status: 0 when everything held, 1 when not, 130 when interrupted. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const problems = [labProblem() ?? [], missingDaemons(REPLICAS).map((one) => `${one} is not installed`)].flat();
  if (problems.length > 0) throw new UserError(problems.join('\n     '), 69);
  Lab.sweepStale();
  const lab = Lab.create('demo', { handleSignals: false });
  const interrupted = untilInterrupted();
  interrupted.catch(() => undefined);
  let network: DemoNetwork | undefined;
  try {
    network = new DemoNetwork(lab, options.strategy);
    const show = showDemo(lab, network, options);
    // When the interruption wins, what the rest of the story then trips over is of no interest.
    show.catch(() => undefined);
    const status = await Promise.race([show, interrupted]);
    if (options.keep) await stayUp(lab, network, options, interrupted);
    return status;
  } catch (error) {
    if (error instanceof Interrupted) return 130;
    throw error;
  } finally {
    await network?.stopUpstreams();
    await network?.stopRouter();
    await lab.destroy();
  }
}

async function showDemo(lab: Lab, network: DemoNetwork, { rib, prefixes, json, keep }: DemoOptions): Promise<number> {
  const started = performance.now();
  const out = json ? process.stderr : process.stdout;
  const screen = new Screen({ out, terminal: isTerminal(out), columns: out.columns ?? 100 });
  const trace = await chooseTrace(rib, prefixes, lab.directory);
  const found = await tellStory(network, { trace, prefixes }, screen);
  const upstreamsKept = keep ? network.upstreamsRunning : await network.stopUpstreams();
  const checks = judge(found, upstreamsKept);
  const seconds = (performance.now() - started) / 1000;
  const ok = checks.every((check) => check.ok);
  if (json) process.stdout.write(`${JSON.stringify({ ok, seconds, checks, ...found })}\n`);
  else out.write(`\n${formatSummary(found, checks, seconds)}\n`);
  return ok ? 0 : 1;
}

/** Until the user ends it. One replica lies meanwhile, if that was asked for; in the end the user is told the solution. */
async function stayUp(
  lab: Lab,
  network: DemoNetwork,
  { json, liar }: DemoOptions,
  interrupted: Promise<never>,
): Promise<void> {
  const out = json ? process.stderr : process.stdout;
  out.write(`\n${howToLook(lab, network, await network.showDashboard())}\n`);
  if (liar) out.write(`\n${QUESTION}\n`);
  const lie = liar ? await Promise.race([lieInSecret(network), interrupted]) : undefined;
  await interrupted.catch(() => undefined);
  if (lie === undefined) return;
  if (json) process.stdout.write(`${JSON.stringify({ solution: lie })}\n`);
  else out.write(`\n${solution(lie)}\n`);
}

function howToLook(lab: Lab, network: DemoNetwork, dashboard: string): string {
  const customer = `ip netns exec ${lab.namespace(CUSTOMER.name)} birdc -s ${network.customer!.directory}/bird.ctl`;
  return [
    'It stays up until Ctrl-C. In a browser on this machine:',
    `  ${dashboard}    token ${network.token}`,
    'From another terminal:',
    `  export BTR_SOCKET=${network.socket}`,
    '  ./btr top',
    '  ./btr status',
    '  ./btr faults',
    '  ./btr votes',
    `  ${customer} show route count`,
    `  ${customer} 'show route all for 8.8.8.8'`,
    `  less ${network.configFile}; ls ${lab.directory}/run ${lab.directory}/log`,
  ].join('\n');
}

/** Rejects at the first SIGINT, SIGTERM or SIGHUP; a second one ends the program at once (the lab is still removed, at exit). */
function untilInterrupted(): Promise<never> {
  return new Promise((_, reject) => {
    let seen = false;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (seen) process.exit(130);
        seen = true;
        reject(new Interrupted(signal));
      });
    }
  });
}
