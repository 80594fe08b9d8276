// Which files the user means: a directory stands for the trace files in it, the oldest first, as recorders and collectors name them
// (updates.YYYYMMDD.HHMM[.N].gz, rib.…).
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { TraceError } from './source.js';

const NAME = /^(rib|bview|updates)\.(\d{8})\.(\d{4,6})(?:\.(\d+))?(?:\.(?:gz|bz2|mrt))*$/;

/** Sorts by time; a RIB comes before the updates of its minute, and a second file of a minute after the first. */
function sortKey(name: string): string {
  const [, kind, day, time, number] = NAME.exec(name)!;
  return `${day}${time.padEnd(6, '0')}${kind === 'updates' ? 1 : 0}${(number ?? '1').padStart(8, '0')}`;
}

/** Replaces directories by their files. Throws TraceError for a directory without any; files are looked at by who reads them. */
export async function traceFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const place of paths) {
    const info = await stat(place).catch(() => undefined);
    if (!info?.isDirectory()) {
      files.push(place);
      continue;
    }
    const names = (await readdir(place)).filter((name) => NAME.test(name));
    if (names.length === 0) throw new TraceError(place, 0, 'is a directory without files named updates.* or rib.*');
    const sorted = names.map((name) => ({ name, key: sortKey(name) })).sort((a, b) => (a.key < b.key ? -1 : 1));
    files.push(...sorted.map(({ name }) => path.join(place, name)));
  }
  return files;
}
