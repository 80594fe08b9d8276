// The test's end of route-meter.mjs: a process in a namespace that counts what happens to the router's routes in the kernel.
import path from 'node:path';
import process from 'node:process';
import { createInterface, type Interface } from 'node:readline';
import type { Lab } from '../../cli/lab/lab.js';
import type { LabProcess } from '../../cli/lab/process.js';
import { OWN_PROTOCOL } from './kernel-routes.js';

/** What happened since the last time that it was asked for. */
export interface Metered {
  /** Events about the router's own routes: created or replaced, and deleted. */
  written: number;
  removed: number;
  /** How often the kernel dropped events because nobody read them in time: then the counts are too small. */
  lost: number;
  /** The first of these events, `+` and `-` in front of the prefix. */
  examples: string[];
  /** Prefixes in the kernel's main table, whoever's: the smallest of so many samples. */
  least: number;
  samples: number;
}

export class RouteMeter {
  private readonly process: LabProcess;
  private readonly lines: Interface;

  private constructor(child: LabProcess) {
    this.process = child;
    this.lines = createInterface(child.child.stdout!);
  }

  /** `namespace`: the lab's short name. Resolves when it counts. */
  static async start(lab: Lab, namespace: string): Promise<RouteMeter> {
    const argv = [process.execPath, path.join(import.meta.dirname, 'route-meter.mjs'), String(OWN_PROTOCOL)];
    const meter = new RouteMeter(await lab.spawn(namespace, argv, { name: 'meter', stdin: 'pipe', stdout: 'pipe' }));
    await meter.take();
    return meter;
  }

  /** Looks at the size of the table ten times a second, or no longer. */
  sample(on: boolean): void {
    this.process.child.stdin!.write(on ? 'watch\n' : 'rest\n');
  }

  /** Everything since the last call, up to now. */
  take(): Promise<Metered> {
    return new Promise((resolve, reject) => {
      this.lines.once('line', (line) => resolve(JSON.parse(line) as Metered));
      void this.process.exited.then(() => reject(new Error(`the meter ended: ${this.process.logTail()}`)));
      this.process.child.stdin!.write('take\n');
    });
  }

  async stop(): Promise<void> {
    await this.process.stop(1000);
  }
}
