/** Settles when the process is asked to end: Ctrl-C, a request to terminate, or the end of the process that started it. */
export function untilAsked(): Promise<void> {
  return new Promise((resolve) => {
    // Waiting alone keeps no process alive.
    const awake = setInterval(() => undefined, 60_000);
    const end = () => {
      clearInterval(awake);
      resolve();
    };
    process.once('SIGINT', end);
    process.once('SIGTERM', end);
    if (process.connected) process.once('disconnect', end);
  });
}
