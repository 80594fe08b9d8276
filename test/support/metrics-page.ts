// docs/metrics.md as data: the rows of its tables. Owns reading the page.
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface DocumentedMetric {
  name: string;
  type: string;
  labels: string[];
}

/** Rows `| \`name\` | type | labels | meaning |`. */
export function documentedMetrics(): DocumentedMetric[] {
  const text = readFileSync(path.resolve(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
  return [...text.matchAll(/^\| `([a-z_0-9]+)` \| (\w+) \| (.*?)\| /gm)].map(([, name, type, labels]) => ({
    name,
    type,
    labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label),
  }));
}
