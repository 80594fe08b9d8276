// A customer of the router under test, in a process (and namespace) of its own: one BGP session for each target, one table for all of them.
// Tells every 100 ms how large the table is and when it changed last; writes it out when told to. It runs from the build, since Node does not
// read TypeScript. Argument: JSON list of { host, localAddress, as, routerId }. Commands on stdin: `dump FILE`, one a line.
import { createWriteStream } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { CollectedTable, Collector } from '../../dist/traces/collector.js';

const table = new CollectedTable();
let changedAt = 0;
const collectors = JSON.parse(process.argv[2]).map((target) => {
  const onUpdate = () => void (changedAt = Date.now());
  return new Collector({ ...target, patience: 60, onUpdate }, table);
});

function report(fields) {
  process.stdout.write(`${JSON.stringify(fields)}\n`);
}

function tell() {
  const { size, announced, withdrawn, faults } = table;
  const up = collectors.filter(({ speaker }) => speaker.established).length;
  report({ size, announced, withdrawn, changedAt, up, faults: [...faults] });
}

async function dump(file) {
  const out = createWriteStream(file);
  for (const { id, attributes } of table.entries()) {
    const line = `${table.prefixes.format(id)} ${Buffer.from(attributes).toString('hex')}\n`;
    if (!out.write(line)) await new Promise((resolve) => out.once('drain', resolve));
  }
  await new Promise((resolve) => out.end(resolve));
  report({ dumped: file });
}

setInterval(tell, 100);
createInterface(process.stdin).on('line', (line) => void dump(line.replace(/^dump /, '')));
process.stdin.on('close', () => process.exit(0));
await Promise.all(collectors.map(({ speaker }) => speaker.connect()));
