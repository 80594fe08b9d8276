// Reads a YAML document key by key, keeping the position of every node, and collects every mistake instead of stopping
// at the first. Knows types and ranges; which keys exist and what they mean is configs/schema/.
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node, Pair, YAMLMap } from 'yaml';
import { didYouMean } from './diagnostics.js';
import type { Diagnostic } from './diagnostics.js';

/** A value with the place it was written at, so that a later check can point to it. */
export interface Item {
  node: Node | undefined;
  /** Path to it: `neighbors[1].peer-as`. */
  key: string;
}

/** One file being read: its text positions and the mistakes found so far. */
export class ConfigSource {
  readonly file: string;
  readonly diagnostics: Diagnostic[] = [];
  /** Every key that was looked for, written there or not, without indexes: `neighbors[].hold-time`. */
  readonly asked = new Set<string>();
  readonly #lines = new LineCounter();
  readonly #document: Document;

  constructor(file: string, text: string) {
    this.file = file;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, uniqueKeys: true });
    for (const error of this.#document.errors) this.#report(error.pos[0], '', error.message);
  }

  /** The top level of the file; an empty one when the file holds something else (which is reported). */
  root(): MapReader {
    return new MapReader(this, { node: (this.#document.contents as Node | null) ?? undefined, key: '' }, 'the file');
  }

  report(item: Item, message: string): void {
    this.#report(item.node?.range?.[0] ?? 0, item.key, message);
  }

  /** Follows `*anchor` references. */
  resolve(node: unknown): Node | undefined {
    if (isAlias(node)) return node.resolve(this.#document) as Node | undefined;
    return (node as Node | null) ?? undefined;
  }

  #report(offset: number, key: string, message: string): void {
    const { line, col } = this.#lines.linePos(offset);
    this.diagnostics.push({ file: this.file, line: Math.max(1, line), column: Math.max(1, col), key, message });
  }
}

/** What a node holds, in the words of a diagnostic: `text "abc"`, `a list`. */
function holding(node: Node | undefined): string {
  if (node === undefined || (isScalar(node) && node.value === null)) return 'nothing';
  if (isMap(node)) return 'a mapping';
  if (isSeq(node)) return 'a list';
  if (!isScalar(node)) return 'something else';
  return typeof node.value === 'string' ? `"${node.value}"` : String(node.value);
}

/** Turns text into a value, or says what was expected instead. */
export type Parse<T> = (text: string) => T | { expected: string };

export function isExpected(value: unknown): value is { expected: string } {
  return typeof value === 'object' && value !== null && 'expected' in value;
}

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;
const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Reads the keys of one mapping. Ask for every key that may occur, then call `finish`, which reports the others. */
export class MapReader {
  readonly source: ConfigSource;
  readonly item: Item;
  readonly #map: YAMLMap | undefined;
  readonly #known: string[] = [];

  constructor(source: ConfigSource, item: Item, what = 'a mapping') {
    this.source = source;
    this.item = item;
    const node = source.resolve(item.node);
    if (isMap(node)) this.#map = node;
    else if (node !== undefined && !(isScalar(node) && node.value === null)) {
      source.report(item, `expected ${what === 'the file' ? 'a mapping of keys' : what}, found ${holding(node)}`);
    }
  }

  /** The keys as written. */
  keys(): string[] {
    return this.#pairs().map((pair) => String(isScalar(pair.key) ? pair.key.value : pair.key));
  }

  /** The value at `key` (or undefined) and its place; a missing key has the place of the mapping. */
  get(key: string): Item & { present: boolean } {
    this.#known.push(key);
    const path = this.item.key === '' ? key : `${this.item.key}.${key}`;
    this.source.asked.add(path.replaceAll(/\[\d+\]/g, '[]'));
    const pair = this.#pairs().find((p) => isScalar(p.key) && String(p.key.value) === key);
    if (pair === undefined) return { node: this.item.node, key: path, present: false };
    const value = this.source.resolve(pair.value);
    const empty = value === undefined || (isScalar(value) && value.value === null);
    if (empty) this.source.report({ node: pair.key as Node, key: path }, 'has no value: give one or leave the key out');
    return { node: value, key: path, present: !empty };
  }

  has(key: string): boolean {
    return this.#pairs().some((p) => isScalar(p.key) && String(p.key.value) === key);
  }

  error(key: string, message: string): void {
    const { node, key: path } = this.#peek(key);
    this.source.report({ node, key: path }, message);
  }

  /** Whole number in [min, max]; `fallback` when absent or wrong (wrong is reported). No fallback = required. */
  integer(key: string, range: { min: number; max: number; what?: string }, fallback?: number): number {
    const what = range.what ?? `a whole number from ${range.min} to ${range.max}`;
    const item = this.get(key);
    if (!item.present) return this.#absent(item, what, fallback, range.min);
    const value = isScalar(item.node) ? item.node.value : undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= range.min && value <= range.max) return value;
    this.source.report(item, `expected ${what}, found ${holding(item.node)}`);
    return fallback ?? range.min;
  }

  boolean(key: string, fallback: boolean): boolean {
    const item = this.get(key);
    if (!item.present) return fallback;
    if (isScalar(item.node) && typeof item.node.value === 'boolean') return item.node.value;
    this.source.report(item, `expected true or false, found ${holding(item.node)}`);
    return fallback;
  }

  /** Text that `parse` understands. Undefined when absent (reported if `required`) or wrong (reported). */
  text<T>(key: string, parse: Parse<T>, required?: string): T | undefined {
    const item = this.get(key);
    if (!item.present) {
      if (required !== undefined) this.#absent(item, required, undefined, '');
      return undefined;
    }
    return this.parseItem(item, parse);
  }

  /** As `text`, for what nobody must see: what is wrong with it is said without showing it. */
  secret<T>(key: string, parse: Parse<T>): T | undefined {
    const item = this.get(key);
    return item.present ? this.parseItem(item, parse, () => 'something else') : undefined;
  }

  oneOf<T extends string>(key: string, words: readonly T[], fallback?: T): T {
    const item = this.get(key);
    const expected = `one of ${words.join(', ')}`;
    if (!item.present) return this.#absent(item, expected, fallback, words[0]);
    return this.parseItem(item, oneOfWords(words)) ?? fallback ?? words[0];
  }

  /** A duration such as 500ms, 1s, 2m, in milliseconds; a bare number is refused because its unit would be a guess. */
  duration(key: string, fallback: number, range = { min: 1, max: 86_400_000 }): number {
    const item = this.get(key);
    if (!item.present) return fallback;
    const text = isScalar(item.node) ? String(item.node.value) : '';
    const match = DURATION.exec(text);
    const value = match === null ? NaN : Number(match[1]) * UNIT_MS[match[2]];
    if (value >= range.min && value <= range.max) return value;
    const expected = `a duration from ${formatDuration(range.min)} to ${formatDuration(range.max)}, with its unit (500ms, 1s, 2m)`;
    this.source.report(item, `expected ${expected}, found ${holding(item.node)}`);
    return fallback;
  }

  /** The entries of a list; a single value stands for a list of one. */
  list(key: string): Item[] {
    const item = this.get(key);
    if (!item.present) return [];
    if (!isSeq(item.node)) return isMap(item.node) ? this.#notAList(item) : [{ node: item.node, key: item.key }];
    return item.node.items.map((node, i) => ({ node: this.source.resolve(node), key: `${item.key}[${i}]` }));
  }

  map(key: string): MapReader {
    const item = this.get(key);
    return new MapReader(this.source, { node: item.node, key: item.key, ...(item.present ? {} : { node: undefined }) });
  }

  /** Each entry of a list of mappings. */
  maps(key: string): MapReader[] {
    return this.list(key).map((item) => new MapReader(this.source, item));
  }

  /** A mapping that stands in a list. */
  entry(item: Item): MapReader {
    return new MapReader(this.source, item);
  }

  /** One list entry or value as text. */
  parseItem<T>(item: Item, parse: Parse<T>, shown = holding): T | undefined {
    const node = this.source.resolve(item.node);
    const scalar = isScalar(node) && node.value !== null && typeof node.value !== 'object';
    // The text as written: 65000:010 or 1e3 must not pass through a number first.
    const text = scalar ? String(node.source ?? node.value) : '';
    const value = scalar ? parse(typeof node.value === 'string' ? node.value : text) : parse('');
    if (!isExpected(value)) return value;
    this.source.report(item, `expected ${value.expected}, found ${shown(node)}`);
    return undefined;
  }

  /** Reports every key that nobody asked for. */
  finish(): void {
    for (const pair of this.#pairs()) {
      const name = String(isScalar(pair.key) ? pair.key.value : pair.key);
      if (this.#known.includes(name)) continue;
      const key = this.item.key === '' ? name : `${this.item.key}.${name}`;
      const hint = didYouMean(name, this.#known) || `; expected one of ${this.#known.join(', ')}`;
      this.source.report({ node: pair.key as Node, key }, `unknown key "${name}"${hint}`);
    }
  }

  #pairs(): Pair[] {
    return (this.#map?.items as Pair[] | undefined) ?? [];
  }

  #peek(key: string): Item {
    const path = this.item.key === '' ? key : `${this.item.key}.${key}`;
    const pair = this.#pairs().find((p) => isScalar(p.key) && String(p.key.value) === key);
    return { node: pair === undefined ? this.item.node : this.source.resolve(pair.value), key: path };
  }

  #absent<T>(item: Item & { present: boolean }, expected: string, fallback: T | undefined, placeholder: T): T {
    if (fallback !== undefined) return fallback;
    // An empty value was reported by get().
    if (!this.has(item.key.slice(item.key.lastIndexOf('.') + 1))) {
      this.source.report(item, `is missing: expected ${expected}`);
    }
    return placeholder;
  }

  #notAList(item: Item): Item[] {
    this.source.report(item, 'expected a list, found a mapping');
    return [];
  }
}

/** Parser for a closed set of words. */
export function oneOfWords<T extends string>(words: readonly T[]): Parse<T> {
  return (text) =>
    words.find((word) => word === text) ?? { expected: `one of ${words.join(', ')}${didYouMean(text, words)}` };
}

/** 1500 → "1500ms", 120000 → "2m". */
export function formatDuration(ms: number): string {
  for (const [unit, size] of [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const) {
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
