import type { VirtualTree } from '../tree/virtual-tree.ts';

/**
 * /etc/pam.d/common-* as pam-auth-update(8) writes them when only the profile of pam_unix is enabled: the templates of
 * /usr/share/pam with the profile's lines in the place of the marks.
 */
export function configurePam(tree: VirtualTree): void {
  for (const kind of ['account', 'auth', 'password', 'session', 'session-noninteractive']) {
    const path = `etc/pam.d/common-${kind}`;
    const template = tree.read(`usr/share/pam/common-${kind}`)?.toString('utf8');
    if (template === undefined || tree.stat(path) !== undefined) continue;
    tree.write(path, Buffer.from(filledIn(template, kind)));
  }
}

const hasher = 'yescrypt';
const primary: Readonly<Record<string, string>> = {
  account: 'account\t[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so ',
  auth: 'auth\t[success=1 default=ignore]\tpam_unix.so nullok',
  password: `password\t[success=1 default=ignore]\tpam_unix.so obscure ${hasher}`,
};
const additional: Readonly<Record<string, string>> = {
  session: 'session\trequired\tpam_unix.so ',
  'session-noninteractive': 'session\trequired\tpam_unix.so ',
};

function filledIn(template: string, kind: string): string {
  return template
    .split('\n')
    .flatMap((line) => {
      const mark = /^\$\w+_(primary|additional)$/.exec(line.trim())?.[1];
      if (mark === undefined) return [line];
      const found = mark === 'primary' ? (primary[kind] ?? defaultPrimary(kind)) : additional[kind];
      return found === undefined ? [] : [found];
    })
    .join('\n');
}

function defaultPrimary(kind: string): string | undefined {
  return kind.startsWith('session') ? 'session\t[default=1]\t\t\tpam_permit.so' : undefined;
}
