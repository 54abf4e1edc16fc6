import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  accountCheck,
  digestOf,
  dockerConfigCredentials,
  fetchImage,
  fixedCredentials,
  pushImage,
} from '../src/index.ts';
import { clientOf, pushed, sources, startDockerRegistry, startMeddling } from './client-fixture.ts';
import { collect, listen, startRegistry, storeImage, temporaryFolder } from './registry-fixture.ts';

const bcryptOfSecret = '$2b$04$uLkShUzA5pD0Z0BeWFFuGOJVQEgT3g5fOaGKhGS5Ih0dhcuk1dbu6';

test('a wrong password is told from a missing image, on this registry and on docker-registry', async (t) => {
  const hosts = [
    (
      await startRegistry(t, {
        access: accountCheck(
          new Map([
            ['ada', 'secret'],
            ['bob', 'other'],
          ]),
        ),
      })
    ).host,
  ];
  const accounts = await temporaryFolder(t);
  await writeFile(join(accounts, 'htpasswd'), `ada:${bcryptOfSecret}\n`);
  hosts.push(
    await startDockerRegistry(t, `auth: {htpasswd: {realm: "a realm, quoted", path: ${accounts}/htpasswd}}\n`),
  );
  const blobs = await sources(t);
  const image = await storeImage(blobs);
  for (const host of hosts) {
    const right = clientOf(t, host, { credentials: fixedCredentials(host, 'ada', 'secret') }).repository('a');
    await pushImage(right, image, blobs, { tags: ['v1'] });
    assert.equal((await fetchImage(right, 'v1', 'linux/amd64')).image.digest, image.digest);
    for (const credentials of [
      fixedCredentials(host, 'ada', 'wrong'),
      fixedCredentials(host, 'bob', 'secret'),
      fixedCredentials(`${host}0`, 'ada', 'secret'),
    ]) {
      const wrong = clientOf(t, host, { credentials }).repository('a');
      await assert.rejects(fetchImage(wrong, 'v1', 'linux/amd64'), { code: 'registry/unauthorized' });
      await assert.rejects(wrong.headBlob(image.manifest.config.digest), { code: 'registry/unauthorized' });
      await assert.rejects(collect(wrong.readBlob(image.manifest.config.digest)), {
        code: /^(registry\/unauthorized|http\/status)$/,
      });
    }
  }
});

test('tokens are fetched for the scopes at hand, reused, and renewed once when refused', async (t) => {
  const asked: string[] = [];
  let valid = 0;
  const tokenServer = await listen(t, (request, response) => {
    const url = new URL(request.url ?? '', 'http://token.invalid');
    asked.push(
      `${request.headers.authorization} ${url.searchParams.get('service')} ${url.searchParams.getAll('scope').join(' ')}`,
    );
    response.end(JSON.stringify({ token: `token-${++valid}`, expires_in: 300 }));
  });
  let refuseAll = false;
  const registry = await startMeddling(t, (request, response) => {
    const given = request.headers.authorization ?? '';
    if (given.startsWith('Bearer token-') && !refuseAll) return false;
    refuseAll = false;
    request.resume();
    response
      .writeHead(401, {
        'WWW-Authenticate': `Bearer realm="http://${tokenServer.host}/token",service="the registry",scope="ignored"`,
      })
      .end();
    return true;
  });
  const repository = clientOf(t, registry.host, {
    credentials: fixedCredentials(registry.host, 'ada', 'secret'),
  }).repository('team/fraud');
  const image = await pushed(t, repository);
  const basic = `Basic ${Buffer.from('ada:secret').toString('base64')}`;
  assert.deepEqual([...asked].sort(), [
    `${basic} the registry repository:team/fraud:pull`,
    `${basic} the registry repository:team/fraud:pull,push`,
  ]);
  await repository.mountBlob(image.manifest.config.digest, 'pool');
  assert.equal(asked.at(-1), `${basic} the registry repository:team/fraud:pull,push repository:pool:pull`);
  const before = asked.length;
  refuseAll = true;
  assert.equal(await repository.headManifest('v1'), image.digest);
  assert.equal(asked.length, before + 1);
});

test('a redirect to another host carries no credentials', async (t) => {
  const seen: (string | undefined)[] = [];
  const registry = await startRegistry(t);
  const storage = await listen(t, (request, response) => {
    seen.push(request.headers.authorization);
    registry.listener(request, response);
  });
  const front = await listen(t, (request, response) => {
    if (request.headers.authorization === undefined)
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end();
    else if (request.method === 'GET' && request.url?.includes('/blobs/'))
      response.writeHead(307, { Location: `http://${storage.host}${request.url}` }).end();
    else registry.listener(request, response);
  });
  const repository = clientOf(t, front.host, { credentials: fixedCredentials(front.host, 'ada', 'secret') }).repository(
    'a',
  );
  const image = await pushed(t, repository);
  assert.deepEqual(await collect(repository.readBlob(image.manifest.config.digest)), Buffer.from(image.configBytes));
  assert.deepEqual(seen, [undefined]);
});

test('an upload that goes on at another host carries no credentials there', async (t) => {
  const seen: (string | undefined)[] = [];
  const storage = await listen(t, (request, response) => {
    seen.push(request.headers.authorization);
    request.resume().on('end', () => response.writeHead(201).end());
  });
  const front = await listen(t, (request, response) => {
    request.resume();
    if (request.headers.authorization === undefined)
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end();
    else if (request.method === 'POST')
      response.writeHead(202, { Location: `http://${storage.host}/put?signature=1` }).end();
    else response.writeHead(404).end();
  });
  const credentials = fixedCredentials(front.host, 'ada', 'secret');
  const bytes = Buffer.from('content');
  const descriptor = { mediaType: 'x/y', digest: digestOf(bytes), size: bytes.length };
  await clientOf(t, front.host, { credentials })
    .repository('a')
    .uploadBlob(descriptor, async function* () {
      yield bytes;
    });
  assert.deepEqual(seen, [undefined]);
});

test('credentials in docker’s file are found by the exact name of the registry', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'config.json');
  const auth = (text: string): string => Buffer.from(text).toString('base64');
  const helper = join(folder, 'docker-credential-test');
  await writeFile(
    helper,
    '#!/bin/sh\nread -r registry\n[ "$registry" = helped.example ] || { echo "credentials not found in native keychain"; exit 1; }\necho \'{"Username":"<token>","Secret":"t"}\'\n',
  );
  await chmod(helper, 0o755);
  const known = process.env['PATH'];
  process.env['PATH'] = `${folder}:${known}`;
  t.after(() => {
    process.env['PATH'] = known;
  });
  await writeFile(
    path,
    JSON.stringify({
      auths: {
        'registry.example': { auth: auth('ada:se:cret') },
        'https://old.example:5000/v1/': { auth: auth('bob:x') },
        'token.example': { identitytoken: 'refresh', auth: auth('eve:') },
      },
      credHelpers: { 'helped.example': 'test', 'empty.example': 'test', 'bad.example': '../evil' },
    }),
  );
  const source = dockerConfigCredentials(path);
  assert.deepEqual(await source.credentials('registry.example'), {
    kind: 'basic',
    username: 'ada',
    password: 'se:cret',
  });
  assert.deepEqual(await source.credentials('old.example:5000'), { kind: 'basic', username: 'bob', password: 'x' });
  assert.deepEqual(await source.credentials('token.example'), { kind: 'identity-token', token: 'refresh' });
  assert.deepEqual(await source.credentials('helped.example'), { kind: 'identity-token', token: 't' });
  for (const other of [
    'evil-registry.example',
    'registry.example.evil',
    'registry.exampl',
    'registry.example:443',
    'old.example',
    'empty.example',
    'constructor',
  ]) {
    assert.equal(await source.credentials(other), undefined, other);
  }
  await assert.rejects(source.credentials('bad.example'), { code: 'credentials/helper' });
  assert.equal(await dockerConfigCredentials(join(folder, 'none.json')).credentials('registry.example'), undefined);
  await writeFile(path, '{"auths": secret');
  await assert.rejects(source.credentials('registry.example'), (thrown: Error) => !thrown.message.includes('secret'));
});
