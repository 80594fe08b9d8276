// Names and windows of recording files, as the field has them: updates.YYYYMMDD.HHMM[.N].gz in UTC. Pure; files themselves are segment-store.ts.

/** A recording file: the minute it begins in, and which one of that minute it is (1 = the first). */
export interface SegmentName {
  /** ms since 1970, a whole minute. */
  readonly start: number;
  readonly number: number;
}

const NAME = /^updates\.(\d{4})(\d{2})(\d{2})\.(\d{2})(\d{2})(?:\.(\d+))?(?:\.gz)?$/;
const MINUTE_MS = 60_000;

/** Start of the rotation window that `time` lies in; ms since 1970. */
export function windowOf(time: number, rotateAfter: number): number {
  return Math.floor(time / rotateAfter) * rotateAfter;
}

export function formatSegmentName({ start, number }: SegmentName, compressed: boolean): string {
  const digits = new Date(start).toISOString().replaceAll(/[-:]/g, '');
  const more = number > 1 ? `.${number}` : '';
  return `updates.${digits.slice(0, 8)}.${digits.slice(9, 13)}${more}${compressed ? '.gz' : ''}`;
}

/** Undefined for files that are no recordings. */
export function parseSegmentName(name: string): SegmentName | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [year, month, day, hour, minute] = match.slice(1, 6).map(Number);
  return { start: Date.UTC(year, month - 1, day, hour, minute), number: Number(match[6] ?? 1) };
}

/** The name that a file begun at `time` has, when it is the `number`th of its minute. */
export function segmentNameAt(time: number, number: number): SegmentName {
  return { start: Math.floor(time / MINUTE_MS) * MINUTE_MS, number };
}

/** Chronological order. */
export function compareSegments(a: SegmentName, b: SegmentName): number {
  return a.start - b.start || a.number - b.number;
}
