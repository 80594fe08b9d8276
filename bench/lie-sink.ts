// The customer of `bench:threshold`, a process of its own: tells its parent which routes of a session are lies, and how long they stood. Every
// right route names the router as the next hop, and nobody announces the range for benchmarks, so a lie shows by itself. IPv4 only.
import process from 'node:process';
import { describeDown, Speaker } from '../traces/speaker.js';
import { AttributeType } from '../wire/bgp/attributes.js';
import { NlriCursor, parseUpdate, UpdateView, type UpdateContext } from '../wire/bgp/update.js';
import { IPV4_UNICAST } from '../wire/family.js';
import { PrefixTable } from '../wire/prefix-table.js';

export interface LieSinkSettings {
  host: string;
  localAddress: string;
  as: number;
}

export type FromLieSink =
  | { kind: 'established' }
  /** A wrong route that stood from one time to another, ms of the wall clock. */
  | { kind: 'lie'; prefix: string; from: number; to: number }
  | { kind: 'report'; updates: number; lastMs: number; standing: number }
  | { kind: 'down'; reason: string };

/** How often the parent is told how far it is, ms. */
const REPORT_MS = 200;
/** 198.18.0.0/15 (RFC 2544): where made-up routes are. */
const MADE_UP = { octet: 198, second: 18 } as const;

class LieSink {
  private readonly settings: LieSinkSettings;
  private readonly prefixes = new PrefixTable();
  private readonly view = new UpdateView();
  private readonly cursor = new NlriCursor();
  private readonly routerHop: readonly number[];
  /** By prefix: since when it is wrong. */
  private readonly standing = new Map<number, number>();
  private updates = 0;
  private lastMs = 0;

  constructor(settings: LieSinkSettings) {
    this.settings = settings;
    this.routerHop = settings.host.split('.').map(Number);
  }

  async start(): Promise<void> {
    const { host, localAddress, as } = this.settings;
    const families = 1 << IPV4_UNICAST;
    const speaker: Speaker = new Speaker({
      ...{ host, localAddress, as, families, routerId: localAddress, patience: 60 },
      onUpdate: (buf, start, end) => {
        if (speaker.negotiated !== undefined) this.update(buf, start, end, { ...speaker.negotiated, ebgp: true });
      },
    });
    await speaker.connect();
    void speaker.ended.then((reason) => tell({ kind: 'down', reason: describeDown(reason) }));
    tell({ kind: 'established' });
    setInterval(() => this.report(), REPORT_MS);
  }

  private report(): void {
    const { updates, lastMs, standing } = this;
    tell({ kind: 'report', updates, lastMs, standing: standing.size });
  }

  private update(buf: Uint8Array, start: number, end: number, context: UpdateContext): void {
    const { view, cursor } = this;
    if (parseUpdate(buf, start, end, context, view).kind === 'reset') return;
    const at = Date.now();
    this.updates++;
    this.lastMs = at;
    const wrongHop = !this.namesRouter(buf);
    for (let i = 0; i < view.sectionCount; i++) {
      const section = view.sections[i]!;
      cursor.reset(buf, section.start, section.end, section.family);
      while (cursor.next()) {
        const madeUp = buf[cursor.at] === MADE_UP.octet && (buf[cursor.at + 1]! & 0xfe) === MADE_UP.second;
        const prefix = this.prefixes.intern(section.family, buf, cursor.at, cursor.bits);
        this.note(prefix, section.kind === 'announce' && (wrongHop || madeUp), at);
      }
    }
  }

  private note(prefix: number, lie: boolean, at: number): void {
    const from = this.standing.get(prefix);
    if (lie === (from !== undefined)) return;
    if (from === undefined) {
      this.standing.set(prefix, at);
      return;
    }
    this.standing.delete(prefix);
    tell({ kind: 'lie', prefix: this.prefixes.format(prefix), from, to: at });
  }

  private namesRouter(buf: Uint8Array): boolean {
    const { view } = this;
    for (let i = 0; i < view.attributeCount; i++) {
      if (view.attributeTypes[i] !== AttributeType.NEXT_HOP) continue;
      const at = view.attributeEnds[i]! - this.routerHop.length;
      return this.routerHop.every((octet, k) => buf[at + k] === octet);
    }
    return false;
  }
}

function tell(message: FromLieSink): void {
  if (process.connected) process.send!(message);
}

process.once('message', (settings: LieSinkSettings) => {
  new LieSink(settings).start().catch((error: Error) => tell({ kind: 'down', reason: error.message }));
});
process.on('disconnect', () => process.exit(0));
