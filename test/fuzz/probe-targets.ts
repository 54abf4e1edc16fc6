import { causeOf } from '../../packages/builder/src/probe/causes.ts';
import { environmentOf } from '../../packages/builder/src/probe/dependencies.ts';
import { readEnds } from '../../packages/builder/src/probe/import-end.ts';
import { readInventory } from '../../packages/builder/src/probe/inventory.ts';
import { defaultProbeLimits } from '../../packages/builder/src/probe/probe-report.ts';
import { planWork } from '../../packages/builder/src/probe/tasks.ts';
import type { FuzzTarget } from './target.ts';

const words = [
  '{"kind": "distribution"',
  '"requires": [',
  '"scripts": [{',
  '"token": "t"',
  '"answer": "',
  '\n',
  'a; extra == \\"x\\"',
  'a[x]',
];
const aboutLibrary = async (soname: string) => ({ what: soname, fix: soname });

/** What a program says that runs where foreign code does. */
export const probeTargets: readonly FuzzTarget[] = [
  {
    name: 'probe-inventory',
    parse: (input) => {
      const inventory = readInventory(input.toString().split('\n'));
      planWork(inventory, { skipModules: ['a'] }, environmentOf('3.11.2', 'linux/amd64'));
    },
    words,
  },
  {
    name: 'probe-ends',
    parse: async (input) => {
      const lines = input.toString().split('\n');
      const { distributions } = readInventory(lines);
      const around = { installed: distributions, pythonVersion: '3.11.2', limits: defaultProbeLimits, aboutLibrary };
      for (const distribution of distributions.values())
        for (const end of readEnds(lines, Array(9).fill('t')).whole)
          await causeOf({ subject: 'x', module: 'x', distribution, end, error: end.error }, around);
    },
    words: [...words, "No module named 'x'", ': cannot open shared object file', 'numpy.dtype size changed', '.so'],
  },
];
