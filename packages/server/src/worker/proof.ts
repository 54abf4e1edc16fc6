import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  machineSandbox,
  notProbed,
  type ProbeReport,
  type ProbeRequest,
  platformOf,
  probeImage,
  type Workshop,
} from '@mir/builder';
import { Fault } from '@mir/core';
import type { BlobReader, Image } from '@mir/oci';
import type { ProofOrder } from './build-message.ts';

/** What probes of this program find out; raised when they find out more, so that what was proven before is proven again. */
const proofVersion = 1;

/** An image that is whole and has no tag yet. */
export type UnprovenImage = { readonly image: Image; readonly blobs: BlobReader };

/** Tries images in the sandbox, one for each platform. What was proven on this machine before is not tried again. */
export async function prove(
  workshop: Workshop,
  order: ProofOrder,
  images: readonly UnprovenImage[],
): Promise<readonly ProbeReport[]> {
  if (order.mode === 'off')
    return images.map(({ image }) => notProbed(platformOf(image), 'probes are switched off on this instance'));
  const sandbox = await machineSandbox(workshop);
  const request: ProbeRequest = {
    requested: order.requested,
    skipModules: order.skipModules,
    ...(order.smokeCommand !== undefined && { smokeCommand: order.smokeCommand }),
  };
  const reports: ProbeReport[] = [];
  for (const { image, blobs } of images) {
    const proofs = new Proofs(join(workshop.home.cache, 'proofs'), image, request);
    const report =
      (await proofs.recall()) ??
      (await probeImage(workshop, sandbox, { image, blobs, reference: image.digest }, request));
    if (report.outcome === 'passed') await proofs.remember(report);
    reports.push(report);
  }
  return reports;
}

/** @throws Fault `probe/*` of the first image that was not passed; `probe/required` where it had to be tried and could not */
export function requireProof({ mode }: ProofOrder, reports: readonly ProbeReport[]): void {
  const failed = reports.find(({ outcome }) => outcome === 'failed');
  if (failed !== undefined) {
    throw Fault.from(
      failed.failure ?? {
        code: 'probe/report',
        what: `The image for ${failed.platform} did not pass its probe`,
        hint: 'Its report says what was tried.',
      },
    );
  }
  const open = reports.find(({ outcome }) => outcome === 'not-probed');
  if (mode !== 'required' || open === undefined) return;
  throw new Fault('probe/required', {
    what: `The image for ${open.platform} could not be proven, and this instance requires it: ${open.why}`,
    subject: open.platform,
    hint: 'Have an administrator make a sandbox possible on the workers, or set sandbox.probe to "where-possible".',
  });
}

/** A report for whoever reads the log. */
export function proofLines({ platform, outcome, why, packages, failures, problems }: ProbeReport): string[] {
  if (outcome === 'not-probed') return [`${platform}: not probed: ${why}`];
  const imported = packages.flatMap(({ modules }) => modules.filter((one) => one.outcome === 'imported'));
  return [
    `${platform}: ${imported.length} modules imported${imported.length === 0 ? '' : `: ${imported.map(({ module, seconds }) => `${module} ${seconds.toFixed(1)} s`).join(', ')}`}`,
    ...problems.map(({ severity, message, fix }) => `${severity}: ${message}. ${fix}`),
    ...failures.map(({ what, hint }) => `error: ${what}. ${hint}`),
  ];
}

/** What was proven here, by the digest of the image and what was asked of it. */
class Proofs {
  readonly #folder: string;
  readonly #path: string;

  constructor(folder: string, image: Image, request: ProbeRequest) {
    const key = createHash('sha256')
      .update(JSON.stringify([proofVersion, image.digest, request]))
      .digest('hex');
    this.#folder = folder;
    this.#path = join(folder, `${key}.json`);
  }

  async recall(): Promise<ProbeReport | undefined> {
    try {
      return JSON.parse(await readFile(this.#path, 'utf8')) as ProbeReport;
    } catch {
      return undefined;
    }
  }

  async remember(report: ProbeReport): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const aside = `${this.#path}.${randomUUID()}`;
    await writeFile(aside, JSON.stringify(report));
    await rename(aside, this.#path);
  }
}
