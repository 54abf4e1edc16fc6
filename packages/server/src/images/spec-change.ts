import type { ChangeReason } from '@mir/core';
import { isVersion, normalizeName } from '@mir/python';
import type { Spec, SpecRules } from './spec.ts';

/** What is different between two specs, one reason for each thing, as a person would name it. */
export function specChanges(old: Spec, altered: Spec): ChangeReason[] {
  return [
    ...valueChange('pythonVersion', old.pythonVersion, altered.pythonVersion),
    ...valueChange('imageType', old.imageType, altered.imageType),
    ...valueChange('base', old.base, altered.base),
    ...valueChange('platforms', old.platforms?.join(', '), altered.platforms?.join(', ')),
    ...valueChange('bytecode', String(old.bytecode ?? true), String(altered.bytecode ?? true)),
    ...valueChange('allowSdist', String(old.allowSdist ?? false), String(altered.allowSdist ?? false)),
    ...valueChange('skipImports', old.skipImports?.join(', '), altered.skipImports?.join(', ')),
    ...valueChange('smokeCommand', old.smokeCommand?.join(' '), altered.smokeCommand?.join(' ')),
    ...listChanges(
      new Map(old.pipRequirements.map((one) => [normalizeName(one.name), shown(one)])),
      new Map(altered.pipRequirements.map((one) => [normalizeName(one.name), shown(one)])),
    ),
    ...listChanges(osVersions(old), osVersions(altered)),
  ];
}

/**
 * Platforms that are named as those that it has already are no change, and are kept as they were said: perhaps not at all. Who names none
 * any more wants those of the instance, also when it has others one day.
 */
export function withStandingPlatforms(altered: Spec, standing: Spec, { platforms }: SpecRules): Spec {
  const effective = (spec: Spec) => (spec.platforms ?? platforms).toSorted().join();
  if (altered.platforms === undefined || effective(altered) !== effective(standing)) return altered;
  const { platforms: _, ...others } = altered;
  return standing.platforms === undefined ? others : { ...others, platforms: standing.platforms };
}

function valueChange(subject: string, old: string | undefined, now: string | undefined): ChangeReason[] {
  if (old === now) return [];
  return [{ kind: 'ALTERED', subject, ...(old !== undefined && { old }), ...(now !== undefined && { new: now }) }];
}

function listChanges(old: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): ChangeReason[] {
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  return names.flatMap((name) => valueChange(name, old.get(name), now.get(name)));
}

function osVersions({ packageRequirements }: Spec): ReadonlyMap<string, string> {
  return new Map(
    packageRequirements.map(({ name, versionSpecifier = '' }) => [
      name,
      versionSpecifier.replace(/^=/, '') || 'any version',
    ]),
  );
}

function shown({ versionSpecifier = '', extras, marker, url }: Spec['pipRequirements'][number]): string {
  // A bare version means exactly that one.
  const specifier = isVersion(versionSpecifier) ? `==${versionSpecifier}` : versionSpecifier;
  const parts = [
    extras === undefined ? '' : `[${extras.join(',')}]`,
    url === undefined ? specifier : `@ ${url}`,
    marker === undefined ? '' : `; ${marker}`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'any version' : parts.join(' ');
}
