import { Fault, isFault } from '@mir/core';
import type { BuildersAccess } from '../registry/image-registry.ts';
import type { RegistryAnswer, RegistryQuestion } from './registry-questions.ts';

/**
 * What a worker answers its build process about registries.
 *
 * @param signal when the process has gone: what it waited for is left to the others
 */
export async function registryAnswer(
  { credentials, paceOf }: BuildersAccess,
  question: RegistryQuestion,
  isUrgent: boolean,
  signal: AbortSignal,
): Promise<RegistryAnswer> {
  try {
    switch (question.ask) {
      case 'credentials':
        return { credentials: await credentials.credentials(question.registry) };
      case 'renewal':
        return { isRenewed: (await credentials.refused?.(question.registry)) ?? false };
      case 'turn':
        await paceOf(isUrgent)?.turn(question.action, signal);
        return {};
      case 'throttled':
        await paceOf(isUrgent)?.throttled(question.action, question.seconds);
        return {};
    }
  } catch (thrown) {
    const fault = isFault(thrown)
      ? thrown
      : new Fault('registry/refused', {
          what: `The registry's credentials cannot be had: ${thrown instanceof Error ? thrown.message : thrown}`,
          hint: 'It is tried again; if it stays, report it with the log of the worker.',
        });
    return { fault: fault.toJSON() };
  }
}
