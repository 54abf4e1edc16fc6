const pattern = /^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$/;

/** The longest name an image may have: with a prefix before it, it must still fit into what registries take (255). */
export const imageNameLimit = 128;

/** Whether a text can name a managed image: lower-case words joined by single `-` or `_`, a letter first. */
export function isImageName(text: string): boolean {
  return text.length <= imageNameLimit && pattern.test(text);
}
