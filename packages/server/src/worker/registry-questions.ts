import type { RegistryAccess } from '@mir/builder';
import { Fault, type FaultData } from '@mir/core';
import type { Credentials, RegistryAction, RequestPace } from '@mir/oci';
import { explainEcr } from '../registry/ecr/ecr-fault.ts';
import { isCounted } from '../registry/ecr/rates.ts';
import type { RegistryNotes } from '../registry/image-registry.ts';
import type { ProcessMessage } from './build-message.ts';

/** What a build process asks its worker about registries: it has no credentials of its own, and knows of no other process. */
export type RegistryQuestion =
  | { readonly ask: 'credentials'; readonly registry: string }
  | { readonly ask: 'renewal'; readonly registry: string }
  | { readonly ask: 'turn'; readonly action: RegistryAction }
  | { readonly ask: 'throttled'; readonly action: RegistryAction; readonly seconds: number | undefined };

/** What the worker answers. */
export type RegistryAnswer =
  | { readonly credentials: Credentials | undefined }
  | { readonly isRenewed: boolean }
  | { readonly fault: FaultData }
  | Readonly<Record<never, never>>;

/** The registries of a build process, as its worker lets it have them. */
export class RegistryQuestions {
  readonly access: RegistryAccess;
  readonly #say: (message: ProcessMessage) => void;
  readonly #open = new Map<number, (answer: RegistryAnswer) => void>();
  #notes: RegistryNotes | undefined;
  #nextId = 1;

  constructor(say: (message: ProcessMessage) => void) {
    this.#say = say;
    const pace: RequestPace = {
      counts: isCounted,
      turn: async (action) => void (await this.#ask({ ask: 'turn', action })),
      throttled: async (action, seconds) => void (await this.#ask({ ask: 'throttled', action, seconds })),
    };
    this.access = {
      credentials: {
        credentials: async (registry) => {
          const answer = await this.#ask({ ask: 'credentials', registry });
          return 'credentials' in answer ? answer.credentials : undefined;
        },
        refused: async (registry) => {
          const answer = await this.#ask({ ask: 'renewal', registry });
          return 'isRenewed' in answer && answer.isRenewed;
        },
      },
      mannersOf: (registry) => {
        const notes = this.#notes;
        if (notes?.registry !== registry) return undefined;
        return {
          readsBack: true,
          ...(notes.insecureHttp !== undefined && { insecureHttp: notes.insecureHttp }),
          ...(notes.caCertificates.length > 0 && { caCertificates: notes.caCertificates }),
          ...(notes.isEcr && { takesStreams: false, pace, explain: explainEcr('builders') }),
        };
      },
    };
  }

  /** What is special about the instance's own registry. */
  note(notes: RegistryNotes | undefined): void {
    this.#notes = notes;
  }

  /** Takes the worker's answer. */
  answer(id: number, answer: RegistryAnswer): void {
    this.#open.get(id)?.(answer);
    this.#open.delete(id);
  }

  async #ask(question: RegistryQuestion): Promise<RegistryAnswer> {
    const id = this.#nextId;
    this.#nextId += 1;
    const answer = await new Promise<RegistryAnswer>((resolve) => {
      this.#open.set(id, resolve);
      this.#say({ type: 'registry-question', id, question });
    });
    if ('fault' in answer) throw Fault.from(answer.fault);
    return answer;
  }
}
