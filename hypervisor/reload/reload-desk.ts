// Where reloads are asked for: says what a configuration file would change, and begins to take it over unless something stands against it. Owns
// these two answers; what it comes to is plan.ts, the steps are take-over.ts, what is told of them progress.ts.
import type { Alarm } from '../status.js';
import { readCandidate, type Candidate, type LoadConfig } from './candidate.js';
import { planReload, type Plan } from './plan.js';
import { ReloadProgress, type ProgressEvents } from './progress.js';
import { TakeOver, type TakeOverParts } from './take-over.js';
import type { ConfigDiffAnswer, ReloadStatus } from './types.js';

export interface ReloadParts extends TakeOverParts, ProgressEvents {
  /** How a configuration file is read. */
  load: LoadConfig;
}

export class ReloadDesk {
  private readonly parts: ReloadParts;
  private readonly progress: ReloadProgress;
  private readonly takeOver: TakeOver;

  constructor(parts: ReloadParts) {
    this.parts = parts;
    this.progress = new ReloadProgress(parts.context, parts);
    this.takeOver = new TakeOver(parts, this.progress);
  }

  /** The reload that runs, or the last one. */
  get status(): ReloadStatus {
    return this.progress.status;
  }

  /** What a reload has left behind that is not as it should be. */
  get raised(): Alarm[] {
    return this.progress.raised;
  }

  /** Control method `config-diff`: `{ file, partial, force }`. Changes nothing. Throws an Error for the user. */
  compare(params: Record<string, unknown>): ConfigDiffAnswer {
    const candidate = this.read(params);
    const { file, digest, errors } = candidate;
    const plan = this.plan(candidate, params);
    if (plan === undefined) return { file, digest, errors, changes: [], restarts: [], refused: null };
    const { changes, restarts, refused } = plan;
    return { file, digest, errors, changes, restarts: restarts.map((r) => this.nameOf(r)), refused };
  }

  /**
   * Control method `reload`: `{ file, digest, partial, force }`. Answers when it has begun; `status` tells how it goes on. Throws an Error
   * for the user when nothing is done.
   */
  begin(params: Record<string, unknown>): ReloadStatus {
    const { progress, parts } = this;
    if (this.status.state === 'running') throw new Error(`a reload is under way: ${this.status.text}`);
    if (parts.stopped()) throw new Error('the router is shutting down');
    const candidate = this.read(params);
    const { file, digest, errors } = candidate;
    const plan = this.plan(candidate, params);
    if (plan === undefined) throw new Error(`nothing was changed:\n${errors.join('\n')}`);
    if (params.digest !== undefined && params.digest !== digest) {
      throw new Error(`${file} has changed since it was compared: nothing was changed`);
    }
    if (plan.refused !== null) throw new Error(`${plan.refused}: nothing was changed`);
    const { left, restarts } = plan;
    progress.begin({
      file,
      replicas: restarts.map((r) => this.nameOf(r)),
      changes: plan.changes.filter((change) => !left.includes(change)),
      left: left.length,
    });
    void this.takeOver.run(plan).catch((error: Error) => progress.failed(error.message));
    return this.status;
  }

  private read({ file }: Record<string, unknown>): Candidate {
    return readCandidate(typeof file === 'string' ? file : this.parts.context.config.file, this.parts.load);
  }

  /** Undefined for a file with mistakes. */
  private plan({ config, places }: Candidate, { partial, force }: Record<string, unknown>): Plan | undefined {
    if (config === undefined || places === undefined) return undefined;
    const options = { partial: partial === true, force: force === true };
    return planReload(this.parts.context, { config, places }, options, this.takeOver.fingerprints);
  }

  private nameOf(r: number): string {
    return this.parts.context.records.replicas[r];
  }
}
