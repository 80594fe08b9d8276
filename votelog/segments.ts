// Files of a vote log and their names. The active segment has the configured name (`votes.jsonl`); a finished one has a number and the time
// of its beginning between (`votes.00000017.20260314T150926Z.jsonl`), so that names sort by age; each may have an index beside it
// (`….index`). Owns names and listing; what is in the files is known elsewhere.
import { readdirSync } from 'node:fs';
import path from 'node:path';

export const INDEX_SUFFIX = '.index';

/** Of one log: `/run/btr/votes.jsonl` is directory `/run/btr`, stem `votes`, extension `.jsonl`. */
export interface LogPlace {
  directory: string;
  stem: string;
  extension: string;
}

/** A segment that is written no more. */
export interface FinishedSegment {
  path: string;
  number: number;
}

export function placeOf(activeFile: string): LogPlace {
  const { dir, name, ext } = path.parse(activeFile);
  return { directory: dir === '' ? '.' : dir, stem: name, extension: ext };
}

export function activePath({ directory, stem, extension }: LogPlace): string {
  return path.join(directory, `${stem}${extension}`);
}

/** `at`: when the segment began, ms since 1970. */
export function segmentPath({ directory, stem, extension }: LogPlace, number: number, at: number): string {
  const time = new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return path.join(directory, `${stem}.${String(number).padStart(8, '0')}.${time}${extension}`);
}

const SEGMENT = /^(.+)\.(\d{8,15})\.\d{8}T\d{6}Z(\.[^.]*)?$/;

/** The log that a finished segment belongs to, and its number; undefined when the name is not that of one. */
export function parseSegmentPath(file: string): { place: LogPlace; number: number } | undefined {
  const found = SEGMENT.exec(path.basename(file));
  if (found === null || file.endsWith(INDEX_SUFFIX)) return undefined;
  const [, stem, number, extension = ''] = found;
  return { place: { directory: path.dirname(file), stem, extension }, number: Number(number) };
}

/** The finished segments of a log, oldest first. Throws what the file system throws. */
export function finishedSegments(place: LogPlace): FinishedSegment[] {
  const found: FinishedSegment[] = [];
  for (const name of readdirSync(place.directory)) {
    const segment = parseSegmentPath(path.join(place.directory, name));
    if (segment?.place.stem !== place.stem || segment.place.extension !== place.extension) continue;
    found.push({ path: path.join(place.directory, name), number: segment.number });
  }
  return found.sort((a, b) => a.number - b.number || (a.path < b.path ? -1 : 1));
}

/** The logs in a directory, by what their files are called. Throws what the file system throws. */
export function logsIn(directory: string): LogPlace[] {
  const places = new Map<string, LogPlace>();
  for (const name of readdirSync(directory)) {
    const file = path.join(directory, name);
    const place = parseSegmentPath(file)?.place ?? (name.endsWith('.jsonl') ? placeOf(file) : undefined);
    if (place !== undefined) places.set(activePath(place), place);
  }
  return [...places.values()];
}
