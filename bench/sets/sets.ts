import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A list of pinned packages, whole: nothing has to be resolved to install it. */
export type PackageSet = {
  readonly name: string;
  readonly requirements: readonly string[];
  /** One heavy package and other versions that fit: one for each time that it is replaced. */
  readonly replacement: { readonly name: string; readonly versions: readonly string[] };
};

const replacements: Readonly<Record<string, PackageSet['replacement']>> = {
  S1: { name: 'scipy', versions: ['1.17.0', '1.16.3', '1.16.2', '1.16.1', '1.16.0'] },
  S2: { name: 'pyarrow', versions: ['26.0.0', '25.0.1', '25.0.0', '24.0.0', '23.0.1'] },
  S3: { name: 'pyarrow', versions: ['26.0.0', '25.0.1', '25.0.0', '24.0.0', '23.0.1'] },
};

/** The sets there are: three packages of data science, deep learning, and about forty everyday packages, with all that they need. */
export const setNames = Object.keys(replacements);

export async function readSet(name: string): Promise<PackageSet> {
  const replacement = replacements[name];
  if (replacement === undefined) throw new Error(`There is no set ${name}; there are ${setNames.join(', ')}.`);
  return { name, requirements: await linesOf(`${name}.txt`), replacement };
}

/** Small packages that are in no set and need nothing: what is added one at a time. */
export function readLightPackages(): Promise<readonly string[]> {
  return linesOf('light.txt');
}

/** The set with its heavy package in another version. */
export function replaced(
  { requirements, replacement: { name, versions } }: PackageSet,
  turn: number,
): readonly string[] {
  const version = versions[turn];
  if (version === undefined) throw new Error(`All other versions of ${name} were used: ask for fewer runs.`);
  return requirements.map((one) => (one.startsWith(`${name}==`) ? `${name}==${version}` : one));
}

async function linesOf(file: string): Promise<readonly string[]> {
  const text = await readFile(join(import.meta.dirname, file), 'utf8');
  return text.split('\n').filter((line) => line !== '');
}
