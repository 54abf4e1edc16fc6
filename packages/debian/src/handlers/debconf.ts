import { parseControl } from '../control/control.ts';
import type { ShellCommand } from '../shell/shell.ts';

/** The answers of debconf(7) when nobody is asked: a template's default, or what a script itself has set. */
export function debconfCommands(templates: string): Readonly<Record<string, ShellCommand>> {
  const values = new Map<string, string>();
  for (const paragraph of templates === '' ? [] : parseControl(templates)) {
    const name = paragraph.get('Template');
    if (name !== undefined)
      values.set(name, paragraph.get('Default') ?? (paragraph.get('Type') === 'boolean' ? 'false' : ''));
  }
  const quiet = Object.fromEntries(
    [
      'version',
      'capb',
      'title',
      'settitle',
      'input',
      'go',
      'stop',
      'fset',
      'reset',
      'purge',
      'unregister',
      'register',
      'subst',
      'beginblock',
      'endblock',
      'info',
      'progress',
      'x_loadtemplatefile',
    ].map((verb): [string, ShellCommand] => [
      `db_${verb}`,
      (_args, shell) => {
        shell.variables.set('RET', verb === 'input' ? 'question skipped' : '');
        return verb === 'input' ? 30 : 0;
      },
    ]),
  );
  return {
    ...quiet,
    db_get: ([name = ''], shell) => {
      shell.variables.set('RET', values.get(name) ?? '');
      return values.has(name) ? 0 : 10;
    },
    db_set: ([name = '', value = ''], shell) => {
      values.set(name, value);
      shell.variables.set('RET', 'value set');
      return 0;
    },
    db_fget: (_args, shell) => {
      shell.variables.set('RET', 'false');
      return 0;
    },
    db_metaget: (_args, shell) => {
      shell.variables.set('RET', '');
      return 0;
    },
  };
}
