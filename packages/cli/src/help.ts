import { commands } from './commands/commands.ts';
import { table } from './table.ts';

/** What `mir` alone prints. */
export function overview(): string {
  return [
    'mir builds container images with exactly the Python packages you ask for, in seconds, without Docker or root.',
    '',
    'Usage: mir COMMAND [OPTIONS]',
    '',
    table(commands.map((one) => [`  ${one.words.join(' ')}`, one.summary])),
    '',
    'Start with:   mir quickstart',
    'Each command: mir COMMAND --help',
    '',
    'State lives under MIR_HOME (default: managed-image-registry in your data folder).',
  ].join('\n');
}
