import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { run, temporaryFolder } from './registry-fixture.ts';

/** Where the suite tries a registry, and as whom. */
export type ConformanceSubject = {
  readonly host: string;
  readonly namespace: string;
  readonly account?: { readonly name: string; readonly password: string };
};

// The switches beyond 1.1's defaults are on as well (cancelled uploads, tags as parameters, digest headers). Off:
// - sha512: this registry keeps sha256 only, the one algorithm that every implementation must have;
// - sparse manifests: off in the suite's 1.1 profile too; a manifest whose content is not there is refused here.
const switches = {
  OCI_VERSION: '1.1',
  OCI_TLS: 'disabled',
  OCI_API_BLOBS_UPLOAD_CANCEL: 'true',
  OCI_API_BLOBS_DIGEST_HEADER: 'true',
  OCI_API_MANIFESTS_DIGEST_HEADER: 'true',
  OCI_API_MANIFESTS_TAG_PARAM: 'true',
  OCI_DATA_SHA512: 'false',
};

/** Runs the OCI distribution conformance suite against a registry: pull, push, content discovery, management. It must find no failure. */
export async function assertConformance(t: TestContext, subject: ConformanceSubject): Promise<void> {
  const { host, namespace, account } = subject;
  const folder = await temporaryFolder(t);
  const program = join(folder, 'conformance');
  const built = await run('go', ['build', '-o', program, 'github.com/opencontainers/distribution-spec/conformance'], {
    cwd: join(import.meta.dirname, 'conformance'),
  });
  assert.equal(built.code, 0, built.errors);
  const tested = await run(program, [], {
    cwd: folder,
    env: {
      ...{ PATH: process.env['PATH'], HOME: folder, ...switches, OCI_REGISTRY: host, OCI_RESULTS_DIR: folder },
      ...{ OCI_REPO1: `${namespace}/one`, OCI_REPO2: `${namespace}/two` },
      ...(account !== undefined && { OCI_USERNAME: account.name, OCI_PASSWORD: account.password }),
    },
  });
  const report = await readFile(join(folder, 'junit.xml'), 'utf8');
  const [, tests = '0', failures = ''] = /<testsuite [^>]*?tests="([0-9]+)" failures="([0-9]+)"/.exec(report) ?? [];
  assert.equal(tested.code, 0, `${tested.output}\n${tested.errors}`);
  assert.equal(failures, '0', tested.output);
  assert.ok(Number(tests) > 700, `only ${tests} tests ran`);
  assert.match(tested.output, /^ {2}Skip\.+: +0$/m);
}
