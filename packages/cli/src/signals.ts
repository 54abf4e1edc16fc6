/** Settles when the process is asked to end: Ctrl-C, a request to terminate, or the end of the process that started it. */
export function untilAsked(): Promise<void> {
  return new Promise((resolve) => {
    // Waiting alone keeps no process alive.
    const awake = setInterval(() => undefined, 60_000);
    const end = () => {
      clearInterval(awake);
      for (const event of ['SIGINT', 'SIGTERM', 'disconnect']) process.off(event, end);
      // The connection to whoever started it would keep it alive as well.
      process.channel?.unref();
      resolve();
    };
    process.once('SIGINT', end);
    process.once('SIGTERM', end);
    if (process.connected) process.once('disconnect', end);
  });
}
