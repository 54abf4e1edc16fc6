import { type Archive, type ClosureRequest, closure } from '@mir/debian';
import type { Base } from '../base/base.ts';
import { archiveSettings, archiveSnapshot, openArchive, selectionVersion } from '../base/debian-base.ts';
import { recallOr } from '../memory.ts';
import type { Workshop } from '../workshop.ts';
import type { LibraryIndex } from './missing-libraries.ts';

/** The system that lacks libraries, and what it has already. */
export type LackingSystem = Pick<Base, 'suite' | 'platform' | 'digest'> & {
  readonly installed: (archive: Archive) => Promise<NonNullable<ClosureRequest['installed']>>;
};

/** What the archive of a system knows; it is opened only when something is missing that was not looked for before. */
export function libraryIndex(workshop: Workshop, system: LackingSystem): LibraryIndex | undefined {
  const { suite, platform } = system;
  if (suite === undefined) return undefined;
  const settings = () => archiveSettings(workshop, suite);
  const open = async () => openArchive(workshop, await settings(), suite, platform);
  const snapshot = async () => archiveSnapshot(workshop, await settings(), suite, platform);
  const lookUp = async (question: readonly string[], answer: () => Promise<readonly string[]>) => {
    const { identity } = await snapshot();
    return recallOr(workshop, 'selections', [identity, selectionVersion, ...question], answer);
  };
  return {
    packagesWithLibrary: (soname) =>
      lookUp(['packages with', soname], async () => (await snapshot()).packagesWithLibrary(soname)),
    closureOf: (name) =>
      lookUp(['closure of', name, system.digest], async () => {
        const archive = await open();
        const installed = await system.installed(archive);
        try {
          return closure(archive, { names: [name], installed }).map((one) => one.name);
        } catch {
          // A package that cannot be installed here is still the one that holds the library.
          return [name];
        }
      }),
  };
}
