import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LibraryFacts } from '../src/libraries/library-facts.ts';
import { collisionProblem, findCollisions } from '../src/plan/collisions.ts';
import { bytecodeAlone, stack } from '../src/plan/layer-budget.ts';
import { findMissingLibraries, glibcProblems, missingLibraryProblems } from '../src/plan/missing-libraries.ts';

const MiB = 1 << 20;

test('large packages stand alone, the largest class first; small ones share bundles by name', () => {
  const { own, bundles } = stack([
    { name: 'six', sizeBytes: 11_000 },
    { name: 'pandas', sizeBytes: 12 * MiB },
    { name: 'attrs', sizeBytes: 60_000 },
    { name: 'scipy', sizeBytes: 35 * MiB },
    { name: 'numpy', sizeBytes: 15 * MiB },
  ]);
  assert.deepEqual(
    own.map(({ name }) => name),
    ['scipy', 'numpy', 'pandas'],
  );
  assert.deepEqual(
    bundles
      .flat()
      .map(({ name }) => name)
      .sort(),
    ['attrs', 'six'],
  );
});

test('one small package more changes one bundle', () => {
  const small = Array.from({ length: 60 }, (_, at) => ({ name: `package-${at}`, sizeBytes: 40_000 }));
  const before = stack(small).bundles.map((bundle) => JSON.stringify(bundle));
  const after = stack([...small, { name: 'humanize', sizeBytes: 90_000 }]).bundles.map((bundle) =>
    JSON.stringify(bundle),
  );
  assert.equal(after.filter((bundle) => !before.includes(bundle)).length, 1);
});

test('the stacking does not depend on the order of the request, and keeps its budget', () => {
  const items = fc.uniqueArray(fc.record({ name: fc.stringMatching(/^[a-z]{1,8}$/), sizeBytes: fc.nat(200 * MiB) }), {
    selector: ({ name }) => name,
    maxLength: 120,
  });
  fc.assert(
    fc.property(items, (some) => {
      const forwards = stack(some);
      assert.deepEqual(forwards, stack([...some].reverse()));
      assert.equal(forwards.own.length + forwards.bundles.flat().length, some.length);
      const bytecodes = bytecodeAlone(forwards.own);
      assert.ok(forwards.own.length + bytecodes.size + forwards.bundles.length <= 40);
    }),
  );
});

test('files that two packages install differently are told once, with the one that wins', () => {
  const [collision, ...others] = findCollisions([
    {
      name: 'opencv-python',
      files: [
        ['cv2/a.so', 10, 1],
        ['cv2/b.py', 5, 7],
      ],
    },
    {
      name: 'opencv-python-headless',
      files: [
        ['cv2/a.so', 11, 2],
        ['cv2/b.py', 5, 7],
      ],
    },
  ]);
  assert.deepEqual(others, []);
  assert.deepEqual(collision, { loser: 'opencv-python', winner: 'opencv-python-headless', paths: ['cv2/a.so'] });
  assert.match(
    collision === undefined ? '' : collisionProblem(collision).message,
    /those of opencv-python-headless are used/,
  );
});

function linked(name: string, libraries: Partial<LibraryFacts>) {
  return { name, libraries: { bundled: [], needed: [], glibc: undefined, ...libraries } };
}

const bookworm = { names: new Set(['libc.so.6', 'libm.so.6']), libc: { family: 'glibc', version: '2.36' } } as const;

test('a library that nothing brings is named with the OS package that would bring it', async () => {
  const lightgbm = linked('lightgbm', {
    needed: [
      { soname: 'libc.so.6', by: 'lightgbm/lib/lib_lightgbm.so' },
      { soname: 'libgomp.so.1', by: 'lightgbm/lib/lib_lightgbm.so' },
    ],
  });
  const missing = findMissingLibraries([lightgbm], bookworm);
  assert.deepEqual(missing, [{ soname: 'libgomp.so.1', neededBy: 'lightgbm', file: 'lib_lightgbm.so' }]);
  const [problem] = await missingLibraryProblems(missing, {
    packagesWithLibrary: async () => ['libgcc-12-dev', 'libgomp1', 'lib32gomp1'],
    closureOf: async (name) => [name],
  });
  assert.deepEqual(problem?.osPackages, ['libgomp1']);
});

test('what comes along with another proposal is not proposed', async () => {
  const missing = ['libGL.so.1', 'libX11.so.6', 'libSM.so.6'].map((soname) => ({
    soname,
    neededBy: 'cv',
    file: 'cv.so',
  }));
  const packages: Record<string, string> = {
    'libGL.so.1': 'libgl1',
    'libX11.so.6': 'libx11-6',
    'libSM.so.6': 'libsm6',
  };
  const problems = await missingLibraryProblems(missing, {
    packagesWithLibrary: async (soname) => [packages[soname] ?? ''],
    closureOf: async (name) => (name === 'libgl1' ? ['libglvnd0', 'libx11-6', 'libgl1'] : [name]),
  });
  assert.deepEqual(
    problems.map(({ osPackages }) => osPackages),
    [['libgl1', 'libsm6']],
  );
});

test('a library that another wheel brings is not missing', () => {
  const user = linked('sklearn', { needed: [{ soname: 'libgomp-a34b3233.so.1.0.0', by: 'x.so' }] });
  const bringer = linked('other', { bundled: ['libgomp-a34b3233.so.1.0.0'] });
  assert.deepEqual(findMissingLibraries([user, bringer], bookworm), []);
});

test('versions of glibc are compared as numbers', () => {
  assert.deepEqual(glibcProblems([linked('old', { glibc: '2.4' })], bookworm), []);
  assert.equal(glibcProblems([linked('new', { glibc: '2.38' })], bookworm)[0]?.severity, 'error');
});
