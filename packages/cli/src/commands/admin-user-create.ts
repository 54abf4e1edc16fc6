import { Api, apiAddress } from '../api.ts';
import { usageFault } from '../fault-message.ts';
import { refusePositionals } from '../options.ts';
import type { Command, Invocation } from './commands.ts';

export const adminUserCreate: Command = {
  options: {
    name: { type: 'string' },
    role: { type: 'string' },
    'password-env': { type: 'string' },
    quiet: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  run,
  help: `
Makes an account. Without a password it works by API tokens alone.

Usage: mir admin user create --name NAME [OPTIONS]

      --name NAME           Lower-case letters, digits and . _ @ + -
      --role ROLE           admin, support or member (default: member)
      --password-env VAR    The variable that holds its password
      --quiet               Print the name only
      --json                Print one JSON object

MIR_URL is the address of the instance (default: http://127.0.0.1:8480), MIR_API_KEY who asks.

Examples:
  mir admin user create --name jane --role member
  mir admin token create --user jane`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  refusePositionals('admin user create', positionals);
  const name = values.text('name');
  if (name === undefined) throw usageFault('The account has no name', 'Name it with --name NAME.');
  const variable = values.text('password-env');
  const password = variable === undefined ? undefined : environment[variable];
  if (variable !== undefined && (password === undefined || password === '')) {
    throw usageFault(`The variable ${variable} holds no password`, 'Set it, or name another one with --password-env.');
  }
  const { user } = (await new Api(apiAddress(environment)).request('POST', '/v1/users', {
    name,
    role: values.text('role') ?? 'member',
    ...(password !== undefined && { password }),
  })) as { readonly user: { readonly name: string; readonly role: string } };
  if (values.has('quiet')) process.stdout.write(`${user.name}\n`);
  else if (values.has('json')) process.stdout.write(`${JSON.stringify({ type: 'user', ...user })}\n`);
  else process.stdout.write(`Account ${user.name} (${user.role}).\nNext: mir admin token create --user ${user.name}\n`);
  return 0;
}
