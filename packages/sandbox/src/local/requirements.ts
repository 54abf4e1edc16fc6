import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Fault } from '@mir/core';
import { type SandboxFaultCode, sandboxFault } from '../fault.ts';

/** Programs of the machine that a sandbox is made with, and the Debian packages that bring them. */
const programs: Readonly<Record<string, string>> = {
  bwrap: 'bubblewrap',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  nsenter: 'util-linux',
  prlimit: 'util-linux',
  mount: 'mount',
  tar: 'tar',
  env: 'coreutils',
  mkfifo: 'coreutils',
  chown: 'coreutils',
  cp: 'coreutils',
};

/** Settings of the kernel that forbid namespaces to users, the value that does, and the command that allows them. */
const settings = [
  ['/proc/sys/user/max_user_namespaces', '0', 'sysctl -w user.max_user_namespaces=15000'],
  ['/proc/sys/kernel/unprivileged_userns_clone', '0', 'sysctl -w kernel.unprivileged_userns_clone=1'],
  [
    '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    '1',
    'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  ],
] as const;

/** The fault for a sandbox that could not be made: what is missing on this machine, as far as it can be told. */
export function cannotMake(complaint: string, environment: NodeJS.ProcessEnv): Fault<SandboxFaultCode> {
  const missing = Object.keys(programs).filter((program) => findProgram(program, environment) === undefined);
  if (missing.length > 0) {
    const packages = [...new Set(missing.map((program) => programs[program] ?? program))];
    return unavailable(`${missing.join(', ')} cannot be found`, `Install it: apt-get install ${packages.join(' ')}`);
  }
  const forbidding = settings.find(([path, value]) => settingAt(path) === value);
  if (forbidding !== undefined && /unshare|namespace|not permitted|denied|space left|loopback/i.test(complaint))
    return unavailable(`user namespaces are not allowed (${complaint})`, `Allow them, as root: ${forbidding[2]}`);
  if (/unshare/.test(complaint))
    return unavailable(
      `user namespaces are not allowed (${complaint})`,
      'Allow them; in a container, with a seccomp profile that lets unshare and mount pass.',
    );
  if (/overlay/.test(complaint))
    return unavailable(
      `layers cannot be joined (${complaint})`,
      'Use Linux 5.11 or newer with overlayfs, and put the state (MIR_HOME) on a file system such as ext4 or xfs.',
    );
  if (/mount proc/i.test(complaint))
    return unavailable(
      `it has no /proc of its own to give (${complaint})`,
      'In a container, leave /proc unmasked (Kubernetes: procMount Unmasked; Docker: --security-opt systempaths=unconfined).',
    );
  return unavailable(
    complaint || 'its processes ended without a word',
    'See docs/sandbox.md for what a machine needs; newer versions of bubblewrap, util-linux and Linux may help.',
  );
}

function unavailable(why: string, hint: string): Fault<SandboxFaultCode> {
  return sandboxFault('sandbox/unavailable', { what: `This machine cannot run sandboxes: ${why}`, hint });
}

function settingAt(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // This kernel has no such setting.
    return undefined;
  }
}

/** Where a program of the machine is; undefined when it is nowhere on the PATH. */
export function findProgram(program: string, environment: NodeJS.ProcessEnv): string | undefined {
  const folders = (environment['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
