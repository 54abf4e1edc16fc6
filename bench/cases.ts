import type { Contestant, Job } from './contestants/contestant.ts';
import { type Measured, measure } from './measurement.ts';
import { type PackageSet, replaced } from './sets/sets.ts';

/** What is timed; each with and without bytecode where a contestant of either kind takes part. */
export type CaseName = 'cold' | 'light' | 'heavy' | 'noop' | 'base';

export const caseTitles: Readonly<Record<CaseName, string>> = {
  cold: 'cold: nothing but the base is known',
  light: 'one light package more',
  heavy: 'one heavy package in another version',
  noop: 'nothing changed',
  base: 'a new base',
};

/** Runs cases for contestants, and makes sure before each that it stands where the case begins. */
export class Arena {
  readonly #lightPackages: readonly string[];
  /** For each contestant and set: of which generation of its caches the plain image was built last. */
  readonly #built = new Map<string, string>();
  /** How often a contestant was given something new: each thing comes only once, or its layers would be known. */
  readonly #turns = new Map<string, number>();

  constructor(lightPackages: readonly string[]) {
    this.#lightPackages = lightPackages;
  }

  /** One timed run of a case. What comes before it is not timed. */
  async run(contestant: Contestant, set: PackageSet, what: CaseName): Promise<Measured> {
    const plain: Job = { name: set.name.toLowerCase(), requirements: set.requirements, added: [], base: 1 };
    switch (what) {
      case 'cold': {
        await contestant.forget();
        const measured = await measure(() => contestant.build(plain));
        this.#remember(contestant, set);
        return measured;
      }
      case 'light': {
        await this.#stand(contestant, plain, set);
        const added = [this.#nextLight(contestant)];
        return this.#altered(contestant, set, { ...plain, requirements: [...plain.requirements, ...added], added });
      }
      case 'heavy': {
        await this.#stand(contestant, plain, set);
        return this.#altered(contestant, set, {
          ...plain,
          requirements: replaced(set, this.#turn(contestant, set.name)),
        });
      }
      case 'noop':
        await this.#stand(contestant, plain, set);
        return measure(() => contestant.build(plain));
      case 'base':
        await contestant.forgetImages();
        await contestant.build(plain);
        return this.#altered(contestant, set, plain, () => contestant.moveToSecondBase(plain));
    }
  }

  /** The plain image is built and pushed, and the last thing that was. */
  async #stand(contestant: Contestant, plain: Job, set: PackageSet): Promise<void> {
    if (this.#built.get(contestant.name) === standing(contestant, set)) return;
    await contestant.build(plain);
    this.#remember(contestant, set);
  }

  async #altered(
    contestant: Contestant,
    set: PackageSet,
    job: Job,
    work = () => contestant.build(job),
  ): Promise<Measured> {
    const measured = await measure(work);
    this.#built.delete(contestant.name);
    await contestant.build({ ...job, requirements: set.requirements, added: [], base: 1 });
    this.#remember(contestant, set);
    return measured;
  }

  #remember(contestant: Contestant, set: PackageSet): void {
    this.#built.set(contestant.name, standing(contestant, set));
  }

  #turn(contestant: Contestant, what: string): number {
    const key = `${contestant.name} ${what}`;
    const turn = this.#turns.get(key) ?? 0;
    this.#turns.set(key, turn + 1);
    return turn;
  }

  #nextLight(contestant: Contestant): string {
    const light = this.#lightPackages[this.#turn(contestant, 'light')];
    if (light === undefined) throw new Error('All light packages were added: ask for fewer runs.');
    return light;
  }
}

function standing(contestant: Contestant, set: PackageSet): string {
  return `${set.name} ${contestant.generation()}`;
}
