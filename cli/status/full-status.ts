// All that `btr status` shows: the router's status, and what is asked for beside it: faults put in on purpose, recording, BMP. Owns putting that
// together and its lines; tables of neighbours and replicas are the command's.
import type { BmpStats } from '../../hypervisor/bmp/bmp-exporter.js';
import type { ControlClient } from '../../hypervisor/control/client.js';
import type { InjectionReport } from '../../hypervisor/injection/types.js';
import type { RecorderStats } from '../../hypervisor/recording/recorder.js';
import type { RouterStatus } from '../../hypervisor/status.js';
import { bytes, count } from '../output/table.js';

/** What `btr status --json` prints: fields are added, not renamed. */
export interface FullStatus extends RouterStatus {
  /** As `btr inject list --json`. */
  injections: InjectionReport[];
  /** As `btr record status --json`; null when nothing is recorded. */
  recording: RecorderStats | null;
  /** One for each connection to a collector. */
  bmp: BmpStats;
}

export async function askFullStatus(client: ControlClient): Promise<FullStatus> {
  const [status, injections, recording, bmp] = await Promise.all(
    ['status', 'inject-list', 'record', 'bmp'].map((method) => client.request(method)),
  );
  return { ...(status as RouterStatus), injections, recording, bmp } as FullStatus;
}

/** What is wrong now: `none`, or who has how many. */
export function faultLines({ replicas, injections }: FullStatus): string[] {
  const open = replicas.filter(({ faults }) => faults.open > 0).map(({ name, faults }) => `${name} ${faults.open}`);
  const put = injections.map(({ replica, kind }) => (replica === null ? kind : `${kind} into ${replica}`));
  return [
    `open faults: ${open.length === 0 ? 'none' : `${open.join(', ')} (btr faults)`}`,
    ...(put.length === 0 ? [] : [`faults put in on purpose: ${put.join(', ')} (btr inject list)`]),
  ];
}

/** Where others can look: HTTP, BMP, recording, the vote log. */
export function outletLine({ http, bmp, recording, logLevels, voteLogDropped }: FullStatus): string {
  const dropped = voteLogDropped === 0 ? '' : `, ${count(voteLogDropped)} records dropped`;
  const connected = bmp.filter((one) => one.connected).length;
  return [
    `vote log: ${logLevels.voteLog}${dropped}`,
    `http: ${http === null ? 'off' : http.url + (http.open ? ' (open)' : '')}`,
    `bmp: ${bmp.length === 0 ? 'off' : `${connected} of ${bmp.length} connections up`}`,
    `recording: ${recording === null ? 'off' : recordingWords(recording)}`,
  ].join('; ');
}

function recordingWords({ files, bytes: size, dropped, error }: RecorderStats): string {
  const trouble = error === null ? '' : `, ${error}`;
  return `${count(files)} files, ${bytes(size)}${dropped === 0 ? '' : `, ${count(dropped)} records dropped`}${trouble}`;
}
