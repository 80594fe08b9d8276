// Which files belong to a window of time: recordings, segments of the vote log, quarantined messages, logs. Owns the choice, by names and
// times of last change; a file that has something of the window is taken whole.
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { RouterPlaces } from '../../hypervisor/recording/control.js';
import { parseSegmentName } from '../../hypervisor/recording/segment-names.js';
import { activePath, finishedSegments, placeOf } from '../../votelog/segments.js';
import type { TimeWindow } from './time-window.js';

export interface BundleFile {
  /** Where it lies in the bundle. */
  name: string;
  file: string;
  size: number;
}

/** Changed since the window began; and begun before it ended, where that is known (ms since 1970). */
async function taken(file: string, name: string, window: TimeWindow, begun = -Infinity): Promise<BundleFile[]> {
  const info = await stat(file).catch(() => undefined);
  if (!info?.isFile() || info.mtimeMs < window.since || begun > window.until) return [];
  return [{ name, file, size: info.size }];
}

async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(() => [] as string[])).sort();
}

async function recordings(directory: string, window: TimeWindow): Promise<BundleFile[]> {
  const replicas = (await namesIn(path.join(directory, 'replicas'))).map((name) => path.join('replicas', name));
  const found: BundleFile[] = [];
  for (const stream of ['received', ...replicas, 'advertised']) {
    for (const entry of await namesIn(path.join(directory, stream))) {
      const name = parseSegmentName(entry);
      if (name === undefined) continue;
      const file = path.join(directory, stream, entry);
      found.push(...(await taken(file, path.join('recordings', stream, entry), window, name.start)));
    }
  }
  return found;
}

async function votes(voteLog: string, window: TimeWindow): Promise<BundleFile[]> {
  const place = placeOf(voteLog);
  const files: string[] = [];
  try {
    files.push(...finishedSegments(place).map((segment) => segment.path));
  } catch {
    // No such directory: there is nothing to take.
  }
  const all = [...files, activePath(place)];
  return (await Promise.all(all.map((file) => taken(file, path.join('votes', path.basename(file)), window)))).flat();
}

async function folder(directory: string, into: string, window: TimeWindow, wanted: RegExp): Promise<BundleFile[]> {
  const names = (await namesIn(directory)).filter((name) => wanted.test(name));
  const files = names.map((name) => taken(path.join(directory, name), path.join(into, name), window));
  return (await Promise.all(files)).flat();
}

/** The hypervisor's log (winston names older ones `btr1.log`) and the replicas' (`frr.log`, `frr.log.1`). */
async function logs({ log, runDirectory }: RouterPlaces, window: TimeWindow): Promise<BundleFile[]> {
  const found = await folder(runDirectory, 'logs', window, /\.log(\.\d+)?$/);
  if (log === null) return found;
  const { dir, name, ext } = path.parse(log);
  const own = await folder(dir, 'logs', window, /./);
  const isOlder = (entry: string): boolean =>
    entry.startsWith(name) && entry.endsWith(ext) && /^\d*$/.test(entry.slice(name.length, entry.length - ext.length));
  return [
    ...found,
    ...own.filter(({ file }) => isOlder(path.basename(file)) && !found.some((other) => other.file === file)),
  ];
}

/** Everything of the window, in the order of the bundle. */
export async function bundleFiles(places: RouterPlaces, window: TimeWindow): Promise<BundleFile[]> {
  return [
    ...(await logs(places, window)),
    ...(await votes(places.voteLog, window)),
    ...(await folder(places.quarantine, 'quarantine', window, /\.(mrt|jsonl(\.1)?)$/)),
    ...(await recordings(places.recordings, window)),
  ];
}
