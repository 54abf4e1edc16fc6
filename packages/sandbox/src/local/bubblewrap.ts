import type { Identities } from '../identities.ts';
import { proxyPort } from '../network/inner-listener.ts';
import type { SandboxOrder } from '../sandbox.ts';
import type { RunPlan } from './run-plan.ts';

const userId = 1000;
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What uid 0 of an image needs to configure packages: to own, read and give away files of its own root, and to become others. */
const capabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SYS_CHROOT'];

const proxyVariables = ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'].map((name): [string, string] => [
  name,
  `http://127.0.0.1:${proxyPort}`,
]);

/** The id of who runs the command, in the namespace that made the mounts. */
export function ownerOf(order: SandboxOrder, identities: Identities): number {
  return order.identity === 'root' || identities.count === 1 ? 0 : userId;
}

/** What bubblewrap is told, separated by zero bytes: on a command line, everybody on the machine could read it, and a file would stay when this process is killed. */
export function bubblewrapArguments(order: SandboxOrder, plan: RunPlan): string {
  const isRoot = order.identity === 'root';
  const words = [
    ...['--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try'],
    ...(isRoot ? [] : ['--unshare-user', '--uid', String(userId), '--gid', String(userId)]),
    ...['--die-with-parent', '--new-session', '--hostname', 'sandbox'],
    ...['--cap-drop', 'ALL', ...(isRoot ? capabilities.flatMap((name) => ['--cap-add', `CAP_${name}`]) : [])],
    ...[isRoot ? '--bind' : '--ro-bind', '/tmp/root', '/'],
    ...['--proc', '/proc', '--dev', '/dev', '--bind', '/tmp/scratch/shm', '/dev/shm', '--remount-ro', '/dev'],
    ...plan.mounts.flatMap(({ source, target }) => ['--bind', `/tmp/${source}`, target]),
    '--clearenv',
    ...[...variablesOf(order)].flatMap(([name, value]) => ['--setenv', name, value]),
    ...['--chdir', plan.workingFolder],
    ...['--seccomp', '5', '--json-status-fd', '6', '--block-fd', '9'],
  ];
  return words.map((word) => `${word}\0`).join('');
}

function variablesOf({ image, environment = {}, identity, network }: SandboxOrder): ReadonlyMap<string, string> {
  const own = (image.image.config.config?.Env ?? []).flatMap((line): [string, string][] => {
    const equals = line.indexOf('=');
    return equals < 1 || line.includes('\0') ? [] : [[line.slice(0, equals), line.slice(equals + 1)]];
  });
  return new Map([
    ['PATH', defaultPath],
    ['HOME', identity === 'root' ? '/root' : '/work'],
    // What asks for the name of an id that the image does not know asks for these first.
    ['USER', identity === 'root' ? 'root' : 'sandbox'],
    ['LOGNAME', identity === 'root' ? 'root' : 'sandbox'],
    ...own,
    ...(network === undefined ? [] : proxyVariables),
    ...Object.entries(environment),
  ]);
}
