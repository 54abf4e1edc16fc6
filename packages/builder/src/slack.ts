/**
 * Gives memory back to the system after work that has left much of it behind: V8 keeps freed pages for coming work, and a thread
 * that only waits does not collect by itself. Takes some tens of milliseconds; does nothing where the launcher does not allow it
 * (--expose-gc).
 */
export function giveBackMemory(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
