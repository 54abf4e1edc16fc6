import { formatRequirement } from '@mir/python';
import { additionOfType } from '../images/image-types.ts';
import { requirementOf, type Spec } from '../images/spec.ts';
import type { InstanceContext } from '../instance-context.ts';
import type { BuildOrder } from './build-message.ts';

/** What a job says of what is to be built. */
export type BuildPayload = { readonly spec: Spec; readonly locks?: BuildOrder['locks'] };

/** What a build process is told for a spec: what the user asked for, and what the instance adds to it. */
export async function orderFor(context: InstanceContext, { spec, locks = [] }: BuildPayload): Promise<BuildOrder> {
  const own = spec.pipRequirements.map((one) => formatRequirement(requirementOf(one)));
  const ofType = await additionOfType(context, spec);
  return {
    platforms: spec.platforms ?? context.rules.platforms,
    pythonVersion: spec.base === undefined ? (spec.pythonVersion ?? context.rules.defaultPython) : spec.pythonVersion,
    base: spec.base,
    requirements: [...ofType.requirements, ...own],
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
    locks,
  };
}
