import { posix } from 'node:path';
import { sandboxFault } from '../fault.ts';
import type { SandboxOrder } from '../sandbox.ts';

/** A folder that may be written to, whatever the identity. */
export const workFolder = '/work';

const longestArgumentBytes = 128 * 1024;
const argumentsLimitBytes = 1024 * 1024;
/** Of each part of a path; file systems hold no longer one. */
const longestNameBytes = 255;
/** The kernel takes 4096 at once, of which the state's own folder needs some. */
const longestPathBytes = 3000;
/** What the kernel keeps for itself. */
const systemFolders = ['proc', 'dev', 'sys'];

/** Refuses an order that cannot be carried out as it is written. @throws Fault `sandbox/command` */
export function checkOrder(order: SandboxOrder): void {
  const { command, environment = {}, files = [], limits, results } = order;
  if (command.length === 0 || command[0] === '')
    throw refuse('There is no command to run', 'command', 'Name a program.');
  for (const word of command) requireText(word, 'command');
  const variables = Object.entries(environment);
  for (const [name, value] of variables) {
    requireText(value, name);
    if (!/^[^=\0]+$/.test(name)) throw refuse(`"${name}" is no name of a variable`, name, 'Use letters, digits and _.');
  }
  const total = [...command, ...variables.flat()].reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);
  if (total > argumentsLimitBytes)
    throw refuse('The command and its variables are too long', 'command', 'Pass long texts as files.');
  if (order.workingFolder !== undefined) requirePath(order.workingFolder);
  for (const { path } of files) requireFilePath(path);
  const paths = files.map(({ path }) => posix.normalize(path));
  const twice = paths.find((path, at) => paths.indexOf(path) !== at);
  if (twice !== undefined) throw refuse(`The file ${twice} is given twice`, twice, 'Leave one of the two out.');
  if (results !== undefined) {
    requirePath(results.folder);
    if (isOfTheSystem(results.folder))
      throw refuse(`${results.folder} cannot hold results`, results.folder, 'Choose a folder such as /results.');
    requireNumbers({ fileLimit: results.fileLimit, limitBytes: results.limitBytes });
  }
  requireNumbers(limits);
}

/** Whether a path is the kernel's, or nobody's to replace. */
export function isOfTheSystem(path: string): boolean {
  return systemFolders.includes(path.split('/').find((part) => part !== '') ?? '');
}

function requireFilePath(path: string): void {
  requirePath(path);
  if (posix.normalize(path).endsWith('/') || isOfTheSystem(path))
    throw refuse(`No file can be put at ${path}`, path, `Choose a path below ${workFolder}.`);
}

function requirePath(path: string): void {
  requireText(path, path);
  if (!path.startsWith('/') || path.split('/').includes('..'))
    throw refuse(`"${path}" is no absolute path without ".."`, path, `Write it as ${workFolder}/NAME.`);
  const longest = Math.max(...path.split('/').map((name) => Buffer.byteLength(name)));
  if (longest > longestNameBytes)
    throw refuse(
      `A name in the path ${shortened(path)} has ${longest} bytes, and ${longestNameBytes} are the most`,
      path,
      'Give it a shorter name.',
    );
  const pathBytes = Buffer.byteLength(path);
  if (pathBytes > longestPathBytes)
    throw refuse(
      `The path ${shortened(path)} has ${pathBytes} bytes, and ${longestPathBytes} are the most`,
      path,
      'Use fewer folders, or shorter names.',
    );
}

function shortened(path: string): string {
  return path.length > 300 ? `${path.slice(0, 300)}…` : path;
}

function requireText(text: string, subject: string): void {
  if (text.includes('\0') || !text.isWellFormed())
    throw refuse(`"${text.slice(0, 100)}" holds a character that no program can be given`, subject, 'Leave it out.');
  if (Buffer.byteLength(text) >= longestArgumentBytes)
    throw refuse(`A text of ${text.length} characters is too long`, subject, 'Pass long texts as files.');
}

function requireNumbers(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (!Number.isFinite(value) || value <= 0)
      throw refuse(`The limit ${name} is ${value}`, name, 'Give every limit a number above zero.');
  }
}

function refuse(what: string, subject: string, hint: string) {
  return sandboxFault('sandbox/command', { what, subject: subject.slice(0, 300), hint });
}
