// The last lines of the vote log that somebody at the dashboard may want to see: a bounded number of them, at a bounded rate, with a count
// of what was left out. Owns which kinds are worth showing and how much of a line is.
import { levelOf } from '../../../votelog/levels.js';
import type { LogRecord } from '../../../votelog/types.js';

/** Lines that are kept for those who come later, and their length altogether, characters: they are sent in one go. */
const KEPT = 200;
const KEPT_LENGTH = 256 * 1024;
/** Lines taken between two calls of `take`; a burst is in the log itself, and in the summary numbers. */
const TAKEN = 20;
/** A longer line is shown without what makes it long, bytes. */
const LONG_LINE = 16_384;
export interface RecordNews {
  records: LogRecord[];
  /** Lines that came in the same time and are not among them. */
  leftOut: number;
}

export class RecentRecords {
  private readonly kept: string[] = [];
  private keptLength = 0;
  private fresh: string[] = [];
  private leftOut = 0;

  note(line: string, kind: string): void {
    // What happens all the time is no news.
    if (levelOf(kind) === 'all') return;
    if (this.fresh.length >= TAKEN) {
      this.leftOut++;
      return;
    }
    const text = line.length > LONG_LINE ? shortened(line) : line;
    if (text === undefined) {
      this.leftOut++;
      return;
    }
    this.fresh.push(text);
    this.keep(text);
  }

  /** What has come since the last call; undefined when nothing has. */
  take(): RecordNews | undefined {
    if (this.fresh.length === 0 && this.leftOut === 0) return undefined;
    const news = { records: parsed(this.fresh), leftOut: this.leftOut };
    this.fresh = [];
    this.leftOut = 0;
    return news;
  }

  /** The same for when nobody listens. */
  skip(): void {
    this.fresh = [];
    this.leftOut = 0;
  }

  /** Oldest first. */
  all(): LogRecord[] {
    return parsed(this.kept);
  }

  private keep(text: string): void {
    this.kept.push(text);
    this.keptLength += text.length;
    while (this.kept.length > KEPT || this.keptLength > KEPT_LENGTH) this.keptLength -= this.kept.shift()!.length;
  }
}

/** Without the prefixes of a group, whose number stays; undefined when that does not make it short. */
function shortened(line: string): string | undefined {
  // In a text within the line the quotes would be escaped.
  const text = line.replace(/,"nlri":(\{[^{}]*\}|"[0-9a-f]*")/, '');
  return text.length > LONG_LINE ? undefined : text;
}

function parsed(lines: readonly string[]): LogRecord[] {
  return lines.map((line) => JSON.parse(line) as LogRecord);
}
