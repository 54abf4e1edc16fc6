import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isFault } from '@mir/core';
import { environmentNames, readSettings } from '../src/settings.ts';

function refusal(environment: NodeJS.ProcessEnv, file?: string): { code: string; text: string } {
  try {
    readSettings(environment, file === undefined ? {} : { file });
  } catch (thrown) {
    assert.ok(isFault(thrown), String(thrown));
    return { code: thrown.code, text: `${thrown.message} ${thrown.hint}` };
  }
  return assert.fail('the settings were taken');
}

test('without any setting an instance listens on this machine only, and brings its own parts', () => {
  const settings = readSettings({});
  assert.equal(settings.listen, '127.0.0.1:8480');
  assert.equal(settings.database_url, undefined);
  assert.equal(settings.registry.kind, 'embedded');
  assert.equal(settings.workers, 1);
});

test('every setting is in the documentation, with its variable', () => {
  const documentation = readFileSync(new URL('../../../docs/settings.md', import.meta.url), 'utf8');
  for (const [variable, place] of Object.entries(environmentNames)) {
    assert.ok(
      documentation.includes(`| \`${place.join('.')}\` | \`${variable}\` |`),
      `${place.join('.')} (${variable})`,
    );
  }
});

test('a wrong or unknown setting is refused with its name, its value, and what there is', () => {
  assert.deepEqual(
    {
      code: refusal({ MIR_WORKERS: 'many' }).code,
      names: /workers \(MIR_WORKERS\).*"many"/.test(refusal({ MIR_WORKERS: 'many' }).text),
    },
    { code: 'settings/wrong', names: true },
  );
  assert.match(refusal({ MIR_DEPLOYMENT: 'moon' }).text, /MIR_DEPLOYMENT.*"moon".*self-hosted.*cloud/s);
  assert.equal(refusal({ MIR_LISTNE: '1' }).code, 'settings/unknown');
  assert.match(refusal({ MIR_LISTNE: '1' }).text, /MIR_LISTNE.*MIR_LISTEN/s);
  assert.match(refusal({ MIR_REGISTRY_KIND: 'oci' }).text, /registry\.host is missing/);
});

test('a prefix that an instance has had stays one, but not in ECR', () => {
  for (const prefix of ['team.images', '3d/images', 'a__b']) {
    const given = { MIR_REPOSITORY_PREFIX: prefix };
    assert.equal(readSettings(given).image_registry_config.repository_prefix, prefix);
    const ecr = { MIR_REGISTRY_KIND: 'ecr', MIR_REGISTRY_HOST: '123456789012.dkr.ecr.eu-central-1.amazonaws.com' };
    assert.match(refusal({ ...given, ...ecr }).text, /repository_prefix is wrong: .* cannot be a prefix in Amazon ECR/);
  }
});

test('the address of the database is never shown', () => {
  const { text } = refusal({ DATABASE_URL: 'postgresql://mir:secret@db/mir', MIR_LISTEN: 'nowhere' });
  assert.ok(!text.includes('secret'), text);
});

test('the environment goes before the file, whose mistakes are told by name', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'settings-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'mir.toml');
  await writeFile(file, 'listen = "0.0.0.0:1"\nworkers = 3\n[registry]\nanonymous_pull = true\n');
  const settings = readSettings({ MIR_WORKERS: '5' }, { file });
  assert.deepEqual([settings.listen, settings.workers, settings.registry.anonymous_pull], ['0.0.0.0:1', 5, true]);
  await writeFile(file, 'wrokers = 3\n');
  assert.match(refusal({}, file).text, /wrokers/);
  await writeFile(file, 'listen = \n');
  assert.equal(refusal({}, file).code, 'settings/unreadable');
});
