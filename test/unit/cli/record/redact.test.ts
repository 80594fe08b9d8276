// What of a configuration is handed to others: everything but its secrets, however they are written.
import { describe, expect, test } from 'vitest';
import { redactConfig } from '../../../../cli/record/redact.js';

const SECRET = 's3cr3t-of-ours';

describe('a configuration without its secrets', () => {
  test('passwords and tokens go, everything else stays as it is written', () => {
    const text = [
      'router: { as: 65000 } # ours',
      'neighbors:',
      '  - neighbor-address: 10.0.1.2',
      `    auth-password: ${SECRET}`,
      'http:',
      `  token: "${SECRET}"`,
      '  port: 9179',
      '',
    ].join('\n');
    expect(redactConfig(text)).toBe(text.replace(SECRET, '(removed)').replace(`"${SECRET}"`, '(removed)'));
  });

  test.each([
    ['in flow style', `neighbors: [{ auth-password: '${SECRET}' }]`],
    ['folded', `http:\n  token: >-\n    ${SECRET}\n`],
    ['a number', `http: { token: 1234567890123456 }`],
    ['at an anchor', `x: &t ${SECRET}\nhttp: { token: *t }`],
    ['merged', `base: &b { token: ${SECRET} }\nhttp: { <<: *b }`],
    ['commented out', `http: {}\n# token: ${SECRET}\n#auth-password: "${SECRET}"`],
    ['told again in a comment', `http:\n  token: ${SECRET} # was ${SECRET}-old`],
    ['a quoted key', `http: { "token": ${SECRET} }`],
  ])('%s', (_, text) => {
    const clean = redactConfig(text);
    expect(clean).toContain('(removed)');
    expect(clean).not.toContain(SECRET);
    expect(clean).not.toContain('1234567890123456');
  });

  test.each([
    ['no YAML', `http: { token: ${SECRET}`],
    ['no mapping', `- token ${SECRET}`],
    ['plain text', SECRET],
  ])('a file that is not understood is not shown at all: %s', (_, text) => {
    expect(redactConfig(text)).toBeUndefined();
  });
});
