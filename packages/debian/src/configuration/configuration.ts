import { Fault, type TreeEntry } from '@mir/core';
import { inConfigurationOrder } from '../closure/configuration-order.ts';
import { parseDependencies } from '../control/dependency.ts';
import type { DebFacts, LibraryFact } from '../deb/deb-facts.ts';
import { infoFolder, infoName } from '../dpkg-database/info-files.ts';
import { statusFile } from '../dpkg-database/status.ts';
import { activatedTriggers, writeTriggers } from '../dpkg-database/triggers.ts';
import type { DebianFaultCode } from '../fault.ts';
import { installCertificates } from '../handlers/certificates.ts';
import { libraryCache, readLibraryCache } from '../handlers/library-cache.ts';
import { mergedUsrLinks } from '../tree/merged-usr.ts';
import type { VirtualTree } from '../tree/virtual-tree.ts';
import type { BaseState, Unconfigurable } from './base-state.ts';
import { configureNatively, isConfiguredNatively } from './native-packages.ts';
import { controlFieldsOf, runScript } from './script-runner.ts';
import { entriesOf } from './tree-entries.ts';
import { stateOfTree, treeOfState } from './tree-state.ts';

/** Raised whenever configuring the same packages could write something else: part of every key of what it wrote. */
export const configurationVersion = 2;

/** What configuring packages writes, and what the next packages on top need to know. */
export type Configured = { readonly entries: readonly TreeEntry[]; readonly state: BaseState };

type Target = { readonly suite: string; readonly architecture: 'amd64' | 'arm64' };

/**
 * What dpkg and the packages' scripts would have written for a base of these packages: the dpkg database, users,
 * alternatives, certificates, the linker's cache, defaults. Belongs on top of the packages' own entries.
 * @throws Fault `debian/needs-sandbox` when a script does something that is not done here
 */
export function configureBase(debs: readonly DebFacts[], target: Target): Configured {
  return configured(emptyState(debs, target), debs);
}

/**
 * The same for packages on top of a tree: whole copies of the files of the dpkg database, the linker's cache and
 * whatever else changes. @throws Fault `debian/needs-sandbox`
 */
export function configureOnTop(state: BaseState, debs: readonly DebFacts[]): Configured {
  return configured(state, debs);
}

/** What was configured, and what is left for dpkg itself: those packages are unpacked, and their scripts have not been run. */
export type PartlyConfigured = Configured & { readonly left: readonly Unconfigurable[] };

/**
 * As {@link configureOnTop}, but packages whose scripts cannot be done here are left as dpkg leaves what it has only unpacked (dpkg(1),
 * "Package states"), so that `dpkg --configure` goes on from there.
 */
export function configureWhatCan(state: BaseState, debs: readonly DebFacts[]): PartlyConfigured {
  let left: readonly Unconfigurable[] = [];
  for (;;) {
    const installation = new Installation(state, debs, new Set(left.map((one) => one.package)));
    // Without what the first ones would have done, scripts of others may not get on.
    if (installation.problems.length === 0) return { ...installation.finish(), left };
    left = [...left, ...installation.problems];
  }
}

/**
 * The packages that can only be configured in a sandbox, with the script and what it does. `state` is the tree that they
 * go on top of, when there is one.
 */
export function unconfigurable(debs: readonly DebFacts[], state?: BaseState): readonly Unconfigurable[] {
  const architecture = debs.find((deb) => deb.architecture === 'arm64') === undefined ? 'amd64' : 'arm64';
  return new Installation(state ?? emptyState(debs, { suite: '', architecture }), debs).problems;
}

/** What these packages go on top of where there is nothing yet. */
function emptyState(debs: readonly DebFacts[], { suite, architecture }: Target): BaseState {
  return {
    suite,
    architecture,
    mergedUsr: debs.some((deb) => deb.mergedUsr),
    nodes: {},
    contents: {},
    libraries: [],
    newestMtimeSeconds: 0,
  };
}

function configured(state: BaseState, debs: readonly DebFacts[]): Configured {
  const installation = new Installation(state, debs);
  const [first] = installation.problems;
  if (first !== undefined) {
    const list = installation.problems.map((one) => `${one.package} (${one.script}: ${one.why})`).join('; ');
    throw new Fault<DebianFaultCode>('debian/needs-sandbox', {
      what: `${installation.problems.length === 1 ? 'A package has' : `${installation.problems.length} packages have`} scripts that cannot be done without running them: ${list}`,
      subject: first.package,
      hint: 'Leave these packages out, or use a base image that holds them already.',
    });
  }
  return installation.finish();
}

/** One pass over the packages: unpack, configure, and note what could not be done. */
class Installation {
  readonly problems: Unconfigurable[] = [];
  readonly #tree: VirtualTree;
  readonly #state: BaseState;
  readonly #debs: readonly DebFacts[];
  readonly #libraries: LibraryFact[];
  readonly #mtimeSeconds: number;
  /** Packages whose scripts are not run. */
  readonly #left: ReadonlySet<string>;

  constructor(state: BaseState, debs: readonly DebFacts[], left: ReadonlySet<string> = new Set()) {
    this.#left = left;
    this.#state = state;
    this.#debs = sortedForConfiguration(debs);
    this.#tree = treeOfState(state);
    this.#tree.mark();
    this.#libraries = [...state.libraries, ...debs.flatMap((deb) => deb.libraries)];
    this.#mtimeSeconds = debs.reduce(
      (newest, deb) => Math.max(newest, deb.newestMtimeSeconds),
      state.newestMtimeSeconds,
    );
    this.#linkMergedUsr();
    for (const deb of this.#debs) this.#unpack(deb);
    writeTriggers(this.#tree, this.#debs);
    for (const deb of this.#debs) this.#configure(deb);
    this.#runTriggers();
  }

  finish(): Configured {
    const tree = this.#tree;
    const database = 'var/lib/dpkg';
    tree.makeDirectory(infoFolder);
    tree.makeDirectory(`${database}/updates`);
    const before = tree.read(`${database}/status`)?.toString('utf8') ?? '';
    tree.write(`${database}/status`, Buffer.from(statusFile(before, this.#debs, this.#left)));
    for (const [name, text] of [
      ['arch', `${this.#state.architecture}\n`],
      ['info/format', '1\n'],
      ['diversions', ''],
      ['statoverride', ''],
      ['triggers/Unincorp', ''],
    ] as const) {
      if (tree.stat(`${database}/${name}`) === undefined) tree.write(`${database}/${name}`, Buffer.from(text));
    }
    if (this.#debs.some((deb) => deb.paths.some((path) => path.n.startsWith('usr/share/ca-certificates/'))))
      installCertificates(tree);
    const cache = tree.read('etc/ld.so.cache');
    const known = cache === undefined ? undefined : readLibraryCache(cache);
    tree.makeDirectory('etc');
    tree.write('etc/ld.so.cache', libraryCache(tree, this.#libraries, this.#state.architecture, known));
    return {
      entries: entriesOf(tree, this.#mtimeSeconds),
      state: stateOfTree(tree, { ...this.#state, libraries: this.#libraries, newestMtimeSeconds: this.#mtimeSeconds }),
    };
  }

  #linkMergedUsr(): void {
    if (!this.#state.mergedUsr) return;
    const shipped = new Set(
      this.#debs.flatMap((deb) => deb.paths.filter((path) => path.t === 'l').map((path) => path.n)),
    );
    for (const link of mergedUsrLinks(this.#state.architecture)) {
      if (shipped.has(link) || this.#tree.lstat(link) !== undefined) continue;
      this.#tree.makeDirectory(`usr/${link}`);
      this.#tree.put(link, { type: 'symlink', target: `usr/${link}` });
    }
  }

  #unpack(deb: DebFacts): void {
    if (!this.#left.has(deb.name)) this.#note(deb, 'preinst', runScript(this.#tree, deb, 'preinst', ['install']));
    this.#tree.versions.set(deb.name, deb.version);
    for (const path of deb.paths) {
      if (path.t === 'd') {
        if (this.#tree.stat(path.n) === undefined)
          this.#tree.place(path.n, { type: 'directory', mode: path.m, uid: path.u, gid: path.g });
      } else if (path.t === 'l') this.#tree.place(path.n, { type: 'symlink', target: path.to });
      else {
        const content = deb.contents[path.n];
        this.#tree.place(path.n, {
          type: 'file',
          mode: path.m,
          uid: path.u,
          gid: path.g,
          ...(content === undefined ? {} : { content: Buffer.from(content, 'base64') }),
        });
      }
      this.#tree.keep(path.n);
    }
    const info = `${infoFolder}/${infoName(controlFieldsOf(deb))}`;
    this.#tree.place(`${info}.list`, { type: 'file', mode: 0o644, uid: 0, gid: 0 });
    const triggered = deb.members['postinst'];
    if (triggered !== undefined && /^interest/m.test(deb.members['triggers'] ?? '')) {
      this.#tree.place(`${info}.postinst`, {
        type: 'file',
        mode: 0o755,
        uid: 0,
        gid: 0,
        content: Buffer.from(triggered),
      });
    }
  }

  #configure(deb: DebFacts): void {
    if (this.#left.has(deb.name)) return;
    if (isConfiguredNatively(deb.name)) configureNatively(this.#tree, deb.name);
    else this.#note(deb, 'postinst', runScript(this.#tree, deb, 'postinst', ['configure', '']));
  }

  /** Triggers of packages below that the new ones set off; those of new ones are done by configuring them. */
  #runTriggers(): void {
    const own = new Set(this.#debs.map((deb) => deb.name));
    for (const [name, triggers] of activatedTriggers(this.#tree, this.#debs)) {
      if (own.has(name) || this.#left.has(name) || name === 'libc-bin' || isConfiguredNatively(name)) continue;
      const architecture = this.#state.architecture;
      const paths = [name, `${name}:${architecture}`].map((one) => `${infoFolder}/${one}.postinst`);
      const path = paths.find((one) => this.#tree.stat(one) !== undefined);
      const postinst = path === undefined ? undefined : this.#tree.read(path)?.toString('utf8');
      if (postinst === undefined) continue;
      const why = runScript(this.#tree, { name, architecture, members: { postinst } }, 'postinst', [
        'triggered',
        triggers.join(' '),
      ]);
      if (why !== undefined)
        this.problems.push({ package: name, script: `postinst triggered by ${triggers.join(' ')}`, why });
    }
  }

  #note(deb: DebFacts, script: string, why: string | undefined): void {
    if (why !== undefined && !this.problems.some((one) => one.package === deb.name))
      this.problems.push({ package: deb.name, script, why });
  }
}

function sortedForConfiguration(debs: readonly DebFacts[]): readonly DebFacts[] {
  const ordered = debs.map((deb) => {
    const fields = controlFieldsOf(deb);
    const relations = (name: string) => parseDependencies((fields.get(name) ?? '').replaceAll('\n', ' '));
    return {
      name: deb.name,
      deb,
      essential: fields.get('Essential') === 'yes',
      preDepends: relations('Pre-Depends'),
      depends: relations('Depends'),
      provides: relations('Provides'),
    };
  });
  return inConfigurationOrder(ordered).map((one) => one.deb);
}
