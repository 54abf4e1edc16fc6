import { printable } from '@mir/core';
import { strangersIn } from '@mir/server';
import { Api, apiAddress } from '../api.ts';
import { refusePositionals } from '../options.ts';
import { counted } from '../quantity.ts';
import type { Command, Invocation } from './commands.ts';

export const registryCheck: Command = {
  options: { repair: { type: 'boolean' }, strangers: { type: 'boolean' }, json: { type: 'boolean' } },
  run,
  help: `
Compares the registry of an instance with what the instance says is in it: versions that are missing or are
another image, tags that no version has, repositories of removed images, a layer pool that is gone. Changes
nothing unless told to.

Usage: mir registry check [--repair] [--strangers] [--json]

      --repair      Build what the names stand for again from its lock, mark older versions that are missing
                    as lost, let unknown tags and repositories of removed images go, make the layer pool again
      --strangers   List repositories of Amazon ECR below the prefix that the instance does not know, too. Its
                    own roles may not: this takes the AWS credentials of this shell (ecr:DescribeRepositories)
      --json        One JSON object a finding

MIR_URL is the address of the instance (default: http://127.0.0.1:8480), MIR_API_KEY an administrator's.
The exit status is 1 when something was found.`,
};

type Finding = { readonly message: string; readonly path: string; readonly repair: string | null };

type Answer = {
  readonly registry: {
    readonly kind: string;
    readonly host: string | null;
    readonly region: string | null;
    readonly prefix: string;
  };
  readonly checked: number;
  readonly findings: readonly Finding[];
  readonly known: readonly string[];
  readonly next?: number;
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  refusePositionals('registry check', positionals);
  const api = new Api(apiAddress(environment));
  const repair = values.has('repair');
  const known = new Set<string>();
  let registry: Answer['registry'] | undefined;
  let checked = 0;
  let found = 0;
  const say = (data: object, lines: readonly string[]) =>
    process.stdout.write(values.has('json') ? `${JSON.stringify(data)}\n` : `${lines.map(printable).join('\n')}\n`);
  for (let after: number | undefined = 0; after !== undefined; ) {
    const answer = (await api.request('POST', '/v1/registry/check', { repair, after })) as Answer;
    for (const finding of answer.findings) {
      found += 1;
      say({ type: 'finding', ...finding }, [
        `${finding.message} (${finding.path})`,
        ...(finding.repair === null ? [] : [`  ${finding.repair}`]),
      ]);
    }
    for (const path of answer.known) known.add(path);
    checked += answer.checked;
    registry = answer.registry;
    after = answer.next;
  }
  if (values.has('strangers') && registry !== undefined) found += await tellStrangers(registry, known, say);
  if (values.has('json')) return found === 0 ? 0 : 1;
  const next = found > 0 && !repair ? ['Next: mir registry check --repair'] : [];
  const hidden =
    registry?.kind === 'ecr' && !values.has('strangers')
      ? [
          'Repositories that the instance does not know are not looked for: its roles may not list them. See --strangers.',
        ]
      : [];
  say({}, [
    `Checked ${counted(checked, 'image')}, present and removed: ${found === 0 ? 'all as they should be' : counted(found, 'finding')}.`,
    ...hidden,
    ...next,
  ]);
  return found === 0 ? 0 : 1;
}

async function tellStrangers(
  { kind, host, region, prefix }: Answer['registry'],
  known: ReadonlySet<string>,
  say: (data: object, lines: readonly string[]) => void,
): Promise<number> {
  if (kind !== 'ecr' || host === null) {
    say({ type: 'note', message: 'not ECR' }, ['Strangers are looked for in Amazon ECR only.']);
    return 0;
  }
  const strangers = await strangersIn({ host, region: region ?? undefined, prefix }, known);
  for (const path of strangers)
    say({ type: 'stranger', path }, [`${path} is not of this instance: nothing is done to it`]);
  return strangers.length;
}
