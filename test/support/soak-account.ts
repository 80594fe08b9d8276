// What a running router has to say about prefixes on which it is wrong, for whoever has to find out why: each replica's vote, and which
// quarantined messages withhold the prefix from it. Asks, changes nothing.
import type { ControlClient } from '../../hypervisor/control/client.js';
import type { QuarantineListing } from '../../hypervisor/quarantine/report.js';
import type { BallotReport } from '../../hypervisor/status.js';
import { explain, type Difference } from './route-tables.js';

const MAX_PREFIXES = 30;

export async function accountOf(wrong: readonly Difference[], control: ControlClient): Promise<string> {
  const parts: string[] = [];
  for (const difference of wrong.slice(0, MAX_PREFIXES)) {
    const { prefix } = difference;
    const { ballots } = (await control.request('votes', { prefix })) as { ballots: BallotReport[] };
    const { entries } = (await control.request('quarantine', { prefix })) as QuarantineListing;
    const lines = [
      ...ballots.map((ballot) => `ballot ${JSON.stringify(ballot)}`),
      ...entries.map((entry) => `quarantined ${JSON.stringify(entry)}`),
    ];
    parts.push([explain(difference), ...lines.map((line) => `    ${line}`)].join('\n'));
  }
  if (wrong.length > MAX_PREFIXES) parts.push(`… and ${wrong.length - MAX_PREFIXES} more`);
  return parts.join('\n');
}
