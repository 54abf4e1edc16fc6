import { ApiFault, lostConnection, outdated } from '../api/fault.ts';
import { tellConnection } from '../connection/connection.ts';

/** When this tab was last reloaded for a newer application. */
const place = 'mir-reloaded';
/** While servers of two releases answer by turns, one reload in such a time has to do. */
const againMilliseconds = 60_000;

/**
 * Loads a part of the application that was left out of its first scripts.
 *
 * @throws ApiFault `application/outdated` when the server has another application by now, whose parts have other names;
 *   `connection/lost`, `application/incomplete`
 */
export async function loadPart<Part>(load: () => Promise<Part>): Promise<Part> {
  try {
    return await load();
  } catch (thrown) {
    throw await faultOfPart(thrown);
  }
}

/** Reloads the page, once, so that it is of the application that the server has now. False when that has been tried already. */
export function reloadForNewer(): boolean {
  try {
    const last = Number(sessionStorage.getItem(place) ?? 0);
    if (Date.now() - last < againMilliseconds) return false;
    sessionStorage.setItem(place, String(Date.now()));
  } catch {
    // Where nothing is kept, nobody knows how often: it is left to the person.
    return false;
  }
  window.location.reload();
  return true;
}

async function faultOfPart(thrown: unknown): Promise<ApiFault> {
  const page = await fetch('/', { headers: { accept: 'text/html' }, cache: 'no-store' }).then(
    (answer) => (answer.ok ? answer.text() : undefined),
    () => undefined,
  );
  if (page === undefined) {
    tellConnection('lost');
    return lostConnection();
  }
  const own = document.querySelector<HTMLScriptElement>('script[type="module"]')?.getAttribute('src');
  if (own == null || !page.includes(`"${own}"`)) return outdated();
  const why = thrown instanceof Error ? `: ${thrown.message}` : '';
  return new ApiFault({
    cause: 'application/incomplete',
    detail: `A part of this page could not be loaded${why}`,
    hint: 'Try again. If it stays so, something between you and the instance keeps it away.',
  });
}
