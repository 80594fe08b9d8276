// Logging in with a browser: the page that asks for the token, and the cookie that it is exchanged for. Owns these three paths.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError } from './answers.js';
import type { Auth } from './auth.js';
import type { Route } from './routes.js';

/** Longest form, bytes. */
const MAX_FORM = 4096;

const STYLE = `:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 0; }
form { display: grid; gap: 0.75rem; width: min(22rem, 90vw); }
input, button { font: inherit; padding: 0.5rem; }
p { margin: 0; }
`;

function page(message: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/login.css">
</head>
<body>
<form method="post" action="/login">
<h1>Router</h1>
<label for="token">Token (http.token of the configuration)</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<p role="alert">${message}</p>
<button>Log in</button>
</form>
</body>
</html>
`;
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8`, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

function goTo(response: ServerResponse, place: string, cookie: string): void {
  response.writeHead(303, { location: place, 'set-cookie': cookie, 'content-length': 0 });
  response.end();
}

/** Leaves the request as it is when there is too much of it, so that it can be answered. */
function form(request: IncomingMessage): Promise<URLSearchParams> {
  return new Promise((resolve, reject) => {
    let text = '';
    request.setEncoding('latin1');
    request.on('data', (chunk: string) => {
      text += chunk;
      if (text.length <= MAX_FORM) return;
      request.pause();
      reject(new HttpError(413, `the form is longer than ${MAX_FORM} bytes`));
    });
    request.once('end', () => resolve(new URLSearchParams(text)));
    request.once('error', () => reject(new HttpError(400, 'the form has no end')));
  });
}

/** A reverse proxy has the page on TLS: then the cookie goes nowhere else. */
const onTls = ({ headers }: IncomingMessage): boolean => headers.origin?.startsWith('https://') ?? false;

/** A form of another site may not log anybody in or out. */
function fromHere({ headers }: IncomingMessage): void {
  const { origin, host } = headers;
  if (origin === undefined || origin === `http://${host ?? ''}` || origin === `https://${host ?? ''}`) return;
  throw new HttpError(403, 'this form belongs to another site');
}

/** `refused`: told of each wrong token. */
export function loginRoutes(auth: Auth, refused: (request: IncomingMessage) => void): Route[] {
  return [
    {
      method: 'GET',
      path: '/login',
      access: 'public',
      handle: (_, response) => send(response, 200, 'text/html', page('')),
    },
    {
      method: 'GET',
      path: '/login.css',
      access: 'public',
      handle: (_, response) => send(response, 200, 'text/css', STYLE),
    },
    {
      method: 'POST',
      path: '/login',
      access: 'public',
      handle: async ({ raw }, response) => {
        fromHere(raw);
        const token = (await form(raw)).get('token') ?? '';
        if (auth.isToken(token)) return goTo(response, '/', auth.cookie(onTls(raw)));
        refused(raw);
        send(response, 401, 'text/html', page('This is not the token.'));
      },
    },
    {
      method: 'POST',
      path: '/logout',
      access: 'public',
      handle: ({ raw }, response) => {
        fromHere(raw);
        goTo(response, '/login', auth.noCookie());
      },
    },
  ];
}
