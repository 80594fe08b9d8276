// docs/known-bugs.md, made from results.json and the reasons in expectations.ts. Pure: takes results, gives text.
import type { Delivery, VotingStrategy } from '../../configs/model.js';
import { EXPECTATIONS, expectationOf } from './expectations.js';
import { DAEMONS, type Alone, type TriggerResults } from './results.js';
import type { Outcome } from './scenario.js';

const DELIVERIES = ['repaired', 'raw'];
const CATEGORIES = [
  ...['crash', 'hang', 'wrong-route', 'malformed-output', 'session-reset', 'combined', 'open', 'semantic', 'control'],
];
const REPLICAS: Record<string, string> = { frr: 'F', bird: 'B', openbgpd: 'O' };

const INTRO = `# Known bugs

Inputs on which released daemons crash, hang, reset sessions, lose routes or pass on nonsense, and a few on which they only differ: each daemon
alone, and the router with FRR 8.4.4, BIRD 2.0.12 and OpenBGPD 7.7 behind it. This page is written by the suite that plays them
(\`BTR_BUGS_UPDATE=1 npm run test:bugs\`; test/bugs/), never by hand; the inputs are in the optional shared folder (\`bugs/\`).

## How it is judged

A feeder and a second neighbour have sessions with the router; the router's namespace has a kernel routing table of its own
(\`fib.backend: kernel\`). The feeder sends good routes, the trigger, and more good routes; then the trigger and the routes once more. A router of its
own for each cell. At each step, and all the time in between:

- both sessions are up; where the input is broken so that a reset is right, the router ends that session itself, and a sound OPEN is accepted again;
- the second neighbour and the kernel hold exactly the good routes and what became of the trigger's prefixes: nothing else, with the right path
  and next hop. No good route was withdrawn from either for a moment, no route led to somebody who had not announced it in a sound message;
- nothing malformed reaches a neighbour (every UPDATE is parsed strictly: RFC 4271, 7606, 4760, and path and next hop as they must be);
- all three replicas vote in the end; a replica is started again at most once for a trigger, and not at all when the same bytes come again;
- with wait-for-consensus no wrong route is out at any moment.

Inputs of profiles other than plain run on native configurations: the generated ones with the lines of the profile added (test/bugs/native.ts).
The fault threshold is set to ten minutes here, so that restarts are those that a message causes and not those for dissent that lasts.

\`npm run test:bugs\` also has an independent judge (\`bugrun.py\` of the shared folder) play the inputs of profile plain with each strategy.
`;

const LEGEND = `## Results

P route passed on, W route withheld, k nothing to pass on and all well, s the second neighbour's path is best, f in the kernel but sent to
nobody. For the router: R with the name of the
NOTIFICATION by which it ends or refuses the feeder's session itself; in parentheses the replicas that were killed and started again because of the
trigger (F FRR, B BIRD, O OpenBGPD); \`~\` a wrong route was out for a moment; **!** something is not as it should be (listed below). One entry stands for all
three strategies where they come to the same. The daemons alone are as the corpus recorded them; \`!\` marks what is wrong, or, under semantic and
control, differs from the reference.
`;

/** The whole page. */
export function renderPage(results: readonly TriggerResults[]): string {
  const sections = CATEGORIES.flatMap((category) => {
    const rows = results.filter((result) => result.category === category);
    return rows.length === 0 ? [] : [`### ${category}\n\n${table(rows)}\n`];
  });
  return [INTRO, LEGEND, `${summary(results)}\n`, ...sections, reasons(results), failures(results)]
    .filter((part) => part !== '')
    .join('\n');
}

function summary(results: readonly TriggerResults[]): string {
  const runs = results.flatMap((result) => Object.values(result.runs));
  const right = runs.filter(({ findings }) => findings.length === 0).length;
  return `${results.length} inputs, ${runs.length} runs: ${right} without a finding, ${runs.length - right} with one.`;
}

function table(rows: readonly TriggerResults[]): string {
  const head = [
    'trigger',
    'a good daemon',
    'FRR alone',
    'BIRD alone',
    'OpenBGPD alone',
    ...DELIVERIES.map((d) => `router, ${d}`),
  ];
  const lines = rows.map((result) => [
    result.profile === 'plain' ? result.id : `${result.id} (${result.profile})`,
    result.correct,
    ...DAEMONS.map((daemon) => alone(result.alone[daemon])),
    ...DELIVERIES.map((deliver) => cell(result, deliver)),
  ]);
  return [head, head.map(() => '---'), ...lines].map((columns) => `| ${columns.join(' | ')} |`).join('\n');
}

/** The corpus's words, shortened. */
const SHORT: readonly [RegExp, string][] = [
  [/^route passed on$/, 'P'],
  [/^route not passed on, session up$/, 'W'],
  [/^session up, good routes intact$/, 'k'],
  [/^session reset \((.*)\)$/, 'session reset, $1'],
  [/^session refused \((.*)\)$/, 'OPEN refused, $1'],
  [/^crash \(fatal error.*$/, 'dies'],
  [/^crash \((.*)\)$/, 'dies, $1'],
  [/TCP closed without NOTIFICATION/, 'no NOTIFICATION'],
];

function alone({ outcome, wrong }: Alone): string {
  if (outcome === null) return '–';
  return SHORT.reduce((text, [what, by]) => text.replace(what, by), outcome) + (wrong ? ' !' : '');
}

/** One entry per group of strategies that came to the same. */
function cell({ id, runs }: TriggerResults, deliver: string): string {
  const byText = new Map<string, string[]>();
  for (const [key, outcome] of Object.entries(runs)) {
    const [strategy, how] = key.split('/');
    if (how !== deliver) continue;
    const text = describe(id, key, outcome);
    byText.set(text, [...(byText.get(text) ?? []), strategy]);
  }
  if (byText.size === 0) return 'not run';
  if (byText.size === 1) return [...byText.keys()][0];
  return [...byText].map(([text, strategies]) => `${text}: ${strategies.join(', ')}`).join('; ');
}

function describe(id: string, key: string, { findings, session, routes, restarts, transient }: Outcome): string {
  const killed = Object.keys(restarts).map((name) => REPLICAS[name] ?? name);
  const fate = session === 'up' ? fateLetter(id, key, routes) : `R ${session}`;
  return [
    fate,
    ...(killed.length > 0 ? [`(${killed.sort().join(' ')})`] : []),
    ...(transient.length > 0 ? ['~'] : []),
    ...(findings.length > 0 ? ['**!**'] : []),
  ].join(' ');
}

function fateLetter(id: string, key: string, routes: Outcome['routes']): string {
  const paths = Object.values(routes);
  if (paths.length === 0) return 'k';
  if (paths.every((path) => path !== null)) return 'P';
  if (paths.some((path) => path !== null)) return 'p';
  const [strategy, deliver] = key.split('/') as [VotingStrategy, Delivery];
  // Not at the second neighbour: what that means, the kernel was asked when it was played.
  const { fate } = expectationOf(id, deliver, strategy);
  return fate === 'second is best' ? 's' : fate === 'forwarded only' ? 'f' : 'W';
}

function reasons(results: readonly TriggerResults[]): string {
  const lines = results.flatMap(({ id }) => {
    const why = EXPECTATIONS[id]?.why;
    return why === undefined ? [] : [`- \`${id}\`: ${why}`];
  });
  return `## Where the result differs from a good daemon's, or the choice is open\n\n${lines.join('\n')}\n`;
}

function failures(results: readonly TriggerResults[]): string {
  const lines = results.flatMap(({ id, runs }) =>
    Object.entries(runs).flatMap(([key, { findings }]) => findings.map((text) => `- \`${id}\`, ${key}: ${text}`)),
  );
  return lines.length === 0 ? '' : `## Findings\n\n${lines.join('\n')}\n`;
}
