import type { Digest } from './digest.ts';

/** Points at content by digest; the wire shape of the OCI image spec (descriptor.md). `size` is in bytes. */
export type Descriptor = {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: DescriptorPlatform;
  readonly artifactType?: string;
  readonly urls?: readonly string[];
  /** Base64 of the content itself. */
  readonly data?: string;
};

/** What an entry of an index runs on (image-index.md). */
export type DescriptorPlatform = {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
};
