import { isFault } from '@mir/core';
import type { Workshop } from '../workshop.ts';

/** A disk that damages more than this within one build is to be looked at by a person. */
const attempts = 10;

/**
 * Does work that reads what is kept; where that turns out to be damaged, or a layer pool does not keep its word, does it again without
 * it, so that it is made or fetched anew. What happened is told in the end.
 *
 * @throws whatever the work throws; `blob/damaged`, `layer/lost` or `manifest/missing-content` only when it does not end
 */
export async function mended<Result>(workshop: Workshop, work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (thrown) {
      // What was found out before may rest on what is gone.
      workshop.earlyWheels.clear();
      // The pool says itself what was wrong with it, and is not asked again.
      if (attempt >= attempts || !isFault(thrown, 'blob/damaged', 'layer/lost', 'manifest/missing-content'))
        throw thrown;
      // Who found a layer damaged, perhaps while it was shared, has set it aside, and tells of it.
      if (thrown.code !== 'blob/damaged') continue;
      workshop.problems.push({
        severity: 'warning',
        code: 'damaged',
        message: `${thrown.message}. It was set aside and made anew`,
        fix: 'Look at the disk; mir registry verify finds out whether there is more.',
      });
    }
  }
}
