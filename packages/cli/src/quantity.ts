const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Bytes as people read them, in powers of ten: `71.2 MB`. */
export function bytes(count: number): string {
  let value = count;
  let at = 0;
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  const digits = at === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[at] ?? ''}`;
}

/** Seconds as people read them: `0.04 s`, `3.3 s`, `2 min 5 s`. */
export function seconds(count: number): string {
  if (count < 0.995) return `${count.toFixed(2)} s`;
  if (count < 59.95) return `${count.toFixed(1)} s`;
  const whole = Math.round(count);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** `1 layer`, `2 layers`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
