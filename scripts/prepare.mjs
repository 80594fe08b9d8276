// Runs at the end of `npm install` and `npm ci`: builds when the compiler for TypeScript is there (it is not when this is
// installed as a dependency without its development packages). A missing C compiler must not make the installation fail
// in a way that nobody understands: it is reported, with what to type, and the installation goes on.
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { build } from './setup/build.mjs';
import { root, say } from './setup/run.mjs';

if (existsSync(path.join(root, 'node_modules', 'typescript'))) {
  try {
    build();
  } catch (error) {
    say(error.message);
    process.exitCode = error.message.includes('cannot be built') ? 0 : 1;
  }
}
