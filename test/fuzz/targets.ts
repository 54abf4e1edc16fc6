import { debianTargets } from './debian-targets.ts';
import { imageTargets } from './image-targets.ts';
import { probeTargets } from './probe-targets.ts';
import { pythonTargets } from './python-targets.ts';
import type { FuzzTarget } from './target.ts';

/** Every parser that reads what others have written. */
export const targets: readonly FuzzTarget[] = [...pythonTargets, ...debianTargets, ...imageTargets, ...probeTargets];
