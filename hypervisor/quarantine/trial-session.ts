// One session with a disposable instance: opened inward like a replica's, tried again until it is taken, and listened to only for what
// would be a fault. Owns its connection; what its loss means is trial-instance.ts.
import type { ReplicaSession } from '../../configs/session-plan.js';
import type { VirtualConnection } from '../../preload/listener.js';
import type { DownReason } from '../../session/types.js';
import { parseUpdate, UpdateView } from '../../wire/bgp/update.js';
import type { SessionRunner } from '../io/session-runner.js';
import { openReplicaSession } from '../replica-sessions/replica-session.js';

const RETRY_MS = 100;

export interface TrialSessionSettings {
  routerId: string;
  /** Bitmask, as negotiated with the neighbour. */
  families: number;
  /** Proposed, seconds. */
  holdTime: number;
}

export interface TrialSessionEvents {
  /** It was established, and the instance ended it. */
  lost(reason: string): void;
  /** The instance sent what RFC 7606 answers with a reset. */
  broken(reason: string): void;
  update(message: Uint8Array, start: number, end: number): void;
}

export class TrialSession {
  readonly plan: ReplicaSession;
  isUp = false;
  /** Messages that were written to it. */
  handed = 0;
  private readonly settings: TrialSessionSettings;
  private readonly events: TrialSessionEvents;
  private readonly view = new UpdateView();
  private session: SessionRunner | undefined;
  private socket: VirtualConnection | undefined;
  private retry: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(plan: ReplicaSession, settings: TrialSessionSettings, events: TrialSessionEvents) {
    this.plan = plan;
    this.settings = settings;
    this.events = events;
  }

  /** Keeps trying; `connect` throws while the instance does not listen. */
  open(connect: (plan: ReplicaSession) => VirtualConnection): void {
    if (this.closed) return;
    const { plan, settings } = this;
    const again = (): void => {
      this.retry = setTimeout(() => this.open(connect), RETRY_MS);
    };
    try {
      const socket = connect(plan);
      this.socket = socket;
      this.session = openReplicaSession({
        ...settings,
        as: plan.peerAs,
        replicaAs: plan.localAs,
        socket,
        as4: true,
        routeRefresh: true,
        extendedMessage: false,
        callbacks: {
          onEstablished: () => void (this.isUp = true),
          onDown: (reason: DownReason) => this.down(reason.text),
          onAttemptFailed: again,
          onUpdate: (message, start, end) => this.update(message, start, end),
          onRouteRefresh: () => undefined,
          onWritable: () => undefined,
        },
      });
    } catch {
      again();
    }
  }

  /** Whether an UPDATE belongs here: a neighbour's families may be split over two sessions. */
  carries(message: Uint8Array): boolean {
    const rules = { as4: true, ebgp: true, families: ~0 };
    parseUpdate(message, 0, message.length, rules, this.view);
    const { sectionCount, sections, endOfRib } = this.view;
    const family = sectionCount > 0 ? sections[0].family : endOfRib;
    return family === undefined || ((this.settings.families >>> family) & 1) === 1;
  }

  /** What the socket does not take waits in memory. */
  write(message: Uint8Array): void {
    this.handed++;
    this.session?.write(message);
  }

  get isRead(): boolean {
    return this.session === undefined || (this.session.queuedBytes === 0 && this.socket?.isRead !== false);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.retry);
    this.socket?.destroy();
  }

  private down(reason: string): void {
    this.isUp = false;
    if (!this.closed) this.events.lost(reason);
  }

  private update(message: Uint8Array, start: number, end: number): void {
    const { plan, settings } = this;
    const rules = { as4: true, ebgp: plan.peerAs !== plan.localAs, families: settings.families };
    const verdict = parseUpdate(message, start, end, rules, this.view);
    if (verdict.kind === 'reset') this.events.broken(verdict.reason);
    this.events.update(message, start, end);
  }
}
