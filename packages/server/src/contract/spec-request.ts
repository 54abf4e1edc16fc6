import { isFault, parsePlatform } from '@mir/core';
import { type FieldFault, serverFault } from '../fault.ts';
import { imageTypeNames, imageTypeOf } from '../images/image-type.ts';
import { type PipRequirement, packageRequirementOf, pipRequirementOf, type Spec } from '../images/spec.ts';
import type { SpecRequest } from './shapes.ts';

/**
 * The spec that a request says; where there is one already, what the request leaves out stays as it is, and an empty list takes back
 * what stood.
 *
 * @throws Fault `spec/invalid`
 */
export function specOf(request: SpecRequest, standing?: Spec): Spec {
  const faults: FieldFault[] = [];
  const pip = pipRequirementsOf(request, faults) ?? standing?.pipRequirements ?? [];
  const os = packageRequirementsOf(request) ?? standing?.packageRequirements ?? [];
  const platforms = platformsOf(request, faults) ?? standing?.platforms;
  const imageType = imageTypeIn(request, faults, standing);
  const pythonVersion = nonEmpty(request.pythonVersion) ?? standing?.pythonVersion;
  const base = nonEmpty(request.base) ?? standing?.base;
  const bytecode = request.bytecode ?? standing?.bytecode;
  const allowSdist = request.allowSdist ?? standing?.allowSdist ?? false;
  const skipImports = request.skipImports ?? standing?.skipImports ?? [];
  const smokeCommand = request.smokeCommand ?? standing?.smokeCommand ?? [];
  const [first] = faults;
  if (first !== undefined) {
    throw serverFault(
      'spec/invalid',
      { what: first.message, subject: first.field, hint: 'Correct it and send the request again.' },
      faults,
    );
  }
  return {
    ...(pythonVersion !== undefined && { pythonVersion }),
    ...(imageType !== undefined && { imageType }),
    ...(base !== undefined && { base }),
    pipRequirements: pip,
    packageRequirements: os,
    ...(platforms !== undefined && platforms.length > 0 && { platforms }),
    ...(bytecode !== undefined && { bytecode }),
    ...(allowSdist && { allowSdist }),
    ...(skipImports.length > 0 && { skipImports }),
    ...(smokeCommand.length > 0 && { smokeCommand }),
  };
}

function pipRequirementsOf(
  { pipRequirements, requirements }: SpecRequest,
  faults: FieldFault[],
): PipRequirement[] | undefined {
  if (pipRequirements == null && requirements == null) return undefined;
  const given = (pipRequirements ?? []).map(({ name, versionSpecifier, extras, marker, url }) => ({
    name,
    ...(versionSpecifier !== undefined && { versionSpecifier }),
    ...(extras != null && extras.length > 0 && { extras }),
    ...(marker !== undefined && { marker }),
    ...(url !== undefined && { url }),
  }));
  const lines = (requirements ?? []).flatMap((line, at) => {
    try {
      return [pipRequirementOf(line)];
    } catch (thrown) {
      if (!isFault(thrown)) throw thrown;
      faults.push({ field: `requirements[${at}]`, message: thrown.message });
      return [];
    }
  });
  return [...given, ...lines];
}

function packageRequirementsOf({ packageRequirements, osPackages }: SpecRequest) {
  if (packageRequirements == null && osPackages == null) return undefined;
  const given = (packageRequirements ?? []).map(({ name, versionSpecifier, packageType }) => ({
    name,
    ...(versionSpecifier !== undefined && { versionSpecifier }),
    ...(packageType != null && { packageType }),
  }));
  return [...given, ...(osPackages ?? []).map(packageRequirementOf)];
}

function platformsOf({ platforms }: SpecRequest, faults: FieldFault[]) {
  if (platforms == null) return undefined;
  return [...new Set(platforms)].flatMap((text) => {
    try {
      return [parsePlatform(text)];
    } catch (thrown) {
      if (!isFault(thrown)) throw thrown;
      faults.push({ field: 'platforms', message: thrown.message });
      return [];
    }
  });
}

function imageTypeIn({ imageType }: SpecRequest, faults: FieldFault[], standing: Spec | undefined) {
  if (imageType === undefined || imageType === '') return standing?.imageType;
  const known = imageTypeOf(imageType);
  if (known === undefined && !/^(BASE_IMAGE_TYPE_)?(default|unspecified)$/i.test(imageType)) {
    faults.push({
      field: 'imageType',
      message: `"${imageType}" is not an image type; choose ${imageTypeNames.join(', ')}, or leave it out for the plain base`,
    });
  }
  return known;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}
