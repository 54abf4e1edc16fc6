/** The stages of a build, in the order in which a person thinks of them. Later ones may start before earlier ones end. */
export type Stage =
  | 'base'
  | 'resolve'
  | 'sdists'
  | 'os-packages'
  | 'wheels'
  | 'bytecode'
  | 'assemble'
  | 'probe'
  | 'push';

/** Something that happened on the way, for whoever watches. */
export type ProgressEvent =
  | { readonly type: 'stage'; readonly stage: Stage; readonly state: 'started' | 'finished'; readonly seconds?: number }
  /** More work became known: so many bytes are to be fetched in all. */
  | { readonly type: 'expect'; readonly bytes: number }
  | { readonly type: 'received'; readonly bytes: number; readonly name: string }
  | { readonly type: 'pushed'; readonly bytes: number };

/** Takes what happens; must not throw. */
export type ProgressListener = (event: ProgressEvent) => void;
