// What several sections need for keys that may be left out altogether.
import type { MapReader } from '../yaml-reader.js';

/** The members that have a value. */
export function defined<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

/** A whole number, or undefined where the key is not there; no default. */
export function optionalInteger(
  reader: MapReader,
  key: string,
  range: { min: number; max: number },
): number | undefined {
  if (reader.has(key)) return reader.integer(key, range, range.min);
  // Marks it as known.
  reader.get(key);
  return undefined;
}
