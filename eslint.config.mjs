// Lint rules of the project. The import rule itself is scripts/lint/import-layers.mjs.
import tseslint from 'typescript-eslint';
import { importLayers, LAYERS } from './scripts/lint/import-layers.mjs';

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'coverage/**'] },
  ...tseslint.configs.recommended,
  {
    rules: {
      eqeqeq: 'error',
      'no-constant-condition': ['error', { checkLoops: false }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'], location: 'start' }],
    },
  },
  {
    files: LAYERS.map((folder) => `${folder}/**/*.ts`),
    plugins: { btr: { rules: { 'import-layers': importLayers } } },
    rules: {
      'btr/import-layers': ['error', { root: import.meta.dirname }],
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 500, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    // What verbs print may come from the network: it goes out where it is made safe.
    files: ['cli/main.ts', 'cli/{commands,votes,faults,record,doctor,completion,man}/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.property.name='write'][callee.object.property.name=/^std(out|err)$/]",
          message: 'use cli/output/print.ts, which makes text safe for a terminal',
        },
      ],
      'no-console': 'error',
    },
  },
);
