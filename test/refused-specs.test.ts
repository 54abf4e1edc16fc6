import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { warmHome } from './support/home.ts';
import { type RunningInstance, startInstance } from './support/instance.ts';
import { clientOf } from './support/instance-client.ts';

/** Specs that no image is made of: over HTTP a requirement is data, and nothing of it leads anywhere. */

const cleanup = cleanupOf({ after });
let instance: RunningInstance;

before(async () => {
  instance = await startInstance(await warmHome(cleanup), cleanup);
});

for (const [title, spec, field] of [
  ['a name that is none', { name: 'Has Space' }, 'name'],
  ['a requirement that is an option of pip', { name: 'a', requirements: ['-r /etc/passwd'] }, 'requirements[0]'],
  ['a requirement that is a path', { name: 'a', requirements: ['./here'] }, 'requirements[0]'],
  [
    'an address on a host that nobody listed',
    { name: 'a', requirements: ['six @ https://evil.example/six-1-py3-none-any.whl'] },
    'pipRequirements[0]',
  ],
  [
    'a package name with an index option',
    { name: 'a', pipRequirements: [{ name: 'six --index-url https://evil.example' }] },
    'pipRequirements[0].name',
  ],
  [
    'a version specifier that is none',
    { name: 'a', pipRequirements: [{ name: 'six', versionSpecifier: 'banana' }] },
    'pipRequirements[0].versionSpecifier',
  ],
  ['a Python that there is none of', { name: 'a', pythonVersion: '3.7' }, 'pythonVersion'],
  ['a base from a registry that nobody listed', { name: 'a', base: 'oci:127.0.0.1:5000/python:3.11' }, 'base'],
  ['an OS package that there is none of', { name: 'a', osPackages: ['libgomp11'] }, 'packageRequirements[0].name'],
  ['a platform that there is none of', { name: 'a', platforms: ['windows/amd64'] }, 'platforms'],
] as const) {
  test(`creating with ${title} names the field, and leaves the name free`, async () => {
    const response = await fetch(`${instance.url}/v1/images`, {
      method: 'POST',
      headers: {
        'rime-api-key': instance.memberKey,
        'content-type': 'application/json',
        accept: 'application/problem+json',
      },
      body: JSON.stringify(spec),
    });
    const problem = (await response.json()) as { fields: { field: string }[]; hint: string; cause: string };
    assert.equal(response.status, 400);
    assert.equal(problem.fields[0]?.field, field);
    assert.ok(problem.hint.length > 0);
    const { status } = await clientOf(
      () => instance.url,
      () => instance.memberKey,
    )('GET', '/v1/images/a');
    assert.equal(status, 404);
  });
}
