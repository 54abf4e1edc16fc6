import { checkInstance, type Finding, type RunningServer, readSettings, startServer } from '@mir/server';
import { refusePositionals } from '../options.ts';
import { untilAsked } from '../signals.ts';
import { table } from '../table.ts';
import type { Command, Invocation } from './commands.ts';

export const server: Command = {
  options: {
    listen: { type: 'string' },
    config: { type: 'string' },
    check: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  run,
  help: `
Serves an instance: its HTTP API, and, with no settings at all, an embedded PostgreSQL, the embedded
registry and one worker, with everything it keeps below MIR_HOME.

Usage: mir server [OPTIONS]

      --listen ADDRESS:PORT   Where it listens (default: 127.0.0.1:8480)
      --config FILE           Settings, as docs/settings.md describes them (MIR_CONFIG)
      --check                 Say what it would do and reach, and exit: 0 when nothing stands in its way
      --json                  Say where it listens as one JSON object

The first start makes the account "admin" and the workspace "default". It prints a link that opens the
page for admin's password; for scripts, MIR_ADMIN_PASSWORD sets it instead. Logs go to standard output,
a JSON object a line; what people read goes to standard error.

Examples:
  mir server
  MIR_ADMIN_PASSWORD=… mir server --listen 0.0.0.0:8480
  DATABASE_URL=postgresql://… MIR_WORKERS=0 mir server --config /etc/mir.toml`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  refusePositionals('server', positionals);
  const listen = values.text('listen');
  const file = values.text('config');
  const settings = readSettings(environment, {
    ...(listen !== undefined && { listen }),
    ...(file !== undefined && { file }),
  });
  // Workers that it starts read the same file.
  const environmentOfAll = { ...environment, ...(file !== undefined && { MIR_CONFIG: file }) };
  if (values.has('check'))
    return check(await checkInstance({ settings, environment: environmentOfAll }), values.has('json'));
  await using running = await startServer({ settings, environment: environmentOfAll });
  report(running, values.has('json'));
  await untilAsked();
  return 0;
}

function check(findings: readonly Finding[], wantsJson: boolean): number {
  process.stdout.write(
    wantsJson
      ? `${JSON.stringify({ type: 'check', findings })}\n`
      : `${table(findings.map(({ subject, isGood, message }) => [isGood ? '  ok' : '  BAD', subject, message]))}\n`,
  );
  const isGood = findings.every((one) => one.isGood);
  if (!wantsJson)
    process.stdout.write(isGood ? 'Next: the same without --check.\n' : 'Next: mend what is BAD, and check again.\n');
  return isGood ? 0 : 1;
}

function report({ url, setUpUrl }: RunningServer, wantsJson: boolean): void {
  if (wantsJson) {
    process.stderr.write(`${JSON.stringify({ type: 'server', url, ...(setUpUrl !== undefined && { setUpUrl }) })}\n`);
    return;
  }
  const lines = [`The instance is at ${url}`];
  if (setUpUrl !== undefined) lines.push(`Next: open ${setUpUrl} within an hour to choose the password of admin.`);
  else
    lines.push(
      `Next: sign in at ${url}, or: MIR_URL=${url} mir admin token create --user admin --password-env VARIABLE`,
    );
  process.stderr.write(`${lines.join('\n')}\n`);
}
