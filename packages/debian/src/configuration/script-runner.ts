import { parseControl } from '../control/control.ts';
import type { DebFacts } from '../deb/deb-facts.ts';
import { accountCommands } from '../handlers/accounts.ts';
import { alternativesCommands } from '../handlers/alternatives.ts';
import { debconfCommands } from '../handlers/debconf.ts';
import { dpkgCommands } from '../handlers/dpkg-commands.ts';
import { quietCommands } from '../handlers/quiet-commands.ts';
import { builtinCommands } from '../shell/builtin-commands.ts';
import { fileCommands } from '../shell/file-commands.ts';
import { NotUnderstood } from '../shell/limits.ts';
import { Shell, type ShellCommand } from '../shell/shell.ts';
import { ShellSyntaxError } from '../shell/syntax.ts';
import { textCommands } from '../shell/text-commands.ts';
import { UnknownContent, type VirtualTree } from '../tree/virtual-tree.ts';
import { isConfiguredNatively } from './native-packages.ts';

const confmodule = '/usr/share/debconf/confmodule';
const common = {
  ...fileCommands,
  ...textCommands,
  ...accountCommands,
  ...alternativesCommands,
  ...dpkgCommands,
  ...quietCommands,
  ...builtinCommands,
};

/** What of a package its scripts need. */
export type ScriptedPackage = Pick<DebFacts, 'name' | 'architecture' | 'members'>;

/**
 * Runs a maintainer script (policy 6.5) over a tree in memory, as dpkg would on a fresh installation. Returns why it
 * cannot be done here, or `undefined` when it was.
 */
export function runScript(
  tree: VirtualTree,
  scripted: ScriptedPackage,
  script: 'preinst' | 'postinst',
  args: readonly string[],
): string | undefined {
  const text = scripted.members[script];
  if (text === undefined || isConfiguredNatively(scripted.name)) return undefined;
  if (scripted.name === 'bash' && script === 'preinst' && text.startsWith('\u007fELF')) return undefined; // makes /bin/sh until dash is there
  const interpreter = interpreterOf(text);
  if (!/^\/(?:usr\/)?bin\/(?:sh|bash|dash)$/.test(interpreter)) return `it is written for ${interpreter}`;
  try {
    const status = runShellScript(tree, scripted, script, text, args);
    return status === 0 ? changesBeyondReach(tree) : `it ends with status ${status}`;
  } catch (thrown) {
    if (thrown instanceof NotUnderstood) return thrown.message;
    if (thrown instanceof UnknownContent) return `it reads or changes ${thrown.message}`;
    if (thrown instanceof ShellSyntaxError) return `its ${thrown.message}`;
    throw thrown;
  }
}

function runShellScript(
  tree: VirtualTree,
  { name, architecture, members }: ScriptedPackage,
  script: string,
  text: string,
  args: readonly string[],
): number {
  const commands = new Map<string, ShellCommand>(Object.entries(common));
  const debconf = debconfCommands(members['templates'] ?? '');
  const useDebconf = () => {
    for (const [verb, command] of Object.entries(debconf)) commands.set(verb, command);
    return 0;
  };
  const source: ShellCommand = ([path = ''], shell, streams) => {
    if (path === confmodule) return useDebconf();
    const content = shell.tree.read(path);
    if (content === undefined) throw new NotUnderstood(`it reads ${path}, which is not there`);
    return shell.evaluate(content.toString('utf8'), streams);
  };
  commands.set('.', source);
  commands.set('source', source);
  if (/^(?:lib)?python3/.test(name)) for (const python of pythonNames(text)) commands.set(python, () => 0);
  const run = (content: string, words: readonly string[]) => {
    const shell = new Shell(tree, commands);
    const variables = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/',
      DEBIAN_FRONTEND: 'noninteractive',
      DPKG_MAINTSCRIPT_PACKAGE: name,
      DPKG_MAINTSCRIPT_NAME: script,
      DPKG_MAINTSCRIPT_ARCH: architecture,
      DPKG_MAINTSCRIPT_ARCH_NATIVE: architecture,
      DPKG_ADMINDIR: '/var/lib/dpkg',
      DPKG_ROOT: '',
    };
    for (const [variable, value] of Object.entries(variables)) shell.variables.set(variable, value);
    if (interpreterOf(content).endsWith('/bash')) shell.dialect = 'bash';
    shell.takeOptionsOf(content);
    shell.scriptName = `/var/lib/dpkg/info/${name}.${script}`;
    return shell.run(content, words);
  };
  const config = members['config'];
  if (config !== undefined && script === 'postinst' && text.includes(confmodule)) {
    useDebconf();
    run(config, ['configure', '']);
  }
  return run(text, args);
}

function interpreterOf(script: string): string {
  return /^#!\s*(\S+)/.exec(script)?.[1] ?? 'a binary';
}

/** Byte-compiling is all that the packages of Python run their interpreter for. */
function pythonNames(text: string): readonly string[] {
  return [...new Set(text.match(/\bpython3(?:\.\d+)?\b/g) ?? [])].flatMap((one) => [one, `/usr/bin/${one}`]);
}

function changesBeyondReach(tree: VirtualTree): string | undefined {
  const [removed] = tree.removed();
  if (removed !== undefined) return `it removes /${removed} of another layer`;
  for (const path of tree.changed()) {
    const node = tree.lstat(path);
    if (node?.type === 'file' && node.content === undefined) return `it changes /${path}, which is too big to be kept`;
  }
  return undefined;
}

/** The fields of a package's control file. */
export function controlFieldsOf(deb: Pick<DebFacts, 'control'>): ReadonlyMap<string, string> {
  return parseControl(deb.control)[0] ?? new Map();
}
