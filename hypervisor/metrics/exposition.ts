// The text format of Prometheus (0.0.4): turns families of samples into lines. Owns escaping and numbers. What there is to say is the
// families' affair. Our counters are plain numbers and typed arrays that hot paths add to, so a client library with a registry of its own
// would only copy them; what is left is this page.
import type { Histogram } from './histogram.js';

export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  labels: Labels;
  value: number;
  /** Of a histogram: `_bucket`, `_sum`, `_count`. */
  suffix?: string;
}

export interface MetricFamily {
  /** `[a-zA-Z_][a-zA-Z0-9_]*`, with its unit; a counter ends in `_total`. */
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  /** One sentence. */
  help: string;
  samples: Iterable<Sample>;
}

/** A family of one sample without labels. */
export function single(type: 'counter' | 'gauge', name: string, help: string, value: number): MetricFamily {
  return { name, type, help, samples: [{ labels: {}, value }] };
}

/** A family with a sample for each of `items`. */
export function each<T>(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  items: readonly T[],
  sample: (item: T) => Sample,
): MetricFamily {
  return { name, type, help, samples: items.map(sample) };
}

export function histogram(name: string, help: string, { bounds, counts, sum }: Histogram): MetricFamily {
  const samples: Sample[] = [];
  let total = 0;
  for (const [i, count] of counts.entries()) {
    total += count;
    samples.push({ suffix: '_bucket', labels: { le: i < bounds.length ? bounds[i] : '+Inf' }, value: total });
  }
  samples.push({ suffix: '_sum', labels: {}, value: sum }, { suffix: '_count', labels: {}, value: total });
  return { name, type: 'histogram', help, samples };
}

/** Lines of one family after the other; a family without samples is left out. */
export function* exposition(families: readonly MetricFamily[]): Generator<string> {
  for (const { name, type, help, samples } of families) {
    let head = `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
    for (const { labels, value, suffix = '' } of samples) {
      if (head !== '') yield head;
      head = '';
      yield `${name}${suffix}${labelText(labels)} ${numberText(value)}\n`;
    }
  }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(String(value))}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** Names come from configurations and from the network: nothing in them may end a value or a line. */
function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}
