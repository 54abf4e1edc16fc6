const mergedFolders: ReadonlySet<string> = new Set(['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32']);

/** The path at which a file lies on disk when /bin, /sbin and /lib* are links into /usr. Without leading slash. */
export function mergedPath(path: string): string {
  const slash = path.indexOf('/');
  return mergedFolders.has(slash < 0 ? path : path.slice(0, slash)) ? `usr/${path}` : path;
}

/** Whether a path is one of the links themselves. */
export function isMergedFolder(path: string): boolean {
  return mergedFolders.has(path);
}

/** The links of a merged tree: those that a Debian of the architecture has. */
export function mergedUsrLinks(architecture: 'amd64' | 'arm64'): readonly string[] {
  return architecture === 'amd64' ? ['bin', 'lib', 'lib64', 'sbin'] : ['bin', 'lib', 'sbin'];
}
