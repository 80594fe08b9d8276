// docs/vote-log.md as something to hold records against: its tables say which fields a kind has, of which type, and which may be missing. What is
// not in the tables is a problem, and so is what is there and differs.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const FILE = path.resolve(import.meta.dirname, '../../docs/vote-log.md');

interface Field {
  type: string;
  optional: boolean;
}
type Table = Map<string, Field>;
type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const areTexts = (value: unknown): boolean => isFields(value) && Object.values(value).every(isText);

/** Simple types by their names in the documentation. */
const TYPES: Record<string, (value: unknown) => boolean> = {
  text: isText,
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  count: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  ms: (value) => typeof value === 'number' && value >= 0,
  flag: (value) => typeof value === 'boolean',
  true: (value) => value === true,
  time: (value) => isText(value) && new Date(value).toISOString() === value,
  address: (value) => isText(value) && /^[0-9a-f.:]+$/.test(value),
  prefix: (value) => isText(value) && /^[0-9a-f.:]+\/\d+$/.test(value),
  family: (value) => value === 'ipv4-unicast' || value === 'ipv6-unicast',
  hex: (value) => isText(value) && /^([0-9a-f]{2})*$/.test(value),
  source: (value) => value === 'operator' || Number.isSafeInteger(value),
  attributes: areTexts,
  // Towards neighbours attributes, in the forwarding table next hops in words.
  route: (value) => isText(value) || areTexts(value),
  nlri: (value) => isFields(value) && Object.entries(value).every(([f, hex]) => TYPES.family(f) && TYPES.hex(hex)),
};

export class DocumentedLog {
  /** By kind. */
  readonly kinds = new Map<string, Table>();
  /** Objects that several kinds have, by name. */
  private readonly shapes = new Map<string, Table>();
  /** What every line has. */
  private readonly frame: Table;

  private constructor(text: string) {
    for (const section of text.split(/^#{2,4} /m).slice(1)) {
      const [title] = section.split('\n');
      const table = tableIn(section);
      const names = [...title.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
      if (title.startsWith('Shape `')) for (const name of names) this.shapes.set(name, table);
      if (title.startsWith('`')) for (const name of names) this.kinds.set(name, table);
      if (title === 'Every line') this.shapes.set('frame', table);
    }
    const frame = this.shapes.get('frame');
    if (frame === undefined) throw new Error(`${FILE} has no table under "Every line"`);
    this.frame = frame;
  }

  static load(): DocumentedLog {
    return new DocumentedLog(readFileSync(FILE, 'utf8'));
  }

  /** What about a record is not as documented, in words. */
  problems(record: Fields): string[] {
    const kind = String(record.kind);
    const table = this.kinds.get(kind);
    if (table === undefined) return [`kind ${kind} is not documented`];
    return this.differences(record, new Map([...this.frame, ...table]), kind);
  }

  /** What is not as documented in the segments of a directory. A torn last line says nothing. */
  problemsIn(directory: string): string[] {
    return readdirSync(directory)
      .filter((name) => /^votes\.([\dTZ.]+)?jsonl$/.test(name))
      .flatMap((name) => readFileSync(path.join(directory, name), 'utf8').split('\n').slice(0, -1))
      .flatMap((line) => this.problems(JSON.parse(line) as Fields));
  }

  private differences(value: Fields, table: Table, place: string): string[] {
    const problems: string[] = [];
    for (const [name, { optional }] of table) {
      if (!optional && !(name in value)) problems.push(`${place} has no ${name}`);
    }
    for (const [name, own] of Object.entries(value)) {
      const field = table.get(name);
      if (field === undefined) problems.push(`${place} has an undocumented ${name}: ${JSON.stringify(own)}`);
      else problems.push(...this.mismatches(own, field.type, `${place}.${name}`));
    }
    return problems;
  }

  private mismatches(value: unknown, type: string, place: string): string[] {
    if (type.endsWith(' or null')) {
      return value === null ? [] : this.mismatches(value, type.slice(0, -' or null'.length), place);
    }
    if (type.startsWith('list of ')) {
      if (!Array.isArray(value)) return [`${place} is no list: ${JSON.stringify(value)}`];
      return value.flatMap((item, i) => this.mismatches(item, type.slice('list of '.length), `${place}[${i}]`));
    }
    const shape = this.shapes.get(type);
    if (shape !== undefined) {
      return isFields(value) ? this.differences(value, shape, place) : [`${place} is no ${type}`];
    }
    const isRight = TYPES[type] as ((value: unknown) => boolean) | undefined;
    if (isRight === undefined) return [`${place} has a type that nobody knows: ${type}`];
    return isRight(value) ? [] : [`${place} is no ${type}: ${JSON.stringify(value)?.slice(0, 200)}`];
  }
}

/** Rows `| `field`, `field` | type | meaning |`; `type?`: it may be missing. */
function tableIn(section: string): Table {
  const table: Table = new Map();
  for (const [, names, type] of section.matchAll(/^\| (`[^|]*`) +\| ([^|]+?) +\|/gm)) {
    for (const [, name] of names.matchAll(/`([^`]+)`/g)) {
      table.set(name, { type: type.replace(/\?$/, ''), optional: type.endsWith('?') });
    }
  }
  return table;
}
