import type { Dialect } from '../http/route.ts';
import { childrenOf, type ImageRow } from '../images/image-row.ts';
import { wireImageType } from '../images/image-type.ts';
import type { Spec } from '../images/spec.ts';
import type { InstanceContext } from '../instance-context.ts';
import type { WireImage, WireReference } from './shapes.ts';

/** Images as the original's clients read them. */
export async function wireImages(
  context: InstanceContext,
  rows: readonly ImageRow[],
  dialect: Dialect,
): Promise<WireImage[]> {
  const children = await childrenOf(
    context.db,
    rows.filter(({ role }) => role === 'SYSTEM').map(({ id }) => id),
  );
  return rows.map((row) => formOf(context, row, children.get(row.id) ?? [], dialect));
}

/** An image as the original's clients read it. */
export async function wireImage(context: InstanceContext, row: ImageRow, dialect: Dialect): Promise<WireImage> {
  const [image] = await wireImages(context, [row], dialect);
  if (image === undefined) throw new TypeError('an image that was found has no form on the wire');
  return image;
}

function formOf(context: InstanceContext, row: ImageRow, children: readonly string[], dialect: Dialect): WireImage {
  return {
    name: row.name,
    baseImage: baseImageOf(row),
    roleType: `ROLE_TYPE_${row.role}`,
    childImages: children.map(managed),
    rimeTag: row.tag,
    repoUri: context.repositories.uri(row.repository),
    status: `STATUS_${row.status}`,
    packageRequirements: packagesOf(row.spec),
    pipRequirements: pipOf(row.spec),
    pipLibraries: [...(row.libraries ?? [])],
    pythonVersion: row.pythonVersion ?? '',
    ...(dialect === '0.20' && { rimeImageType: wireImageType(row.spec.imageType) }),
  };
}

function baseImageOf({ parentName, baseName }: ImageRow): WireReference {
  if (parentName !== null) return managed(parentName);
  const name = baseName ?? '';
  const host = /^oci:([^/]+)\//.exec(name)?.[1] ?? '';
  const referenceType = /\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/.test(host)
    ? 'REFERENCE_TYPE_EXTERNAL_ECR'
    : host.endsWith('-docker.pkg.dev')
      ? 'REFERENCE_TYPE_EXTERNAL_GAR'
      : 'REFERENCE_TYPE_UNSPECIFIED';
  return { name: name.replace(/^oci:/, ''), referenceType };
}

function managed(name: string): WireReference {
  return { name, referenceType: 'REFERENCE_TYPE_MANAGED' };
}

function packagesOf({ packageRequirements }: Spec) {
  return packageRequirements.map(({ name, versionSpecifier, packageType }) => ({
    name,
    versionSpecifier: versionSpecifier ?? '',
    packageType: packageType ?? 'PACKAGE_TYPE_UNSPECIFIED',
  }));
}

/** As requested; what the original has no field for is written where its clients will see it. */
function pipOf({ pipRequirements }: Spec) {
  return pipRequirements.map(({ name, versionSpecifier, extras, url }) => ({
    name: extras === undefined ? name : `${name}[${extras.join(',')}]`,
    versionSpecifier: url === undefined ? (versionSpecifier ?? '') : `@ ${url}`,
  }));
}
