import { createHash } from 'node:crypto';
import { isFault, type Platform } from '@mir/core';
import {
  firstMalformedClause,
  formatRequirement,
  isName,
  isVersion,
  parseRequirement,
  type Requirement,
} from '@mir/python';
import { type FieldFault, serverFault } from '../fault.ts';
import type { ImageTypeName } from './image-type.ts';

/** A requirement as it was asked for; what it means is {@link requirementOf}. */
export type PipRequirement = {
  readonly name: string;
  /** PEP 440 specifiers, a bare version (exactly that one), or nothing. */
  readonly versionSpecifier?: string;
  readonly extras?: readonly string[];
  /** PEP 508. */
  readonly marker?: string;
  /** A wheel's address (PEP 508 direct reference), on a host that the instance lists. */
  readonly url?: string;
};

/** The package managers that the original's clients name. */
export const packageTypes = ['PACKAGE_TYPE_UNSPECIFIED', 'PACKAGE_TYPE_ROCKYLINUX', 'PACKAGE_TYPE_APT'] as const;

/** An OS package as it was asked for. */
export type PackageRequirement = {
  readonly name: string;
  readonly versionSpecifier?: string;
  readonly packageType?: (typeof packageTypes)[number];
};

/** What a user asked for, as it is kept: nothing is filled in that was not said. */
export type Spec = {
  readonly pythonVersion?: string;
  readonly imageType?: ImageTypeName;
  /** `debian:SUITE` or `oci:REFERENCE`. */
  readonly base?: string;
  readonly pipRequirements: readonly PipRequirement[];
  readonly packageRequirements: readonly PackageRequirement[];
  readonly platforms?: readonly Platform[];
  /** Absent: true. */
  readonly bytecode?: boolean;
  /** Whether packages without a wheel may be built from their source distributions. Absent: no. */
  readonly allowSdist?: boolean;
  /** Modules that the probe does not import. */
  readonly skipImports?: readonly string[];
  /** A command that has to end with status 0 in the image before a version is READY. */
  readonly smokeCommand?: readonly string[];
};

/** What the instance says about specs. */
export type SpecRules = {
  readonly defaultPython: string;
  readonly platforms: readonly Platform[];
  /** Hosts that requirements may name addresses on. */
  readonly wheelHosts: readonly string[];
  /** Registries that bases may come from, besides Debian's. */
  readonly baseRegistries: readonly string[];
};

/** Pythons that Debian bases hold. */
export const debianPythons = ['3.9', '3.11', '3.13'] as const;

/** More of either is hardly a person's list; each costs the resolver time. */
const requirementLimit = 1000;

/**
 * Checks what was asked for, all of it, so that a person sees every mistake at once.
 *
 * @throws Fault `spec/invalid` with a field for each mistake
 */
export function checkSpec(spec: Spec, rules: SpecRules): Spec {
  const faults: FieldFault[] = [
    ...pythonFaults(spec),
    ...baseFaults(spec, rules),
    ...spec.pipRequirements.flatMap((one, at) => pipFaults(one, `pipRequirements[${at}]`, rules)),
    ...spec.packageRequirements.flatMap((one, at) => packageFaults(one, `packageRequirements[${at}]`)),
    ...probeFaults(spec),
    ...tooMany('pipRequirements', spec.pipRequirements.length),
    ...tooMany('packageRequirements', spec.packageRequirements.length),
  ];
  const [first] = faults;
  if (first === undefined) return spec;
  throw serverFault(
    'spec/invalid',
    {
      what: faults
        .map(({ message }) => message)
        .slice(0, 5)
        .join('; '),
      subject: first.field,
      hint: faults.length > 1 ? 'Correct these and send the request again.' : 'Correct it and send the request again.',
    },
    faults,
  );
}

/** A requirement as the resolver takes it. @throws Fault `requirement/malformed` */
export function requirementOf(pip: PipRequirement): Requirement {
  const extras = pip.extras === undefined || pip.extras.length === 0 ? '' : `[${pip.extras.join(',')}]`;
  const marker = pip.marker === undefined || pip.marker === '' ? '' : ` ; ${pip.marker}`;
  const where = pip.url === undefined ? specifierOf(pip.versionSpecifier) : ` @ ${pip.url}`;
  return parseRequirement(`${pip.name}${extras}${where}${marker}`);
}

/** A requirement that was written as one line, in the form in which it is kept. @throws Fault `requirement/malformed` */
export function pipRequirementOf(text: string): PipRequirement {
  const { name, extras, specifier, marker, url } = parseRequirement(text);
  return {
    name,
    ...(specifier !== '' && { versionSpecifier: specifier }),
    ...(extras.length > 0 && { extras }),
    ...(marker !== undefined && { marker }),
    ...(url !== undefined && { url }),
  };
}

/** The OS package that a line like `libgomp1` or `libgomp1=12.2.0-14` asks for. */
export function packageRequirementOf(text: string): PackageRequirement {
  const [name = '', version] = text.split('=', 2);
  return {
    name: name.trim(),
    ...(version !== undefined && { versionSpecifier: version.trim() }),
    packageType: 'PACKAGE_TYPE_APT',
  };
}

/** A bare version means exactly that one. */
function specifierOf(text: string | undefined): string {
  const given = text?.trim() ?? '';
  return isVersion(given) ? `==${given}` : given;
}

/**
 * The identity of what a spec asks for: equal keys, equal work. The order in which things were listed is no part of it, nor
 * how names were spelled.
 */
export function specKey(spec: Spec, rules: SpecRules): Buffer {
  const python = spec.pipRequirements.map((one) => formatRequirement(requirementOf(one))).sort();
  const os = spec.packageRequirements.map((one) => `${one.name}=${one.versionSpecifier ?? ''}`).sort();
  return createHash('sha256')
    .update(
      JSON.stringify([
        spec.base === undefined ? (spec.pythonVersion ?? rules.defaultPython) : (spec.pythonVersion ?? null),
        spec.imageType ?? null,
        spec.base ?? null,
        [...new Set(python)],
        [...new Set(os)],
        [...(spec.platforms ?? rules.platforms)].sort(),
        spec.bytecode ?? true,
        // Left out where nothing is said, so that old keys stay what they were.
        ...(spec.allowSdist === true ? ['sdist'] : []),
        ...(spec.skipImports === undefined && spec.smokeCommand === undefined
          ? []
          : [{ skip: [...(spec.skipImports ?? [])].sort(), smoke: spec.smokeCommand ?? [] }]),
      ]),
    )
    .digest();
}

function pythonFaults({ pythonVersion, base }: Spec): FieldFault[] {
  if (pythonVersion === undefined) return [];
  const known: readonly string[] = debianPythons;
  if (/^3\.\d{1,2}$/.test(pythonVersion) && (base !== undefined || known.includes(pythonVersion))) return [];
  return [
    {
      field: 'pythonVersion',
      message: `Python "${pythonVersion}" is not supported; choose ${known.join(', ')}, or a base that holds another`,
    },
  ];
}

function baseFaults({ base }: Spec, { baseRegistries }: SpecRules): FieldFault[] {
  if (base === undefined || /^debian:(bullseye|bookworm|trixie)$/.test(base)) return [];
  const host = /^oci:([^/\s]+)\/[^\s]+$/.exec(base)?.[1];
  if (host === undefined) {
    return [
      {
        field: 'base',
        message: `"${base}" is not a base; use debian:bullseye, debian:bookworm, debian:trixie or oci:REGISTRY/REPOSITORY:TAG`,
      },
    ];
  }
  if (baseRegistries.includes(host)) return [];
  const listed = baseRegistries.length === 0 ? 'none is listed' : `listed are ${baseRegistries.join(', ')}`;
  return [{ field: 'base', message: `Bases may not come from ${host}: ${listed}` }];
}

function pipFaults(one: PipRequirement, field: string, { wheelHosts }: SpecRules): FieldFault[] {
  if (!isName(one.name))
    return [{ field: `${field}.name`, message: `"${one.name}" is not the name of a Python package` }];
  const specifier = one.versionSpecifier?.trim() ?? '';
  if (specifier !== '' && !isVersion(specifier) && firstMalformedClause(specifier) !== undefined) {
    return [
      {
        field: `${field}.versionSpecifier`,
        message: `"${specifier}" is not a version specifier for ${one.name}; write ">=1.2,<2", or a version alone for exactly that one`,
      },
    ];
  }
  try {
    requirementOf(one);
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return [{ field, message: thrown.message }];
  }
  return one.url === undefined ? [] : urlFaults(one.name, one.url, field, wheelHosts);
}

function urlFaults(name: string, url: string, field: string, hosts: readonly string[]): FieldFault[] {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.protocol !== 'https:' || parsed.username !== '' || parsed.password !== '') {
    return [{ field, message: `The address of ${name} has to be an https address without a user name` }];
  }
  if (hosts.includes(parsed.host)) return [];
  return [{ field, message: `${name} may not come from ${parsed.host}: an administrator has not listed that host` }];
}

function packageFaults({ name, versionSpecifier }: PackageRequirement, field: string): FieldFault[] {
  if (!/^[a-z0-9][a-z0-9+.-]{1,127}$/.test(name)) {
    return [{ field: `${field}.name`, message: `"${name}" is not the name of an OS package` }];
  }
  if (versionSpecifier === undefined || versionSpecifier === '') return [];
  if (/^=?[0-9][A-Za-z0-9.+:~-]{0,127}$/.test(versionSpecifier)) return [];
  return [
    {
      field: `${field}.versionSpecifier`,
      message: `"${versionSpecifier}" is not a version of the OS package ${name}; write it as Debian does, without an operator`,
    },
  ];
}

function probeFaults({ skipImports = [], smokeCommand }: Spec): FieldFault[] {
  const wrong = skipImports.flatMap((name, at) =>
    /^[\p{ID_Start}_][\p{ID_Continue}]*(\.[\p{ID_Start}_][\p{ID_Continue}]*)*$/u.test(name)
      ? []
      : [{ field: `skipImports[${at}]`, message: `"${name}" is not the name of a module` }],
  );
  return smokeCommand === undefined || (smokeCommand[0] ?? '') !== ''
    ? wrong
    : [...wrong, { field: 'smokeCommand', message: 'The smoke command names no program' }];
}

function tooMany(field: string, count: number): FieldFault[] {
  return count <= requirementLimit ? [] : [{ field, message: `${count} entries are more than ${requirementLimit}` }];
}
