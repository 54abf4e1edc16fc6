import type { HttpResponse } from '@mir/http';

/** How long a registry wants to be left alone, in either form of Retry-After (RFC 9110, 10.2.3); undefined where it does not say. */
export function retryAfterSeconds(response: HttpResponse): number | undefined {
  const asked = response.header('retry-after') ?? '';
  const seconds = /^[0-9]+$/.test(asked) ? Number(asked) : (Date.parse(asked) - Date.now()) / 1000;
  return seconds > 0 ? seconds : undefined;
}
