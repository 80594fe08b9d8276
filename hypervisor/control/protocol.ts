// The control socket's language: one JSON object per line, a request with an id, its answer with the same id.
// Owns the line framing and its limit; what a method does belongs to the server's table of methods.

/**
 * Longest request line in characters: room for the 100,000 prefixes that one fault may name. A longer one ends the connection. Answers are not
 * limited (a vote listing may be long).
 */
export const MAX_REQUEST = 4 * 1024 * 1024;

export interface Request {
  id: number;
  method: string;
  params?: Record<string, unknown>;
}

export type Response = { id: number; result: unknown } | { id: number; error: string };

/** Splits a byte stream into lines; `overflow` is set once a line exceeds `limit`. */
export class LineSplitter {
  overflow = false;
  private rest = '';
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** The lines that `chunk` completes, without their newline. */
  push(chunk: string): string[] {
    const parts = (this.rest + chunk).split('\n');
    this.rest = parts.pop() ?? '';
    if (this.rest.length > this.limit || parts.some((line) => line.length > this.limit)) {
      this.overflow = true;
      this.rest = '';
      return [];
    }
    return parts.filter((line) => line.trim() !== '');
  }
}

/** Reads a request line; a string is what is wrong with it. */
export function parseRequest(line: string): Request | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'not JSON';
  }
  if (typeof value !== 'object' || value === null) return 'not an object';
  const { id, method, params } = value as Record<string, unknown>;
  if (typeof id !== 'number' || typeof method !== 'string') return 'a request has a numeric "id" and a "method"';
  if (params !== undefined && (typeof params !== 'object' || params === null || Array.isArray(params)))
    return '"params" is an object';
  return { id, method, params: params as Record<string, unknown> | undefined };
}
