// The dashboard's files as they are served: only those, unchanged, and nothing that the page's security policy would refuse.
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { expect, test } from 'vitest';
import { dashboardDirectory, StaticFiles } from '../../../../hypervisor/http/dashboard/static.js';

const files = new StaticFiles();

function get(name: string, headers = {}, method = 'GET') {
  const answer: { status?: number; headers?: Record<string, unknown>; body?: Buffer } = {};
  const response = {
    writeHead: (status: number, given: Record<string, unknown>) => {
      Object.assign(answer, { status, headers: given });
      return response;
    },
    end: (body?: Buffer) => void Object.assign(answer, { body }),
  };
  files.serve(name, { headers, method } as IncomingMessage, response as unknown as ServerResponse);
  return answer;
}

test('a file is served as it is, once: then it has not changed', () => {
  const body = readFileSync(path.join(dashboardDirectory(), 'main.js'));
  const first = get('main.js');
  expect(first).toMatchObject({ status: 200, headers: { 'content-type': 'text/javascript; charset=utf-8' }, body });
  expect(get('main.js', { 'if-none-match': first.headers!.etag })).toMatchObject({ status: 304, body: undefined });
  expect(get('main.js', {}, 'HEAD')).toMatchObject({ status: 200, body: undefined });
});

test.each(['', '..', '../package.json', '/etc/passwd', 'index.html/', 'INDEX.HTML', '__proto__', 'main.js\0.html'])(
  'there is no file %j',
  (name) => {
    expect(() => get(name)).toThrow(expect.objectContaining({ status: 404 }));
  },
);

test('every file that the page and its modules name is there', () => {
  const named = files.names.flatMap((name) => {
    const text = get(name).body!.toString();
    return [
      ...[...text.matchAll(/(?:src|href)="\/dashboard\/([^"]+)"/g)].map(([, file]) => file),
      ...[...text.matchAll(/from '\.\/([^']+)'/g)].map(([, file]) => file),
    ];
  });
  expect(named).toContain('main.js');
  expect(new Set(files.names)).toEqual(new Set([...named, 'index.html']));
});

test('no markup is made of texts, no script or style is inline', () => {
  for (const name of files.names) {
    const text = get(name).body!.toString();
    expect(text, name).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/);
    expect(text, name).not.toMatch(/<style|\sstyle=|<script(?! (type="module" )?src=)|\son[a-z]+="/);
    expect(text, name).not.toMatch(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  }
});
