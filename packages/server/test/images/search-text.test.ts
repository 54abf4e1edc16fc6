import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSearchText } from '../../src/images/search-text.ts';

for (const [text, packages, python, words] of [
  ['', [], undefined, []],
  ['fraud', [], undefined, ['fraud']],
  ['pandas>=2', ['pandas>=2'], undefined, []],
  ['pandas >= 2, < 3', ['pandas>=2,<3'], undefined, []],
  ['numpy~=1.26 team', ['numpy~=1.26'], undefined, ['team']],
  ['python 3.11', [], '3.11', []],
  ['Python==3.11', [], '3.11', []],
  ['py3.13 torch, scipy', [], '3.13', ['torch', 'scipy']],
  ['python 3.11.4', [], '3.11', []],
  ['python-dateutil', [], undefined, ['python-dateutil']],
  ['  pandas[excel] >=2  python 3.9 nightly ', ['pandas[excel]>=2'], '3.9', ['nightly']],
] as const) {
  test(`"${text}" is understood`, () => {
    assert.deepEqual(parseSearchText(text), { packages, python, words });
  });
}
