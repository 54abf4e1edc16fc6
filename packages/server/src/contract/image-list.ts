import { serverFault } from '../fault.ts';
import type { Dialect } from '../http/route.ts';
import { holding, imageRows } from '../images/image-row.ts';
import { idsMeetingEach } from '../images/packages.ts';
import { formatPageToken, parsePageToken } from '../images/page-token.ts';
import type { InstanceContext } from '../instance-context.ts';
import type { WireImage } from './shapes.ts';
import { wireImages } from './wire-image.ts';

/** A page of the original's list. */
export type ListRequest = {
  readonly pageToken?: string | null | undefined;
  readonly pageSize: number;
  readonly pipLibraries?:
    | readonly { readonly name: string; readonly version?: string | null | undefined }[]
    | null
    | undefined;
};

type Filter = readonly { readonly name: string; readonly version?: string }[];

/**
 * A page of images in the order of their making. The original's rule for the last page of several is kept: it echoes the
 * token of its own request, and a list that fits on one page gives `""`.
 */
export async function listImages(
  context: InstanceContext,
  request: ListRequest,
  dialect: Dialect,
): Promise<{ images: WireImage[]; nextPageToken: string }> {
  const given = request.pageToken ?? '';
  const position = given === '' ? undefined : parsePageToken(given, 'images', context.secret);
  const asked: Filter = (request.pipLibraries ?? []).map(({ name, version }) => ({
    name,
    ...(version != null && version !== '' && { version }),
  }));
  const filter = position === undefined ? asked : (position.filter as Filter);
  if (position !== undefined && asked.length > 0 && JSON.stringify(asked) !== JSON.stringify(filter)) {
    throw serverFault('page-token/malformed', {
      what: 'The page token belongs to a list with other pipLibraries',
      subject: 'pageToken',
      hint: 'Leave pipLibraries out on later pages, or begin again without the token.',
    });
  }
  const sets = await idsMeetingEach(
    context.db,
    filter.map(({ name, version }) => ({ name, specifier: version === undefined ? '' : `==${version}` })),
  );
  let query = imageRows(context.db)
    .orderBy('images.id')
    .limit(request.pageSize + 1);
  if (position !== undefined) query = query.where('images.id', '>', Number(position.after[0]));
  query = query.where(await holding(context, sets));
  const rows = sets.some((ids) => ids.length === 0) ? [] : await query.execute();
  const page = rows.slice(0, request.pageSize);
  const last = page.at(-1);
  const hasMore = rows.length > page.length && last !== undefined;
  return {
    images: await wireImages(context, page, dialect),
    nextPageToken: hasMore ? formatPageToken({ list: 'images', filter, after: [last.id] }, context.secret) : given,
  };
}
