import { formatRequirement } from '@mir/python';
import { additionOfType } from '../images/image-types.ts';
import { requirementOf } from '../images/spec.ts';
import type { InstanceContext } from '../instance-context.ts';
import type { BuildOrder } from './build-message.ts';
import type { BuildPayload } from './build-payload.ts';

/** What a build process is told for a spec: what the user asked for, and what the instance adds to it. */
export async function orderFor(
  context: InstanceContext,
  { spec, locks = [], rebase, releaseRequirements = [] }: BuildPayload,
): Promise<BuildOrder> {
  const own = spec.pipRequirements.map((one) => formatRequirement(requirementOf(one)));
  const ofType = await additionOfType(context, spec);
  return {
    platforms: spec.platforms ?? context.rules.platforms,
    pythonVersion: spec.base === undefined ? (spec.pythonVersion ?? context.rules.defaultPython) : spec.pythonVersion,
    base: spec.base,
    requirements: [...releaseRequirements, ...ofType.requirements, ...own],
    preferences: ofType.preferences,
    osPackages: [
      ...new Set([
        ...ofType.osPackages,
        ...spec.packageRequirements.map(({ name, versionSpecifier }) => {
          const version = (versionSpecifier ?? '').replace(/^=/, '');
          return version === '' ? name : `${name}=${version}`;
        }),
      ]),
    ],
    bytecode: spec.bytecode ?? true,
    allowSdist: spec.allowSdist ?? false,
    proof: {
      mode: context.settings.sandbox.probe,
      requested: [...releaseRequirements, ...ofType.requirements, ...own],
      skipModules: spec.skipImports ?? [],
      smokeCommand: spec.smokeCommand,
    },
    locks,
    ...(rebase !== undefined && {
      rebase: { image: locationOf(context, rebase.repository, `:${rebase.tag}`), base: rebase.base },
    }),
  };
}

/** Where a version lies, as the builder names it. @param end `:TAG` or `@DIGEST` */
export function locationOf({ registry, repositories }: InstanceContext, repository: string, end: string): string {
  return registry.location(repositories.path(repository), end);
}
