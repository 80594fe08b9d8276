// The README inside a bundle: what each part is and how to go on. Text only.
import type { RouterPlaces } from '../../hypervisor/recording/control.js';
import { bytes, count } from '../output/table.js';
import type { BundleFile } from './bundle-files.js';
import type { TimeWindow } from './time-window.js';

/** What the parts are, by how their names begin. */
const PARTS: readonly (readonly [string, string])[] = [
  ['logs/', 'what the hypervisor and the daemons have written to their logs'],
  ['votes/', 'segments of the vote log: btr votes --log votes …, btr faults --log votes'],
  ['quarantine/', 'messages that replicas died of (MRT), and what became of them (index.jsonl)'],
  ['recordings/received/', 'what neighbours sent'],
  ['recordings/replicas/', 'what each replica sent for each neighbour'],
  ['recordings/advertised/', 'what was sent to neighbours'],
];

function part(prefix: string, text: string, files: readonly BundleFile[]): string[] {
  const own = files.filter(({ name }) => name.startsWith(prefix));
  if (own.length === 0) return [`  ${prefix.padEnd(24)}${text}: nothing of this time`];
  const size = own.reduce((sum, file) => sum + file.size, 0);
  return [`  ${prefix.padEnd(24)}${text}: ${count(own.length)} files, ${bytes(size)}`];
}

export function bundleReadme(
  window: TimeWindow,
  places: RouterPlaces,
  files: readonly BundleFile[],
  missing: readonly string[],
): string {
  const at = (time: number): string => new Date(time).toISOString();
  return [
    'What a bug-tolerant router (btr) was told, said and decided.',
    '',
    `Made:    ${at(Date.now())}`,
    `Window:  ${at(window.since)} to ${at(window.until)}; files that have something of it are here whole`,
    `Router:  run directory ${places.runDirectory}`,
    '',
    '  router.yaml             its configuration; passwords and tokens are removed',
    '  status.json             btr status --json, when this was made (of a running router only, as the next three)',
    '  faults.json             btr faults --json',
    '  quarantine.json         btr quarantine list --json',
    '  recording.json          what was recorded, and what was dropped because the disk did not keep up',
    '  versions.json           the system and the packages of the daemons',
    ...PARTS.flatMap(([prefix, text]) => part(prefix, text, files)),
    '',
    ...(missing.length === 0 ? [] : ['Not here:', ...missing.map((text) => `  ${text}`), '']),
    'Recordings are MRT files (BGP4MP_ET, RFC 6396), which bgpdump and others read, too. To look into them, and to run it again:',
    '',
    '  btr trace info recordings/received',
    '  btr replay recordings/received --sessions --verbatim --map peer=ADDRESS,local=ADDRESS,as=AS,to=ROUTER …',
    '',
    'A neighbour said what it had said before the window before it: begin the window when its session came up to have all of it.',
    '',
  ].join('\n');
}
