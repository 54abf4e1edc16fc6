import { cp, readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Cleanup } from '../support/cleanup.ts';
import { root, temporaryFolder } from '../support/folder.ts';
import { type Outcome, type ProgramOptions, run } from '../support/program.ts';
import type { Aws } from './aws.ts';

/** A copy of deploy/terraform in which everything is initialised. */
export type Terraform = {
  /** Runs terraform in the module, or in a folder below it. */
  run(folder: string, words: readonly string[]): Promise<Outcome>;
};

type Environment = NonNullable<ProgramOptions['environment']>;

/** Terraform with the AWS provider over an account of the tests; or why there is none on this machine. */
export async function terraformOver(
  aws: Aws,
  folders: readonly string[],
  cleanup: Cleanup,
): Promise<Terraform | string> {
  const hasTerraform = await run('terraform', ['version']).then(
    ({ status }) => status === 0,
    () => false,
  );
  if (!hasTerraform) return 'no terraform';
  const copy = join(await temporaryFolder(cleanup), 'terraform');
  await cp(join(root, 'deploy/terraform'), copy, { recursive: true });
  const environment: Environment = {
    ...aws.environmentOf('operator'),
    AWS_ENDPOINT_URL: aws.motoEndpoint,
    // What is not there at once is not waited for: no test needs the public registry.
    TF_REGISTRY_DISCOVERY_RETRY: '0',
    TF_REGISTRY_CLIENT_TIMEOUT: '10',
    TF_IN_AUTOMATION: '1',
    CHECKPOINT_DISABLE: '1',
  };
  const terraform: Terraform = {
    run: (folder, words) => run('terraform', words, { cwd: join(copy, folder), environment }),
  };
  const [first = '.', ...rest] = folders;
  const options = await waysToInitialise();
  for (const option of options) {
    if ((await initialise(terraform, first, option)) === undefined) {
      for (const folder of rest) await initialise(terraform, folder, option);
      return terraform;
    }
  }
  return 'no AWS provider for terraform';
}

async function initialise(
  terraform: Terraform,
  folder: string,
  option: readonly string[],
): Promise<string | undefined> {
  const { status, errors } = await terraform.run(folder, ['init', '-input=false', '-no-color', ...option]);
  return status === 0 ? undefined : errors;
}

/** As the machine is configured; else from a folder that holds the provider in the layout of a mirror. */
async function waysToInitialise(): Promise<readonly (readonly string[])[]> {
  const below = async (folder: string) => (await readdir(folder).catch(() => [])).map((name) => join(folder, name));
  const places = [
    join(homedir(), '.terraform.d/plugins'),
    '/usr/local/share/terraform/plugins',
    '/usr/share/terraform/plugins',
    ...(await below('/opt')),
  ];
  const found: string[] = [];
  for (const place of places) {
    const isMirror = await stat(join(place, 'registry.terraform.io/hashicorp/aws')).then(
      () => true,
      () => false,
    );
    if (isMirror) found.push(place);
  }
  return [[], ...found.map((place) => [`-plugin-dir=${place}`])];
}
