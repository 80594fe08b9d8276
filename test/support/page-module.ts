// The dashboard's modules outside a browser: those parts of them that make no elements. They are plain JavaScript; a test says what it expects.
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** The module of that file name in dashboard/. */
export async function pageModule<T>(name: string): Promise<T> {
  const file = path.resolve(import.meta.dirname, '../../dashboard', name);
  return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as T;
}
