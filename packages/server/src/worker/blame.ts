/** Whose a fault is: the spec's, which will fail again however often it is tried, or the machinery's, which may recover. */
export type Blame = 'spec' | 'machinery';

/** Faults of the machinery: what is out of reach, damaged or full. Everything else comes from what was asked for. */
const machinery = [
  'archive/',
  'http/',
  'registry/',
  'ecr/',
  'push/',
  'blob/',
  'credentials/',
  'upload/',
  'repository/damaged',
  'layer/lost',
  'layer/damaged',
  'home/',
  'interpreter/',
  'uv/',
  'pool/',
  'bytecode/',
  'database/',
  'job/machinery',
  'resolution/unauthorized',
  'resolution/unreachable',
  'resolution/not-an-index',
  'resolution/timeout',
  'resolution/failed',
  'server/',
] as const;

/** Whose a fault is, by its code. */
export function blameOf(code: string): Blame {
  return machinery.some((known) => code.startsWith(known)) ? 'machinery' : 'spec';
}
