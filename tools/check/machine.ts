import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { arch } from 'node:process';
import { runProgram } from './program.ts';

/** Programs that act as witnesses in the tests, and the Debian packages that bring them. */
const witnesses: Readonly<Record<string, string>> = {
  buildah: 'buildah',
  bwrap: 'bubblewrap',
  busybox: 'busybox-static',
  crun: 'crun',
  skopeo: 'skopeo',
  dockerd: 'docker.io',
  'docker-registry': 'docker-registry',
  mmdebstrap: 'mmdebstrap',
  go: 'golang-go',
  xz: 'xz-utils',
  readelf: 'binutils',
  'dpkg-deb': 'dpkg',
  python3: 'python3',
  chromium: 'chromium',
  'qemu-aarch64-static': 'qemu-user-static',
};

/** Tests that need these are left out, and say so, where they cannot be had. */
const optional: ReadonlySet<string> = new Set(['chromium']);

/** Programs that benchmarks start, and the Debian packages that bring them. */
export const peers: Readonly<Record<string, string>> = {
  buildah: 'buildah',
  'docker-registry': 'docker-registry',
  go: 'golang-go',
  mmdebstrap: 'mmdebstrap',
  python3: 'python3-venv',
  runc: 'runc',
};

/** Installs what the tests need and the machine lacks. Gives undefined when all is there, else what to do. */
export async function prepareMachine(root: string): Promise<string | undefined> {
  const complaints = [await installPrograms(witnesses, root), await installNewerNode(root)];
  const said = complaints.filter((complaint) => complaint !== undefined);
  return said.length === 0 ? undefined : said.join('\n');
}

/** Installs those of the programs that the machine lacks. Gives undefined when all are there, else what to do. */
export async function installPrograms(
  programs: Readonly<Record<string, string>>,
  root: string,
): Promise<string | undefined> {
  const canInstall = process.getuid?.() === 0 && isOnPath('apt-get');
  const packages = Object.entries(programs)
    .filter(([program]) => !isOnPath(program) && (canInstall || !optional.has(program)))
    .map(([, name]) => name);
  if (packages.length === 0) return undefined;
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (!canInstall) return `Programs are missing: ${command}`;
  process.stdout.write(`installing ${packages.join(', ')}\n`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const complaint =
    (await runProgram('apt-get', ['update', '-q'], root, environment)) ??
    (await runProgram('sh', ['-c', `exec ${command}`], root, environment));
  return complaint === undefined ? undefined : `${command} failed:\n${complaint}`;
}

async function installNewerNode(root: string): Promise<string | undefined> {
  const folder = resolve(root, 'test/newer-node');
  if (existsSync(join(folder, `node_modules/node-linux-${arch}/bin/node`))) return undefined;
  const complaint = await runProgram('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], folder);
  return complaint === undefined ? undefined : `The newer Node for the tests could not be installed:\n${complaint}`;
}

function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
