import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isFault } from '@mir/core';
import type { Lock } from '@mir/python';
import { tarArchive } from '../../../test/support/archive.ts';
import { cleanupOf } from '../../../test/support/cleanup.ts';
import type { Base } from '../src/base/base.ts';
import { buildWheel } from '../src/sdist/built-wheel.ts';
import { withBuiltWheels } from '../src/sdist/sdist-resolution.ts';
import { Workshop } from '../src/workshop.ts';

const cleanup = cleanupOf({ after });

test('sources that want to be built with something from an address are refused before anything is fetched from there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mir-sdist-'));
  cleanup(() => rm(folder, { recursive: true, force: true }));
  const asked: string[] = [];
  let archive: Uint8Array = Buffer.alloc(0);
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end(archive);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanup(async () => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await mkdir(join(folder, 'nosy-1.0'));
  await writeFile(
    join(folder, 'nosy-1.0/pyproject.toml'),
    `[build-system]\nrequires = ["helper @ ${url}/helper-1.0-py3-none-any.whl"]\nbuild-backend = "helper"\n`,
  );
  archive = await tarArchive(folder, ['nosy-1.0']);
  await using workshop = await Workshop.open({
    environment: { ...process.env, MIR_HOME: join(folder, 'home') },
    now: () => new Date(),
  });
  const sdist = {
    ...{ name: 'nosy', version: '1.0', filename: 'nosy-1.0.tar.gz', url: `${url}/nosy-1.0.tar.gz` },
    ...{ sizeBytes: archive.length, sha256: createHash('sha256').update(archive).digest('hex') },
  };
  const building = buildWheel(workshop, { name: 'debian:bookworm' } as Base, sdist, [], () =>
    assert.fail('no toolchain was to be made'),
  );
  await assert.rejects(building, (thrown) => isFault(thrown, 'sdist/failed') && /from an address/.test(thrown.message));
  assert.deepEqual(asked, ['/nosy-1.0.tar.gz']);
});

test('a lock does not have its packages built from sources unless that was allowed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mir-sdist-'));
  cleanup(() => rm(folder, { recursive: true, force: true }));
  await using workshop = await Workshop.open({
    environment: { ...process.env, MIR_HOME: join(folder, 'home') },
    now: () => new Date(),
  });
  const sha256 = '0'.repeat(64);
  const sdist = { filename: 'nosy-1.0.tar.gz', url: 'http://127.0.0.1:1/nosy-1.0.tar.gz', sizeBytes: 1, sha256 };
  const wheel = { filename: 'nosy-1.0-py3-none-any.whl', sizeBytes: 1, sha256 };
  const lock = {
    target: { pythonVersion: '3.11.2', architecture: 'amd64', libc: { family: 'glibc', version: '2.36' } },
    createdBy: 'somebody',
    packages: [{ name: 'nosy', version: '1.0', wheel, origin: { sdist, buildRequires: [] } }],
  } as const satisfies Lock;
  const base = { name: 'debian:bookworm' } as Base;
  const makeImage = () => assert.fail('no toolchain was to be made');
  await assert.rejects(withBuiltWheels(workshop, lock, { base, osPackages: [], makeImage }), {
    code: 'sdist/not-allowed',
  });
});
