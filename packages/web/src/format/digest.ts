/** A text in which the first signs stand for each digest: `sha256:f23748c84f07…`. */
export function withShortDigests(text: string): string {
  return text.replaceAll(/\b(sha256:[0-9a-f]{12})[0-9a-f]{52}\b/g, '$1…');
}
