/** A script or subshell ends. */
export class Exit extends Error {
  readonly status: number;
  constructor(status: number) {
    super();
    this.status = status;
  }
}

/** A function ends; outside of one, what `return` ends is the script. */
export class Return extends Exit {}

/** A loop is left, or goes on with its next round. */
export class LoopControl extends Error {
  readonly isBreak: boolean;
  /** How many loops it concerns, from the innermost. */
  readonly levels: number;
  constructor(isBreak: boolean, levels: number) {
    super();
    this.isBreak = isBreak;
    this.levels = levels;
  }
}
