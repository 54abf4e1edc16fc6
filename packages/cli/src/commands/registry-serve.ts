import { readFile, stat } from 'node:fs/promises';
import { openHome } from '@mir/builder';
import { type AccessCheck, accountCheck, BlobStore, RepositoryStore } from '@mir/oci';
import { usageFault } from '../fault-message.ts';
import { refusePositionals } from '../options.ts';
import { isLoopback, parseListen, serve } from '../registry-service.ts';
import type { Command, Invocation } from './commands.ts';

export const registryServe: Command = {
  options: { listen: { type: 'string' }, data: { type: 'string' }, accounts: { type: 'string' } },
  run,
  help: `
Serves the embedded registry: everything that builds put into it, to any OCI client; clients may push too.
Without accounts everybody may read and write, so it then listens on loopback addresses only.

Usage: mir registry serve [OPTIONS]

      --listen ADDRESS:PORT   Where to listen (default: 127.0.0.1:5000)
      --data DIR              The registry's folder (default: that of MIR_HOME)
      --accounts FILE         Lines of user:password; only these may enter. The file must be readable by you alone

Examples:
  mir registry serve
  mir registry serve --listen 0.0.0.0:5000 --accounts accounts.txt`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  refusePositionals('registry serve', positionals);
  const address = parseListen(values.text('listen') ?? '127.0.0.1:5000');
  const accounts = values.text('accounts');
  if (accounts === undefined && !isLoopback(address)) {
    throw usageFault(
      `${address.host} can be reached from other machines, and anybody there could read and write`,
      'Listen on 127.0.0.1, or name who may enter with --accounts FILE.',
    );
  }
  const access = accounts === undefined ? undefined : await readAccounts(accounts);
  const directory = values.text('data') ?? (await openHome(environment)).registry;
  const repositories = await RepositoryStore.open(await BlobStore.open(directory));
  const service = await serve(repositories, address, false, access);
  const { port } = service.address();
  const image = await firstImage(repositories);
  const lines = [`The registry listens on ${address.host}:${port} and serves ${directory}.`];
  if (access !== undefined) lines.push(`First: docker login ${address.host}:${port}`);
  lines.push(
    image === undefined
      ? 'It is empty. Next: mir build -r requirements.txt -t NAME'
      : `Next: docker pull ${address.host}:${port}/${image}`,
  );
  process.stdout.write(`${lines.join('\n')}\n`);
  await service.ended;
  return 0;
}

/** Some image that there is, with a tag that there is. */
async function firstImage(repositories: RepositoryStore): Promise<string | undefined> {
  for (const repository of await repositories.repositories()) {
    const [tag] = await repositories.tags(repository);
    if (tag !== undefined) return `${repository}:${tag}`;
  }
  return undefined;
}

async function readAccounts(path: string): Promise<AccessCheck> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw usageFault(`${path} cannot be read`, 'Check that the file exists and may be read.');
  });
  if (((await stat(path)).mode & 0o077) !== 0) {
    throw usageFault(`${path} holds passwords and can be read by others`, `Run: chmod 600 ${path}`);
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const accounts = lines.map((line, at) => {
    const colon = line.indexOf(':');
    if (colon < 1 || colon === line.length - 1) {
      throw usageFault(`Line ${at + 1} of ${path} is not user:password`, 'Write one account a line, user:password.');
    }
    return [line.slice(0, colon), line.slice(colon + 1)] as const;
  });
  if (accounts.length === 0) throw usageFault(`${path} names nobody`, 'Write one account a line, user:password.');
  return accountCheck(new Map(accounts));
}
