import { Fault } from './fault.ts';

/** The platforms images are made for, in the notation of OCI image indexes. */
export const platforms = ['linux/amd64', 'linux/arm64'] as const;

/** `linux/amd64` or `linux/arm64`. */
export type Platform = (typeof platforms)[number];

/** The architecture in OCI's and Debian's spelling. */
export type Architecture = 'amd64' | 'arm64';

/** The platform a person wrote. @throws Fault `platform/unknown` */
export function parsePlatform(text: string): Platform {
  const platform = platforms.find((known) => known === text);
  if (platform === undefined) {
    throw new Fault('platform/unknown', {
      what: `"${text}" is not a platform that images are built for`,
      subject: text,
      hint: `Use one of ${platforms.join(', ')}.`,
    });
  }
  return platform;
}

/** The architecture part of a platform. */
export function architectureOf(platform: Platform): Architecture {
  return platform === 'linux/amd64' ? 'amd64' : 'arm64';
}
