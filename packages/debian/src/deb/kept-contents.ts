import type { ControlMember } from './control-archive.ts';

const limitBytes = 1024 * 1024;
const scripts = ['preinst', 'postinst', 'config', 'triggers'];

const alwaysKept =
  /^(?:(?:usr\/)?sbin\/(?:update-shells|add-shell|remove-shell)$|usr\/share\/mysql-common\/configure-symlinks$|usr\/share\/(?:base-files|base-passwd|pam|pam-configs|libc-bin|debianutils|ca-certificates)\/|usr\/lib\/(?:sysusers\.d|tmpfiles\.d)\/|etc\/(?:ld\.so\.conf|ca-certificates|shells|adduser|default\/)|usr\/share\/fontconfig\/conf\.avail\/$)/;

/**
 * Which files' contents configuring a package may need: those of well-known places, and whatever its own scripts
 * name. Paths on disk, without leading slash.
 */
export function keptContents(
  members: ReadonlyMap<string, ControlMember>,
  conffiles: ReadonlySet<string>,
): (path: string, originalPath: string, sizeBytes: number) => boolean {
  const text = scripts.map((name) => members.get(name)?.bytes.toString('utf8') ?? '').join('\n');
  return (path, originalPath, sizeBytes) => {
    if (sizeBytes > limitBytes) return false;
    if (alwaysKept.test(path) || (conffiles.has(`/${originalPath}`) && sizeBytes < 64 * 1024)) return true;
    return text.includes(`/${originalPath}`) || text.includes(`/${path}`);
  };
}
