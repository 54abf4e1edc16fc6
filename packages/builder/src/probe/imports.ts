import { randomBytes } from 'node:crypto';
import { endOfSandbox, type ImportEnd, readEnds } from './import-end.ts';
import { type ProgramRoom, runProgram } from './program.ts';

/** Something that an interpreter of its own does: import a module, then load what scripts would call. */
export type ImportTask = {
  readonly module: string | undefined;
  /** `package.module:function`. */
  readonly scripts: readonly string[];
  readonly weightBytes: number;
};

const lanes = 2;
/** Beyond this no probe is of use any more. */
const mostRestarts = 50;
/**
 * Does tasks, two at a time, each of the two in a sandbox of its own: what goes wrong in one cannot be blamed on the other. Where one
 * takes its sandbox with it, the others go on in a new one. Tasks that are not in the answer were not reached in time.
 */
export async function runImports(
  room: ProgramRoom,
  tasks: readonly ImportTask[],
): Promise<ReadonlyMap<ImportTask, ImportEnd>> {
  const ends = new Map<ImportTask, ImportEnd>();
  const runs = shared(tasks).map((share) => runLane(room, share, ends));
  // None may go on behind the fault of another.
  await Promise.allSettled(runs);
  await Promise.all(runs);
  return ends;
}

/** The heavy ones first, each to where there is less to do. */
function shared(tasks: readonly ImportTask[]): readonly (readonly ImportTask[])[] {
  const shares = Array.from({ length: Math.min(lanes, tasks.length) }, () => ({
    tasks: [] as ImportTask[],
    weightBytes: 0,
  }));
  for (const task of [...tasks].sort((a, b) => b.weightBytes - a.weightBytes)) {
    const [lightest] = [...shares].sort((a, b) => a.weightBytes - b.weightBytes || a.tasks.length - b.tasks.length);
    lightest?.tasks.push(task);
    if (lightest !== undefined) lightest.weightBytes += task.weightBytes + 1;
  }
  return shares.map((share) => share.tasks);
}

async function runLane(
  room: ProgramRoom,
  tasks: readonly ImportTask[],
  ends: Map<ImportTask, ImportEnd>,
): Promise<void> {
  let left = tasks;
  for (let starts = 0; left.length > 0 && starts < mostRestarts && room.secondsLeft() > 0; starts += 1) {
    const { limits } = room;
    const tokens = Array.from({ length: 2 * left.length + 1 }, () => randomBytes(16).toString('hex'));
    const { lines, tail, end } = await runProgram(room, 'imports', {
      tokens,
      tasks: left.map(({ module, scripts }) => ({ module: module ?? null, scripts })),
      limits: {
        seconds: limits.importSeconds,
        memory: limits.memoryBytes,
        output: limits.outputBytes,
        processes: limits.processes,
      },
      scratch: ['/tmp', '/work'],
    });
    const { whole, underWay } = readEnds(lines, tokens);
    const done = whole.slice(0, left.length);
    for (const [at, one] of done.entries()) {
      const task = left[at];
      if (task !== undefined) ends.set(task, one);
    }
    const broken = left[done.length];
    const isOver = broken === undefined || (!underWay && done.length > 0);
    // It took the program with it, or kept it from starting at all.
    if (!isOver) ends.set(broken, endOfSandbox(end, tail));
    left = left.slice(done.length + (isOver ? 0 : 1));
  }
}
