// Where the router tells of itself: its log, the vote log, recordings, BMP collectors, HTTP. Owns opening and closing them, and putting them in
// accordance with another configuration while everything else goes on: what did not change is not touched, and what cannot be opened as the
// new one says goes on as it was. What they tell belongs to each.
import type { RouterConfig } from '../configs/model.js';
import { BmpExporter } from './bmp/bmp-exporter.js';
import { now } from './clock.js';
import type { RouterContext } from './context.js';
import type { HttpServer } from './http/server.js';
import { setLogFile } from './logging.js';
import type { NeighborPort } from './neighbor-port.js';
import { Recorder } from './recording/recorder.js';
import { refill } from './reload/refill.js';

/** Sections of the configuration that are about one outlet each. */
const OUTLETS = ['logging', 'voteLog', 'record', 'bmp', 'http'] as const;
export type Outlet = (typeof OUTLETS)[number];

export interface OutletParts {
  context: RouterContext;
  neighbors: readonly NeighborPort[];
  /** A server for the configuration as it is then; undefined: there is to be none. */
  server(): HttpServer | undefined;
}

export class Outlets {
  private readonly parts: OutletParts;
  private http: HttpServer | undefined;

  constructor(parts: OutletParts) {
    this.parts = parts;
  }

  /** Opens what its section asks for. Logs are open already. Rejects with an Error for the user. */
  async open(outlet: 'record' | 'bmp' | 'http'): Promise<void> {
    await this.opened(outlet);
  }

  /**
   * Goes on as `target` says, and so does the running configuration in these sections. Rejects with an Error for the user, and with
   * everything as it was, when one of them cannot be had.
   */
  async adopt(target: RouterConfig): Promise<void> {
    const { config } = this.parts.context;
    const changed = OUTLETS.filter((outlet) => essence(config, outlet) !== essence(target, outlet));
    const before = structuredClone(config);
    const renewed: Outlet[] = [];
    try {
      for (const outlet of changed) {
        renewed.push(outlet);
        await this.renew(outlet, target);
      }
    } catch (error) {
      for (const outlet of renewed.reverse())
        await this.renew(outlet, before).catch((again) => this.lost(again as Error));
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.closed('http');
    await this.closed('bmp');
    await this.closed('record');
  }

  private async renew(outlet: Outlet, from: RouterConfig): Promise<void> {
    await this.closed(outlet);
    refill(this.parts.context.config[outlet], structuredClone(from[outlet]));
    await this.opened(outlet);
  }

  private async opened(outlet: Outlet): Promise<void> {
    const { context, neighbors, server } = this.parts;
    const { config, log, voteLog, taps } = context;
    switch (outlet) {
      case 'logging':
        return meaning('logging.file', () => setLogFile(log, config.logging.file));
      case 'voteLog':
        return meaning('cannot open the vote log', () => voteLog.reopen(config.voteLog));
      case 'record':
        if (!config.record.enabled) return;
        meaning('cannot record', () => (context.recorder = new Recorder(config, log)));
        return taps.add(context.recorder!, now());
      case 'bmp':
        if (config.bmp.collectors.length === 0) return;
        context.bmp = new BmpExporter(context, () => neighbors);
        return taps.add(context.bmp, now());
      case 'http':
        this.http = server();
        await this.http?.listen();
    }
  }

  private async closed(outlet: Outlet): Promise<void> {
    const { context } = this.parts;
    if (outlet === 'http') {
      await this.http?.close();
      this.http = undefined;
    } else if (outlet === 'record' || outlet === 'bmp') {
      const field = outlet === 'record' ? 'recorder' : 'bmp';
      const tap = context[field];
      context[field] = undefined;
      if (tap === undefined) return;
      context.taps.remove(tap);
      await tap.close();
    }
  }

  private lost(error: Error): void {
    this.parts.context.log.error(`${error.message}: it could not be opened as it was before either`);
  }
}

/** What an outlet depends on, as text to be compared. Levels are changed at any time. */
function essence(config: RouterConfig, outlet: Outlet): string {
  if (outlet === 'logging' || outlet === 'voteLog') return JSON.stringify({ ...config[outlet], level: '' });
  return JSON.stringify(config[outlet]);
}

function meaning(what: string, open: () => unknown): void {
  try {
    open();
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}
