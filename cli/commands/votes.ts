// `btr votes`: the contested ballots of a running hypervisor, or who says what about one prefix, with the attribute diff.
import process from 'node:process';
import type { CommandModule } from 'yargs';
import type { BallotReport } from '../../hypervisor/status.js';
import { withControl, withSocketOption, type SocketOptions } from '../control.js';
import { UserError } from '../errors.js';

interface VotesOptions extends SocketOptions {
  prefix: string | undefined;
  neighbor: string | undefined;
  limit: number;
  json: boolean;
}

interface DiffLine {
  attribute: string;
  left: string | null;
  right: string | null;
}

function route(attributes: Record<string, string> | null): string {
  if (attributes === null) return '(absent)';
  return Object.entries(attributes)
    .map(([name, text]) => `${name} ${text}`)
    .join('; ');
}

function renderVote(vote: BallotReport['votes'][number]): string[] {
  const mark = !vote.counts ? '·' : vote.agrees ? '=' : '≠';
  const lines = [
    `    ${mark} ${vote.replica.padEnd(12)} ${vote.agrees ? 'agrees' : route(vote.attributes)}${vote.counts ? '' : ' (does not vote now)'}`,
  ];
  for (const d of (vote.diff ?? []) as DiffLine[]) {
    lines.push(`        ${d.attribute}: verdict ${d.left ?? '(none)'} — ${vote.replica} ${d.right ?? '(none)'}`);
  }
  return lines;
}

/** The ballots as people read them. */
export function renderBallots(ballots: readonly BallotReport[]): string {
  return ballots
    .map((ballot) =>
      [
        `${ballot.prefix} to ${ballot.neighbor}`,
        `    verdict: ${route(ballot.verdict)}`,
        ...ballot.votes.flatMap(renderVote),
      ].join('\n'),
    )
    .join('\n');
}

export const votesCommand: CommandModule<object, VotesOptions> = {
  command: 'votes [prefix]',
  describe: 'Show contested ballots, or who says what about a prefix',
  builder: (yargs) =>
    withSocketOption(yargs)
      .positional('prefix', {
        type: 'string',
        describe: 'for instance 192.0.2.0/24; without it: all contested ballots',
      })
      .option('neighbor', { alias: 'n', type: 'string', describe: 'only ballots towards this neighbour address' })
      .option('limit', { type: 'number', default: 1000, describe: 'at most so many ballots' })
      .option('json', { type: 'boolean', default: false, describe: 'a JSON array of ballots' }),
  handler: async (options) => {
    const params = { prefix: options.prefix, neighbor: options.neighbor, limit: options.limit };
    const answer = (await withControl(options, (client) => client.request('votes', params))) as {
      ballots: BallotReport[];
      total: number;
    };
    if (options.json) {
      process.stdout.write(`${JSON.stringify(answer.ballots, null, 2)}\n`);
    } else if (answer.ballots.length === 0) {
      process.stdout.write(options.prefix === undefined ? 'no contested ballots\n' : '');
      if (options.prefix !== undefined) throw new UserError(`nobody has said anything about ${options.prefix}`);
    } else {
      process.stdout.write(`${renderBallots(answer.ballots)}\n`);
      const rest = answer.total - answer.ballots.length;
      if (rest > 0) process.stdout.write(`… and ${rest} more (--limit)\n`);
    }
  },
};
