// The JSON API: what the CLI reads, read-only, under /api/v1/ (docs/openapi.yaml). Owns the paths and their parameters; the answers are
// those of the control methods, field by field.
import { HttpError, sendPieces } from './answers.js';
import { Gate } from './gate.js';
import { jsonPieces } from './json-pieces.js';
import type { HttpParts, HttpRequest, Route } from './routes.js';

const TYPE = 'application/json; charset=utf-8';

/** Answers under way at once: each is in memory, ten thousand entries at most, until it has been read. */
const MAX_ANSWERS = 16;

type Kind = 'text' | 'integer' | 'boolean' | 'time';

interface Endpoint {
  /** Control method; the path is /api/v1/ and this name. */
  method: string;
  parameters: Readonly<Record<string, Kind>>;
  /** `limit` without one, and the largest; answers must stay bearable for a browser. */
  limit?: { usual: number; most: number };
}

const ENDPOINTS: readonly Endpoint[] = [
  { method: 'status', parameters: {} },
  {
    method: 'votes',
    parameters: {
      ...{ prefix: 'text', match: 'text', neighbor: 'text', replica: 'text', as: 'integer', state: 'text' },
      ...{ from: 'time', to: 'time', limit: 'integer', after: 'text', by: 'text' },
    },
    limit: { usual: 100, most: 5000 },
  },
  { method: 'explain', parameters: { prefix: 'text', history: 'boolean' } },
  {
    method: 'faults',
    parameters: { replica: 'text', all: 'boolean', prefix: 'text', match: 'text', neighbor: 'text', as: 'integer' },
  },
  {
    method: 'fib',
    parameters: { prefix: 'text', state: 'text', limit: 'integer' },
    limit: { usual: 100, most: 10_000 },
  },
  {
    method: 'quarantine',
    parameters: { replica: 'text', prefix: 'text', limit: 'integer' },
    limit: { usual: 100, most: 10_000 },
  },
];

export function apiRoutes({ methods }: Pick<HttpParts, 'methods'>): Route[] {
  const gate = new Gate(MAX_ANSWERS, 'answers');
  return ENDPOINTS.map((endpoint) => ({
    method: 'GET',
    path: `/api/v1/${endpoint.method}`,
    access: 'token',
    handle: (request, response) =>
      gate.pass(response, async () => {
        const answer = await ask(() => methods[endpoint.method](parametersOf(request, endpoint)));
        await sendPieces(response, TYPE, jsonPieces(answer));
      }),
  }));
}

/** What methods throw is for whoever asked, unless it is a mistake of the program. */
async function ask(method: () => unknown): Promise<unknown> {
  try {
    return await method();
  } catch (error) {
    if (error instanceof Error && error.constructor === Error) throw new HttpError(400, error.message);
    throw error;
  }
}

function parametersOf({ query }: HttpRequest, { parameters, limit }: Endpoint): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const [name, text] of query) {
    const kind = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (kind === undefined) throw new HttpError(400, `there is no parameter ${JSON.stringify(name.slice(0, 40))} here`);
    if (Object.hasOwn(given, name)) throw new HttpError(400, `${name} is given twice`);
    given[name] = valueOf(name, kind, text);
  }
  if (limit !== undefined) given.limit = Math.min(Number(given.limit ?? limit.usual), limit.most);
  return given;
}

function valueOf(name: string, kind: Kind, text: string): unknown {
  if (kind === 'integer') {
    if (/^\d{1,10}$/.test(text)) return Number(text);
    throw new HttpError(400, `${name} is a number`);
  }
  if (kind === 'boolean') {
    if (text === 'true' || text === 'false') return text === 'true';
    throw new HttpError(400, `${name} is true or false`);
  }
  if (kind === 'text') return text;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new HttpError(400, `${name} is a time (ISO 8601)`);
  return time;
}
