import { Fault, type FaultData } from '@mir/core';
import type { SandboxImage } from '@mir/sandbox';
import { labels } from '../image/contract.ts';
import { platformOf } from '../image/opened-image.ts';
import type { InstalledInterpreter } from './inventory.ts';
import type { ProbeFaultCode } from './probe-report.ts';
import { probedPython } from './program.ts';

const machines: Readonly<Record<string, string>> = { 'linux/amd64': 'x86_64', 'linux/arm64': 'aarch64' };

/** In which way an interpreter is not what the image's labels and platform say. */
export function wrongInterpreter({ image }: SandboxImage, found: InstalledInterpreter): string | undefined {
  const label = image.config.config?.Labels?.[labels.python];
  const machine = machines[platformOf(image)];
  if (found.own !== found.started)
    return `is ${found.started}, and the base's is ${found.own}: a package has put another in its place`;
  if (label !== undefined && minorOf(found.version) !== minorOf(label))
    return `is Python ${found.version}, and the image was made for ${label}`;
  if (machine !== undefined && found.machine !== machine)
    return `runs on ${found.machine}, and the image is for ${machine}`;
  return undefined;
}

function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

/** The fault of an interpreter that is not what it should be. */
export function interpreterFault(how: string): FaultData {
  return new Fault<ProbeFaultCode>('probe/interpreter', {
    what: `The Python of the image (${probedPython}) ${how}`,
    subject: probedPython,
    hint: 'Build the image again, or on another base; mir probe is for images that mir build made.',
  }).toJSON();
}
