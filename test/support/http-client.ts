// Asks an HTTP server as it is told to, headers and all: what `fetch` would not send, a test has to be able to send. Owns one request.
import http from 'node:http';

export interface HttpAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
}

export interface HttpAsk {
  method?: string;
  headers?: http.OutgoingHttpHeaders;
  body?: string | Buffer;
}

/** The path goes out as it is. A connection of its own, closed afterwards. */
export function ask(base: string, path: string, { method, headers, body }: HttpAsk = {}): Promise<HttpAnswer> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const options = { host: hostname.replace(/^\[(.*)\]$/, '$1'), port, path, method, headers, agent: false };
    const request = http.request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, text: Buffer.concat(chunks).toString() }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** The form of the login page. */
export function login(base: string, token: string, headers: http.OutgoingHttpHeaders = {}): Promise<HttpAnswer> {
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const body = new URLSearchParams({ token }).toString();
  return ask(base, '/login', { method: 'POST', headers: { ...type, ...headers }, body });
}
