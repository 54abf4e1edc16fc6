import { installCertificates } from '../handlers/certificates.ts';
import { configurePam } from '../handlers/pam.ts';
import type { VirtualTree } from '../tree/virtual-tree.ts';

/** Packages whose scripts are not run at all: what they would do is written down here. */
const natively: Readonly<Record<string, (tree: VirtualTree) => void>> = {
  'ca-certificates': installCertificates,
  'libpam-runtime': configurePam,
  'usr-is-merged': () => {}, // only checks that the tree is merged, which it is
  tzdata: (tree) => {
    if (tree.lstat('etc/localtime') === undefined)
      tree.put('etc/localtime', { type: 'symlink', target: '/usr/share/zoneinfo/Etc/UTC' });
    const isOld = !(tree.versions.get('tzdata') ?? '').includes('deb13');
    if (isOld && tree.stat('etc/timezone') === undefined) tree.write('etc/timezone', Buffer.from('Etc/UTC\n'));
  },
};

/** Whether the scripts of a package are replaced by {@link configureNatively}. */
export function isConfiguredNatively(name: string): boolean {
  return name in natively;
}

/** Does what the package's scripts would have done. */
export function configureNatively(tree: VirtualTree, name: string): void {
  natively[name]?.(tree);
}
