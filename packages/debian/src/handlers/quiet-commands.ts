import type { ShellCommand } from '../shell/shell.ts';

/**
 * Commands whose work is done elsewhere or is none in an image: services are not started, bytecode is the affair of
 * who builds the image, the linker's cache and the certificates are made once, at the end.
 */
export const quietCommands: Readonly<Record<string, ShellCommand>> = Object.fromEntries(
  [
    'ldconfig',
    'update-ca-certificates',
    'py3compile',
    'pypy3compile',
    'py3clean',
    'pycompile',
    'pyclean',
    'systemctl',
    'deb-systemd-helper',
    'deb-systemd-invoke',
    'systemd-tmpfiles',
    'invoke-rc.d',
    'update-rc.d',
    // Caches and indexes of desktop programs: fontconfig and GIO look for themselves when there is none.
    'fc-cache',
    'gio-querymodules',
    'glib-compile-schemas',
    'service',
    'mount',
    'umount',
    'nscd',
    'udevadm',
    'logger',
    'ischroot',
    'restorecon',
    'stty',
    'clear',
    'pam-auth-update',
  ].map((name): [string, ShellCommand] => [name, () => 0]),
);
