// What the HTTP server counts of itself. Owns these numbers; their names are in metrics/outlet-metrics.ts.
import { Tally } from '../metrics/meters.js';

export class HttpCounters {
  /** Answers by status code, those included that were cut off in the middle. */
  readonly answers = new Tally<`${number}`>();
  /** Connections that found no room. */
  refused = 0;
}
