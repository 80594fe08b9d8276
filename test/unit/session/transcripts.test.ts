// Golden transcripts of the session state machine: test/golden/session/*.txt. `vitest -u` writes them anew.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { replayTranscript } from '../../support/session-transcript.js';

const folder = path.join(import.meta.dirname, '../../golden/session');
const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));

test('there are transcripts', () => expect(files.length).toBeGreaterThan(9));

test.each(files)('%s', async (name) => {
  const file = path.join(folder, name);
  await expect(replayTranscript(readFileSync(file, 'utf8'))).toMatchFileSnapshot(file);
});
