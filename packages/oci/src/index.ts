export { type BlobReader, BlobStore, type ByteRange } from './blob-store.ts';
export type { BlobWriter, WrittenBlob } from './blob-writer.ts';
export {
  type CredentialSource,
  type Credentials,
  dockerConfigCredentials,
  fixedCredentials,
} from './client/credentials.ts';
export {
  fetchImage,
  fetchImages,
  type PulledImage,
  type PullOptions,
  pullImage,
  pullLayers,
} from './client/pull.ts';
export { type PushOptions, pushImage, type TransferProgress } from './client/push.ts';
export { RegistryClient, type RegistryClientOptions } from './client/registry-client.ts';
export { type FetchedManifest, RepositoryClient, type UploadOutcome } from './client/repository-client.ts';
export { type Refusal, type RegistryAction, type RequestPace, refusalFault } from './client/request.ts';
export { mayStreamTo, type StreamedUpload } from './client/streamed-upload.ts';
export type { Descriptor, DescriptorPlatform } from './descriptor.ts';
export { type Digest, digestOf, isDigest, parseDigest } from './digest.ts';
export { type DockerArchiveImage, writeDockerArchive } from './docker-archive.ts';
export type { OciFaultCode } from './fault.ts';
export { collectGarbage, type GarbageOptions, type GarbageReport } from './garbage.ts';
export { Image, type ImageLayer, type ImageParts } from './image/image.ts';
export type { HistoryEntry, ImageConfig, RuntimeConfig } from './image/image-config.ts';
export { ImageSet } from './image/image-set.ts';
export { type ImageIndex, type ImageManifest, type Manifest, parseManifest } from './image/manifest.ts';
export { concatenateLayers } from './layer/concatenation.ts';
export { decompress } from './layer/decompression.ts';
export { type LayerEntry, type LayerReadLimits, readLayer } from './layer/layer-reader.ts';
export { type ContentPlace, type LayerSink, LayerWriter, type WrittenLayer } from './layer/layer-writer.ts';
export { LayeredTree, type LayeredTreeOptions, type TreeNode } from './layer/layered-tree.ts';
export { type ImageLayout, type LayoutImage, readLayout, writeLayout } from './layout.ts';
export { asOciMediaType, mediaTypes } from './media-types.ts';
export { formatReference, isRepositoryName, isTag, parseReference, type Reference } from './reference.ts';
export { RepositoryStore, type StoredManifest } from './repository-store.ts';
export {
  type AccessCheck,
  accountCheck,
  createRegistryServer,
  type RegistryServerOptions,
} from './server/registry-server.ts';
export {
  type BrokenImage,
  type BrokenTag,
  type VerificationOptions,
  type VerificationReport,
  verifyContent,
} from './verification.ts';
