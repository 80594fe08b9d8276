// Reads the text format of Prometheus as strictly as it is specified, and judges it as `promtool check metrics` does. Owns the reader and the
// rules of good names; shares nothing with what writes the format.
const NAME = /^[a-z_][a-z0-9_]*$/;
const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\\\|\\"|\\n)*)"(,|$)/y;
const VALUE = /^([+-]?\d+(\.\d+)?(e[+-]?\d+)?|[+-]Inf|NaN)$/;
const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];
/** Abbreviations and multiples of base units: they are spelled out, and base units are used. */
const BAD_UNITS =
  /_(ms|s|sec|secs|us|ns|milliseconds|microseconds|nanoseconds|minutes|hours|days|kb|mb|gb|kilobytes|megabytes|kib|mib|bits|percent)(_|$)/;

export interface ReadSample {
  /** With its suffix. */
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface ReadFamily {
  name: string;
  type: string;
  help: string;
  samples: ReadSample[];
}

/** Throws an Error that names the line when the text is not in the format. */
export function readExposition(text: string): Map<string, ReadFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, ReadFamily>();
  let current: ReadFamily | undefined;
  for (const [i, line] of text.slice(0, -1).split('\n').entries()) {
    const bad = (what: string): Error => new Error(`line ${i + 1}: ${what}: ${line}`);
    const help = /^# HELP (\S+) (.+)$/.exec(line);
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (help) {
      if (families.has(help[1])) throw bad('a family twice');
      current = { name: help[1], help: help[2], type: '', samples: [] };
      families.set(help[1], current);
    } else if (type) {
      if (current?.name !== type[1] || current.type !== '') throw bad('TYPE without HELP before it');
      if (!TYPES.includes(type[2])) throw bad('no such type');
      current.type = type[2];
    } else {
      const sample = readSample(line);
      if (sample === undefined) throw bad('no sample');
      if (current === undefined || familyName(sample.name, current.type) !== current.name) throw bad('a stray sample');
      current.samples.push(sample);
    }
  }
  return families;
}

function readSample(line: string): ReadSample | undefined {
  const match = LINE.exec(line);
  if (match === null || !VALUE.test(match[3])) return undefined;
  const labels = readLabels(match[2] ?? '');
  return labels && { name: match[1], labels, value: Number(match[3].replace('Inf', 'Infinity')) };
}

function readLabels(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  for (let at = 0; at < text.length; at = LABEL.lastIndex) {
    const match = LABEL.exec(text);
    if (match === null || Object.hasOwn(labels, match[1])) return undefined;
    labels[match[1]] = match[2].replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
  }
  return labels;
}

function familyName(sample: string, type: string): string {
  return type === 'histogram' ? sample.replace(/_(bucket|sum|count)$/, '') : sample;
}

/** What a strict reviewer of metrics would say. */
export function lint(families: ReadonlyMap<string, ReadFamily>): string[] {
  return [...families.values()].flatMap((family) => [
    ...lintName(family),
    ...lintSamples(family),
    ...(family.type === 'histogram' ? lintHistogram(family) : []),
  ]);
}

function lintName({ name, type, help }: ReadFamily): string[] {
  const faults: string[] = [];
  const fault = (what: string): void => void faults.push(`${name}: ${what}`);
  if (!NAME.test(name)) fault('not in snake_case');
  if ((type === 'counter') !== name.endsWith('_total')) fault('_total is for counters, and for each of them');
  if (/_(count|sum|bucket|info)$/.test(name) && !(name.endsWith('_info') && type === 'gauge'))
    fault('a reserved suffix');
  if (/(^|_)(counter|gauge|histogram|summary)(_|$)/.test(name)) fault('its type is in its name');
  if (BAD_UNITS.test(name)) fault('not in a base unit');
  if (!/^[A-Z0-9].*\.$/.test(help)) fault('the help is no sentence');
  if (type === '' || type === 'untyped') fault('no type');
  return faults;
}

function lintSamples({ name, type, samples }: ReadFamily): string[] {
  const faults: string[] = [];
  const keys = new Set<string>();
  const names = samples.length > 0 ? labelNames(samples[0], type) : '';
  if (samples.length === 0) faults.push(`${name}: no samples`);
  for (const sample of samples) {
    const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (keys.has(key)) faults.push(`${name}: a series twice: ${key}`);
    keys.add(key);
    if (labelNames(sample, type) !== names) faults.push(`${name}: series with different labels`);
    if (type !== 'histogram' && 'le' in sample.labels) faults.push(`${name}: le is for histograms`);
    if (type !== 'summary' && 'quantile' in sample.labels) faults.push(`${name}: quantile is for summaries`);
    if (!Object.keys(sample.labels).every((label) => NAME.test(label))) faults.push(`${name}: label names`);
    if (type !== 'gauge' && !(sample.value >= 0)) faults.push(`${name}: ${sample.value}`);
    if (Number.isNaN(sample.value)) faults.push(`${name}: NaN`);
  }
  return faults;
}

function labelNames({ labels }: ReadSample, type: string): string {
  return Object.keys(labels)
    .filter((label) => type !== 'histogram' || label !== 'le')
    .sort()
    .join();
}

function lintHistogram({ name, samples }: ReadFamily): string[] {
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
  const bounds = buckets.map(({ labels }) => Number(labels.le.replace('Inf', 'Infinity')));
  const counts = buckets.map(({ value }) => value);
  const rising = (list: number[]): boolean => list.every((value, i) => i === 0 || value >= list[i - 1]);
  const [sum, count] = ['_sum', '_count'].map((suffix) => samples.filter((one) => one.name === name + suffix));
  const faults: string[] = [];
  if (!rising(bounds) || bounds.at(-1) !== Infinity) faults.push(`${name}: its buckets do not rise to +Inf`);
  if (!rising(counts)) faults.push(`${name}: buckets include the ones below`);
  if (sum.length !== 1 || count.length !== 1) faults.push(`${name}: no sum, or no count`);
  else if (count[0].value !== counts.at(-1)) faults.push(`${name}: the count is not the last bucket's`);
  return faults;
}

/** The value of one series; undefined when there is none. */
export function valueOf(
  families: ReadonlyMap<string, ReadFamily>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  return family?.samples.find(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )?.value;
}
