/** Up to five names that a mistyped one may have meant, the likeliest first. */
export function nearestNames(wrong: string, names: readonly string[]): readonly string[] {
  const scored: { readonly name: string; readonly distance: number }[] = [];
  for (const name of names) {
    if (Math.abs(name.length - wrong.length) > 8) continue;
    const related =
      wrong.length >= 4 &&
      (name.startsWith(wrong) || wrong.startsWith(name) || withoutDigits(name) === withoutDigits(wrong));
    const limit = Math.max(1, Math.floor(wrong.length / 4));
    const distance = editDistance(wrong, name, limit);
    if (distance <= limit) scored.push({ name, distance });
    else if (related) scored.push({ name, distance: limit + 1 + Math.abs(name.length - wrong.length) });
  }
  scored.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return scored.slice(0, 5).map((one) => one.name);
}

function withoutDigits(name: string): string {
  return name.replace(/[0-9.]+/g, '');
}

/** The Levenshtein distance, or more than the limit as soon as that is certain. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let row = Array.from({ length: b.length + 1 }, (_, position) => position);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    let least = i;
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const value = Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
      next.push(value);
      least = Math.min(least, value);
    }
    if (least > limit) return limit + 1;
    row = next;
  }
  return row[b.length] ?? limit + 1;
}
