import type { Spec } from '../api/types.ts';
import type { Draft } from '../creation/draft.ts';

/** What was asked for, as somebody would type it. */
export function draftOf(name: string, spec: Spec): Draft {
  return {
    name,
    text: spec.pipRequirements.map(lineOf).join('\n'),
    imageType: spec.imageType ?? '',
    pythonVersion: spec.pythonVersion ?? '',
    osPackages: spec.packageRequirements.map(({ name: one, versionSpecifier }) =>
      versionSpecifier === undefined || versionSpecifier === '' ? one : `${one}=${versionSpecifier.replace(/^=/, '')}`,
    ),
    platforms: spec.hasOwnPlatforms ? spec.platforms : [],
    allowSdist: spec.allowSdist,
    ...(spec.base !== null && { base: spec.base }),
  };
}

function lineOf({ name, versionSpecifier = '', extras = [], marker, url }: Spec['pipRequirements'][number]): string {
  const extra = extras.length === 0 ? '' : `[${extras.join(',')}]`;
  // A bare version means exactly that one.
  const specifier = /^\d/.test(versionSpecifier) ? `==${versionSpecifier}` : versionSpecifier;
  return `${name}${extra}${url === undefined ? specifier : ` @ ${url}`}${marker === undefined ? '' : ` ; ${marker}`}`;
}
