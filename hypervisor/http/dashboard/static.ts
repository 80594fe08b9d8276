// The dashboard's own files. They are read once, at the start: what is not among them then cannot be asked for, whatever a path says.
// Owns the list, content types and caching; headers that keep pages safe are the server's.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { HttpError } from '../answers.js';

const CONTENT_TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Asked for each time and mostly answered with 304: an upgrade shows at once. */
const CACHING = 'no-cache';

interface StaticFile {
  body: Buffer;
  type: string;
  etag: string;
}

/** dist/hypervisor/http/dashboard/ and hypervisor/http/dashboard/ both find dashboard/, which is not compiled. */
export function dashboardDirectory(): string {
  const above = path.resolve(import.meta.dirname, '../../..');
  return path.join(path.basename(above) === 'dist' ? path.dirname(above) : above, 'dashboard');
}

export class StaticFiles {
  private readonly files = new Map<string, StaticFile>();

  /** Reads what lies in `directory`, as far as browsers have a use for it. Throws when it is not there. */
  constructor(directory = dashboardDirectory()) {
    for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
      const type = CONTENT_TYPES[path.extname(entry.name)];
      if (!entry.isFile() || type === undefined) continue;
      const file = path.join(entry.parentPath, entry.name);
      const body = readFileSync(file);
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
      this.files.set(path.relative(directory, file), { body, type, etag });
    }
  }

  get names(): string[] {
    return [...this.files.keys()];
  }

  /** Answers with the file of that name, relative to the directory. Throws HttpError (404) for every other name. */
  serve(name: string, request: IncomingMessage, response: ServerResponse): void {
    const file = this.files.get(name);
    if (file === undefined) throw new HttpError(404, 'there is nothing here');
    const headers = { 'cache-control': CACHING, etag: file.etag };
    if (request.headers['if-none-match'] === file.etag) {
      response.writeHead(304, headers).end();
      return;
    }
    response.writeHead(200, { ...headers, 'content-type': file.type, 'content-length': file.body.length });
    response.end(request.method === 'HEAD' ? undefined : file.body);
  }
}
