// `btr record bundle`: collects what somebody else needs to look into an incident, or to run it again. Owns the order, the README inside
// and what is said when something is missing; which files belong to it is bundle-files.ts.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { loadConfig } from '../../configs/load.js';
import { ControlClient, ControlError } from '../../hypervisor/control/client.js';
import { placesOf, type RecordFlushAnswer, type RouterPlaces } from '../../hypervisor/recording/control.js';
import { UserError } from '../errors.js';
import { clearProgress, printProgress } from '../output/print.js';
import { bytes } from '../output/table.js';
import { Archive } from './archive.js';
import { bundleFiles } from './bundle-files.js';
import { bundleReadme } from './bundle-readme.js';
import { redactConfig } from './redact.js';
import { systemFacts } from './system-facts.js';
import type { TimeWindow } from './time-window.js';

export interface BundleRequest {
  window: TimeWindow;
  /** Undefined: a name with the time in the working directory. */
  output: string | undefined;
  /** Control socket of a running router; not asked when `directory` or `config` is given. */
  socket: string;
  /** Run directory of a router that does not run, or a copy of it. */
  directory: string | undefined;
  /** Its configuration file. */
  config: string | undefined;
}

/** What a running router is asked, and the file that the answer goes into. */
const QUESTIONS = { 'status.json': 'status', 'faults.json': 'faults', 'quarantine.json': 'quarantine' } as const;

function offlinePlaces({ directory, config: file }: BundleRequest): RouterPlaces {
  const inside = (name: string): string => path.join(path.resolve(directory ?? '.'), name);
  if (file === undefined) {
    const [voteLog, recordings, quarantine] = ['votes.jsonl', 'recordings', 'quarantine'].map(inside);
    return { config: null, runDirectory: path.resolve(directory!), log: null, voteLog, recordings, quarantine };
  }
  const { config } = loadConfig(file);
  if (config === undefined) throw new UserError(`${file} is not a valid configuration; see btr check`, 66);
  const places = placesOf(config);
  if (directory === undefined) return places;
  // A copy from somewhere else: what lay in the run directory lies in the copy.
  const moved = (place: string): string => {
    const rest = path.relative(places.runDirectory, place);
    return rest.startsWith('..') ? place : inside(rest);
  };
  return {
    ...places,
    runDirectory: path.resolve(directory),
    voteLog: moved(places.voteLog),
    recordings: moved(places.recordings),
    quarantine: moved(places.quarantine),
  };
}

class Bundler {
  private readonly archive: Archive;
  private readonly request: BundleRequest;
  private readonly missing: string[] = [];

  constructor(request: BundleRequest, file: string, folder: string) {
    this.request = request;
    this.archive = new Archive(file, folder);
  }

  /** Returns the uncompressed size. */
  async run(client: ControlClient | undefined): Promise<number> {
    try {
      const places = client === undefined ? offlinePlaces(this.request) : await this.askRouter(client);
      await this.configuration(places.config);
      await this.archive.text('versions.json', json(await systemFacts()));
      const files = await bundleFiles(places, this.request.window);
      let done = 0;
      for (const { name, file } of files) {
        this.progress(`${++done}/${files.length} ${name}`);
        await this.archive.add(name, file).catch((error: NodeJS.ErrnoException) => {
          if (error.syscall !== 'open') throw error;
          this.missing.push(`${name}: ${error.message}`);
        });
      }
      const { window } = this.request;
      await this.archive.text('README.txt', bundleReadme(window, places, files, this.missing));
      await this.archive.close();
    } catch (error) {
      await this.archive.abandon();
      throw error;
    }
    return this.archive.bytes;
  }

  private async askRouter(client: ControlClient): Promise<RouterPlaces> {
    this.progress('asking the router');
    const { places, recording } = (await client.request('record-flush')) as RecordFlushAnswer;
    await this.archive.text('recording.json', json(recording));
    for (const [name, method] of Object.entries(QUESTIONS)) {
      try {
        await this.archive.text(name, json(await client.request(method)));
      } catch (error) {
        if (!(error instanceof ControlError)) throw error;
        this.missing.push(`${name}: ${error.message}`);
      }
    }
    return places;
  }

  private async configuration(file: string | null): Promise<void> {
    if (file === null) return void this.missing.push('the configuration: not given (--config)');
    const text = await readFile(file, 'utf8').catch(() => undefined);
    const clean = text === undefined ? undefined : redactConfig(text);
    if (clean === undefined) this.missing.push(`the configuration: ${file} cannot be read`);
    else await this.archive.text('router.yaml', clean);
  }

  private progress(text: string): void {
    printProgress(`${bytes(this.archive.bytes)}  ${text}`);
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Writes the bundle; returns its path and uncompressed size. Throws UserError. */
export async function makeBundle(request: BundleRequest): Promise<{ file: string; size: number }> {
  const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const folder = `btr-bundle-${stamp}`;
  const file = path.resolve(request.output ?? `${folder}.tar.gz`);
  const offline = request.directory !== undefined || request.config !== undefined;
  let client: ControlClient | undefined;
  try {
    if (!offline) client = await ControlClient.connect(path.resolve(request.socket));
    const size = await new Bundler(request, file, folder).run(client);
    return { file, size };
  } catch (error) {
    if (error instanceof ControlError) {
      throw new UserError(`${error.message}; for a router that does not run give --directory or --config`, 69);
    }
    if ((error as NodeJS.ErrnoException).syscall !== undefined) {
      throw new UserError(`the bundle cannot be written: ${(error as Error).message}`, 73);
    }
    throw error;
  } finally {
    client?.close();
    clearProgress();
  }
}
