const minute = 60;
const hour = 3600;
const day = 86_400;

/** How far a time lies from now, in words: `just now`, `5 minutes ago`, `in 2 hours`. */
export function relativeTime(time: Date, now: Date): string {
  const seconds = Math.round((now.getTime() - time.getTime()) / 1000);
  const far = Math.abs(seconds);
  if (far < 10) return 'just now';
  const text =
    far < minute
      ? plural(far, 'second')
      : far < hour
        ? plural(Math.round(far / minute), 'minute')
        : far < day
          ? plural(Math.round(far / hour), 'hour')
          : far < 60 * day
            ? plural(Math.round(far / day), 'day')
            : far < 730 * day
              ? plural(Math.round(far / (30.44 * day)), 'month')
              : plural(Math.round(far / (365.25 * day)), 'year');
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

/** The exact time, in the zone of whoever looks. */
export function exactTime(time: Date): string {
  return time.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
}

/** How long something took or will take: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 4 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(seconds < 0.0995 && seconds > 0 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  if (whole < minute) return `${whole} s`;
  if (whole < hour) return `${Math.floor(whole / minute)} min ${whole % minute} s`;
  return `${Math.floor(whole / hour)} h ${Math.floor((whole % hour) / minute)} min`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
