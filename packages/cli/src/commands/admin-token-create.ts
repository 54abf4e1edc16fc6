import { Api, apiAddress } from '../api.ts';
import { usageFault } from '../fault-message.ts';
import { refusePositionals } from '../options.ts';
import type { Command, Invocation } from './commands.ts';

export const adminTokenCreate: Command = {
  options: {
    user: { type: 'string' },
    name: { type: 'string' },
    workspace: { type: 'string' },
    days: { type: 'string' },
    'password-env': { type: 'string' },
    quiet: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  run,
  help: `
Makes an API token of an account. It is shown once.

Usage: mir admin token create --user NAME [OPTIONS]

      --user NAME           Whose token: one's own, or, for administrators, anybody's
      --name TEXT           What it is for (default: mir)
      --workspace NAME      The workspace that it acts in (default: default)
      --days N              How long it works (default and at most: 270)
      --password-env VAR    Sign in as NAME with the password in this variable, instead of MIR_API_KEY
      --quiet               Print the token only
      --json                Print one JSON object

MIR_URL is the address of the instance (default: http://127.0.0.1:8480), MIR_API_KEY who asks.

Examples:
  MIR_ADMIN_PASSWORD=… mir admin token create --user admin --password-env MIR_ADMIN_PASSWORD --quiet
  mir admin token create --user jane --name notebooks`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  refusePositionals('admin token create', positionals);
  const user = values.text('user');
  if (user === undefined) throw usageFault('Nobody is named', 'Say whose token it is: --user NAME.');
  const days = values.text('days');
  if (days !== undefined && !/^\d{1,3}$/.test(days))
    throw usageFault(`"${days}" is no number of days`, 'Write --days 30.');
  const api = new Api(apiAddress(environment));
  const variable = values.text('password-env');
  if (variable !== undefined) await api.signIn(user, passwordIn(environment, variable));
  const workspace = values.text('workspace');
  const { token, secret } = (await api.request('POST', '/v1/api-tokens', {
    user,
    name: values.text('name') ?? 'mir',
    ...(workspace !== undefined && { workspace }),
    ...(days !== undefined && { expiresInDays: Number(days) }),
  })) as { readonly token: { readonly expiresAt: string; readonly workspace: string }; readonly secret: string };
  if (values.has('quiet')) process.stdout.write(`${secret}\n`);
  else if (values.has('json')) process.stdout.write(`${JSON.stringify({ type: 'token', ...token, secret })}\n`);
  else {
    process.stdout.write(
      [
        `Token of ${user} in ${token.workspace}, until ${token.expiresAt.slice(0, 10)}; it is shown this once:`,
        secret,
        `Next: export MIR_API_KEY=${secret.slice(0, 8)}…`,
        '',
      ].join('\n'),
    );
  }
  return 0;
}

function passwordIn(environment: NodeJS.ProcessEnv, variable: string): string {
  const password = environment[variable];
  if (password !== undefined && password !== '') return password;
  throw usageFault(`The variable ${variable} holds no password`, `Set it, or name another one with --password-env.`);
}
