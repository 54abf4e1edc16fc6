import { kindOf } from './campaign.ts';
import type { FuzzTarget } from './target.ts';
import { complaintAbout } from './trial.ts';

const mostAttempts = 400;

/** A shorter input that is taken badly in the same way. What hangs or dies is left as it is: trying would do so too. */
export async function shortened(target: FuzzTarget, input: Buffer, complaint: string): Promise<Buffer> {
  if (!complaint.includes('\n    at ') || complaint.includes('ERR_WORKER')) return input;
  let shortest = input;
  let attempts = 0;
  for (let piece = Math.ceil(input.length / 2); piece >= 1; piece = Math.floor(piece / 2)) {
    for (let at = 0; at < shortest.length && attempts < mostAttempts; attempts++) {
      const shorter = Buffer.concat([shortest.subarray(0, at), shortest.subarray(at + piece)]);
      const again = await complaintAbout(target, shorter);
      if (again !== undefined && kindOf(again) === kindOf(complaint)) shortest = shorter;
      else at += piece;
    }
  }
  return shortest;
}
