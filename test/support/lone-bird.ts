// BIRD alone, on a real kernel of its own, with the configuration that it gets as a replica: what a router of one daemon forwards by, as the
// measure for the whole router's table. Owns its namespaces (the router's links and addresses once more) and the question of when it is
// quiet; who plays what is the caller's.
import path from 'node:path';
import { startPlainDaemon, type PlainDaemon } from '../../cli/lab/plain-daemons.js';
import { waitFor } from '../../cli/lab/wait.js';
import { generate } from '../../configs/generate/index.js';
import { loadConfig } from '../../configs/load.js';
import { kernelRoutes, type KernelRoutes } from './kernel-routes.js';
import { address, address6, linkOf, localAddress, localAddress6, worldLinkOf, type RouterLab } from './router-lab.js';

const ROUTER = 'alone';
/** BIRD holds a fresh table back for 3 s at most. */
const QUIET_MS = 6000;

export class LoneBird {
  /** Where its neighbours are: a namespace of the lab. */
  static readonly WORLD = 'alone-world';
  private readonly lab: RouterLab;
  private readonly daemon: PlainDaemon;

  private constructor(lab: RouterLab, daemon: PlainDaemon) {
    this.lab = lab;
    this.daemon = daemon;
  }

  /** `file`: the router's configuration. Neighbours 1 to `neighbors` have links of their own. */
  static async start(routers: RouterLab, file: string, neighbors: number): Promise<LoneBird> {
    const { lab } = routers;
    for (const name of [ROUTER, LoneBird.WORLD]) lab.addNamespace(name);
    for (let n = 1; n <= neighbors; n++) {
      lab.link(
        { namespace: ROUTER, interface: linkOf(n), addresses: [`${localAddress(n)}/24`, `${localAddress6(n)}/64`] },
        { namespace: LoneBird.WORLD, interface: worldLinkOf(n), addresses: [`${address(n)}/24`, `${address6(n)}/64`] },
      );
    }
    const { config, diagnostics } = loadConfig(file);
    if (config === undefined) throw new Error(`configuration: ${JSON.stringify(diagnostics)}`);
    const replica = config.replicas.find(({ kind }) => kind === 'bird')!;
    const native = (dir: string): string =>
      generate(config, replica, { dir, controlSocket: path.join(dir, 'bird.ctl') })[0].contents;
    return new LoneBird(routers, await startPlainDaemon(lab, ROUTER, 'bird', native, 'alone'));
  }

  /** What it forwards by, once it has done all that it was told so far. */
  async routes(deadlineMs: number): Promise<KernelRoutes> {
    let [last, since] = ['', performance.now()];
    await waitFor(
      async () => {
        const text = await this.daemon.query('show', 'protocols', 'all');
        const counts = text.match(/(?:Routes|updates|withdraws):.*/g)?.join() ?? '';
        if (counts !== last) [last, since] = [counts, performance.now()];
        return performance.now() - since > QUIET_MS;
      },
      { what: 'BIRD alone is quiet', deadlineMs, intervalMs: 500 },
    );
    return kernelRoutes(this.lab.lab.namespace(ROUTER), ['table', 'all', 'proto', 'bird']);
  }

  stop(): Promise<void> {
    return this.daemon.stop();
  }
}
