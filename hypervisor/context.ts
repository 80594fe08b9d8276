// What the parts of one running router share. Owns no behaviour; router.ts fills it in.
import type { RouterConfig } from '../configs/model.js';
import type { Replicator } from '../replicator/replicator.js';
import type { Electorate } from '../voter/electorate.js';
import type { Abstentions } from './abstentions.js';
import type { BmpExporter } from './bmp/bmp-exporter.js';
import type { FaultDesk } from './faults/fault-desk.js';
import type { FibPort } from './fib/port.js';
import type { InjectionDesk } from './injection/injection-desk.js';
import type { InstallGate } from './install-gate.js';
import type { Intake } from './intake.js';
import type { Logger } from './logging.js';
import type { Meters } from './metrics/meters.js';
import type { QuarantineDesk } from './quarantine/quarantine-desk.js';
import type { Recorder } from './recording/recorder.js';
import type { RecoveryDesk } from './recovery/recovery-desk.js';
import type { RestartWatch } from './restart-watch.js';
import type { Tables } from './tables.js';
import type { Taps } from './taps.js';
import type { RouterJournal } from './router-journal.js';
import type { VoteLog } from './vote-log.js';
import type { RecordContext } from './vote-records.js';

export interface RouterContext {
  config: RouterConfig;
  log: Logger;
  tables: Tables;
  replicator: Replicator;
  electorate: Electorate;
  /** Per replica: everything that came in before this time (ms) has been worked off by it. */
  caughtUp: Float64Array;
  intake: Intake;
  voteLog: VoteLog;
  /** What the router does as a whole, for the vote log. */
  journal: RouterJournal;
  records: RecordContext;
  meters: Meters;
  /** Who listens to the messages themselves. */
  taps: Taps;
  /** Writes messages to files; undefined when nothing is recorded. Another one after a reload, as the next. */
  recorder: Recorder | undefined;
  /** Tells collectors; undefined when none is configured. */
  bmp: BmpExporter | undefined;
  /** What neighbours are told of the router's own restart, and until when. */
  restart: RestartWatch;
  /** With advertise-after-install: which prefixes may be announced. */
  gate: InstallGate | undefined;
  /** The forwarding table; undefined with `fib.backend: none`. */
  fib: FibPort | undefined;
  /** On which prefixes which replica has no say. */
  abstentions: Abstentions;
  /** What is found against replicas. */
  faults: FaultDesk;
  /** Faults that are put into replicas on purpose. */
  injections: InjectionDesk;
  /** The replicas' lives. */
  recovery: RecoveryDesk;
  /** Undefined when switched off. */
  quarantine: QuarantineDesk | undefined;
  /** When anything last came in from any neighbour, ms. */
  replicatorInput(): number;
  /** Asks for a turn of the main loop: emission and feeding happen there, after all reads of this turn. */
  schedule(): void;
}
