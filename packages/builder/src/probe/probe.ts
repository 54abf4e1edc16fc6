import type { Fault } from '@mir/core';
import type { Sandbox, SandboxImage } from '@mir/sandbox';
import type { Workshop } from '../workshop.ts';
import type { ProbeReport, ProbeRequest } from './probe-report.ts';

/**
 * Proves an image in a sandbox: interpreter, dependencies, shared libraries, the import of what was asked for, console scripts and
 * a smoke command. Where there is no sandbox, or none for its platform, the report says so instead of pretending.
 *
 * @param sandbox a fault where none can be had
 * @throws Fault of reading the image's layers; whatever is wrong with what is in it goes into the report
 */
export async function probeImage(
  _workshop: Workshop,
  sandbox: Sandbox | Fault,
  _image: SandboxImage,
  _request: ProbeRequest,
): Promise<ProbeReport> {
  throw new Error(`not written yet ${typeof sandbox}`);
}
