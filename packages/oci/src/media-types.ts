/** Media types of the OCI image spec and of Docker's schema 2. */
export const mediaTypes = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerManifestList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerForeignLayer: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
} as const;

/** What a client offers to take when it asks for a manifest. */
export const manifestMediaTypes: readonly string[] = [
  mediaTypes.ociManifest,
  mediaTypes.ociIndex,
  mediaTypes.dockerManifest,
  mediaTypes.dockerManifestList,
];

/** Whether a manifest of this type lists other manifests. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerManifestList;
}

/** Whether a layer of this type may live elsewhere only (image-spec, layer.md, "Non-Distributable Layers"). */
export function isForeignLayerType(mediaType: string): boolean {
  return mediaType === mediaTypes.dockerForeignLayer || mediaType.includes('.layer.nondistributable.');
}

/** OCI's name for the type of a layer or config that Docker names its own way. */
export function asOciMediaType(mediaType: string): string {
  switch (mediaType) {
    case mediaTypes.dockerManifest:
      return mediaTypes.ociManifest;
    case mediaTypes.dockerManifestList:
      return mediaTypes.ociIndex;
    case mediaTypes.dockerConfig:
      return mediaTypes.ociConfig;
    case mediaTypes.dockerLayerGzip:
      return mediaTypes.ociLayerGzip;
    case mediaTypes.dockerLayer:
      return mediaTypes.ociLayer;
    default:
      return mediaType;
  }
}
