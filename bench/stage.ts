import { access, chmod, copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { installPrograms, peers } from '../tools/check/machine.ts';
import { makeBuildKit } from './buildkit-program.ts';
import { outputOf, run } from './program.ts';
import { Registry } from './registry.ts';

/** Versions of what we are measured against. */
export const versions = { buildKit: 'v0.26.2', uv: '0.13.9', suite: 'bookworm' } as const;

/** The two bases of every run: the second is the first with one file changed, in one layer. */
export type BaseNumber = 1 | 2;

/** The folder and the ports that a benchmark works with; what takes minutes to make is kept in it. */
export type Stage = {
  readonly root: string;
  readonly folder: string;
  /** buildkitd, buildctl and uv. */
  readonly programs: string;
  /** A registry's folder with both bases in it. */
  readonly seed: string;
  readonly port: (contestant: string) => number;
};

/**
 * Makes what is needed, once: BuildKit (from its Go module), uv, and a Debian base with Python that mmdebstrap makes, to which uv is
 * added for the peers. Needs Debian and root.
 */
export async function openStage(folder: string, say: (line: string) => void): Promise<Stage> {
  const root = resolve(import.meta.dirname, '..');
  const missing = await installPrograms(peers, root);
  if (missing !== undefined) throw new Error(missing);
  const programs = join(folder, 'bin');
  const seed = join(folder, 'seed');
  await mkdir(programs, { recursive: true });
  if (!(await exists(join(programs, 'uv')))) {
    say('fetching uv');
    await fetchUv(folder, programs);
  }
  if (!(await exists(join(programs, 'buildkitd')))) {
    say(`building BuildKit ${versions.buildKit} (some minutes)`);
    await makeBuildKit(folder, programs, versions.buildKit);
  }
  const ports = await readPorts(folder);
  const stage: Stage = { root, folder, programs, seed, port: (contestant) => portOf(ports, contestant) };
  if (!(await exists(seed))) {
    say('making the bases with mmdebstrap (a minute)');
    await makeBases(stage);
  }
  return stage;
}

async function fetchUv(folder: string, programs: string): Promise<void> {
  const log = join(folder, 'uv.log');
  await run('python3', ['-m', 'venv', join(folder, 'uv-venv')], { log });
  await run(join(folder, 'uv-venv/bin/pip'), ['install', '-q', `uv==${versions.uv}`], { log });
  await copyFile(join(folder, 'uv-venv/bin/uv'), join(programs, 'uv'));
  await chmod(join(programs, 'uv'), 0o755);
}

async function makeBases(stage: Stage): Promise<void> {
  const log = join(stage.folder, 'bases.log');
  const tar = join(stage.folder, 'base.tar');
  const packages = 'python3,python3-venv,python3-pip,ca-certificates';
  await run('mmdebstrap', ['-q', '--variant=minbase', `--include=${packages}`, versions.suite, tar], { log });
  const making = `${stage.seed}-making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making);
  await using registry = new Registry(making, stage.port('seed'));
  await registry.start();
  const container = (await outputOf('buildah', ['from', 'scratch'])).trim();
  const certificates = '/etc/ssl/certs/ca-certificates.crt';
  const buildah = (...args: readonly string[]) => run('buildah', args, { log });
  await buildah('add', '-q', container, tar, '/');
  await buildah('copy', '-q', container, join(stage.programs, 'uv'), '/usr/local/bin/uv');
  // The builders reach the package index as this machine does.
  await buildah('copy', '-q', container, process.env['SSL_CERT_FILE'] ?? certificates, certificates);
  const environment = [`SSL_CERT_FILE=${certificates}`, `PIP_CERT=${certificates}`, 'UV_NATIVE_TLS=1', 'LANG=C.UTF-8'];
  await buildah('config', ...environment.flatMap((one) => ['--env', one]), '--cmd', '/bin/sh', container);
  const name = (base: BaseNumber) => `mir-bench-base:${base}`;
  await buildah('commit', '-q', '--squash', container, name(1));
  await writeFile(join(stage.folder, 'base-update'), 'updated\n');
  await buildah('copy', '-q', container, join(stage.folder, 'base-update'), '/etc/base-update');
  await buildah('commit', '-q', '--squash', '--rm', container, name(2));
  for (const base of [1, 2] as const) {
    await buildah('push', '-q', '--tls-verify=false', name(base), `docker://${registry.host}/base:${base}`);
    await buildah('rmi', name(base));
  }
  await registry[Symbol.asyncDispose]();
  await rename(making, stage.seed);
}

/** Ports stay the same from run to run: names of bases hold them, and what is remembered of a base goes by its name. */
async function readPorts(folder: string): Promise<readonly number[]> {
  const path = join(folder, 'ports.json');
  const kept = await readFile(path, 'utf8').catch(() => undefined);
  if (kept !== undefined) return JSON.parse(kept) as readonly number[];
  const ports = await Promise.all(Array.from({ length: portHolders.length }, freePort));
  await writeFile(path, JSON.stringify(ports));
  return ports;
}

const portHolders = ['seed', 'ours', 'ours-bytecode', 'buildkit', 'buildah', 'fleet-ours', 'fleet-buildkit'];

function portOf(ports: readonly number[], holder: string): number {
  const port = ports[portHolders.indexOf(holder)];
  if (port === undefined) throw new Error(`${holder} has no port`);
  return port;
}

function freePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolvePort(port));
    });
  });
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
