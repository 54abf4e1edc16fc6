import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { outputOf, run } from './program.ts';

/**
 * Builds buildkitd and buildctl from their Go module. `go install` refuses a module with exclude directives, hence a module
 * of our own with BuildKit's requirements that imports it.
 */
export async function makeBuildKit(folder: string, target: string, version: string): Promise<void> {
  const module = 'github.com/moby/buildkit';
  const source = join(folder, 'buildkit-source');
  const log = join(folder, 'buildkit-build.log');
  await mkdir(source, { recursive: true });
  const listed = await outputOf('go', ['mod', 'download', '-json', `${module}@${version}`], source);
  const { Dir } = JSON.parse(listed) as { readonly Dir: string };
  const requirements = (await readFile(join(Dir, 'go.mod'), 'utf8')).replace(/^module .*$/m, 'module bench');
  await writeFile(join(source, 'go.mod'), requirements);
  await copyFile(join(Dir, 'go.sum'), join(source, 'go.sum'));
  await chmod(join(source, 'go.sum'), 0o644);
  await writeFile(join(source, 'main.go'), `package main\n\nimport _ "${module}/client"\n\nfunc main() {}\n`);
  await run('go', ['mod', 'edit', '-require', `${module}@${version}`], { cwd: source, log });
  await run(
    'go',
    [
      'build',
      '-trimpath',
      '-ldflags',
      '-s -w',
      '-o',
      `${target}/`,
      `${module}/cmd/buildkitd`,
      `${module}/cmd/buildctl`,
    ],
    {
      cwd: source,
      log,
      environment: { GOFLAGS: '-mod=mod' },
    },
  );
}
