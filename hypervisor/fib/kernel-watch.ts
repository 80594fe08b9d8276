// Keeps the engine's picture of the real kernel true: reads its events, and everything anew when events were lost. Owns when that is done
// and that a kernel which cannot be read for a while ends nothing; what the messages mean is fib/engine.ts.
import type { FibEngine } from '../../fib/engine.js';
import { now } from '../clock.js';
import type { FibBackend } from './kernel/backend.js';
import { ReloadPace } from './reload-pace.js';

export class KernelWatch {
  /** How often events were lost. */
  overruns = 0;
  private readonly engine: FibEngine;
  private readonly backend: FibBackend;
  private readonly say: (level: 'error' | 'warn', text: string) => void;
  private readonly reloads = new ReloadPace();
  /** Why reading failed last; said once. */
  private complaint = '';

  private readonly clock: () => number;

  /** `clock`: ms. */
  constructor(
    engine: FibEngine,
    backend: FibBackend,
    say: (level: 'error' | 'warn', text: string) => void,
    clock: () => number = now,
  ) {
    this.engine = engine;
    this.backend = backend;
    this.say = say;
    this.clock = clock;
  }

  /** Reads everything that is not ours. Throws BackendError when the kernel does not answer; the picture then stays as it was. */
  load(): void {
    this.engine.beginResync();
    this.backend.loadMirror((buf, start, end) => this.engine.kernelMessage(buf, start, end, this.clock()));
    this.engine.endResync();
  }

  /** Reads the events that are there. */
  readEvents(): void {
    let lost: boolean;
    try {
      lost =
        this.backend.readEvents((buf, start, end) => this.engine.kernelMessage(buf, start, end, this.clock())) !== 'ok';
    } catch (error) {
      lost = true;
      this.complain((error as Error).message);
    }
    if (!lost) return;
    this.overruns++;
    if (this.reloads.lost()) {
      this.say('warn', 'events of the kernel were lost (its queue ran over): everything is read anew');
    }
  }

  /** Reads everything anew where events were lost and it is time. True when that was done. */
  reloadIfDue(): boolean {
    if (!this.reloads.isDue(this.clock())) return false;
    this.reloads.begin(this.clock());
    try {
      this.load();
      this.complaint = '';
      return true;
    } catch (error) {
      // Sessions and routes live on with the picture there is; the next attempt has its pause.
      this.reloads.lost();
      this.complain((error as Error).message);
      return false;
    } finally {
      this.reloads.end(this.clock());
    }
  }

  private complain(text: string): void {
    if (text === this.complaint) return;
    this.complaint = text;
    this.say('error', `${text}; it is tried again`);
  }
}
