import { oneOf, type Search, textOf } from '../shell/search.ts';
import { firstOrder, type Sort, sorts } from './image-order.ts';

export const statuses = ['READY', 'BUILDING_FIRST_TIME', 'REBUILDING', 'FAILED', 'OUTDATED'] as const;
export const imageTypes = ['all', 'images', 'nlp', 'tabular', 'security'] as const;
const roles = ['USER_DEFINED', 'SYSTEM'] as const;

/** What the list shows, as its address says it. */
export type ImageFilter = {
  readonly q?: string;
  readonly status?: (typeof statuses)[number];
  readonly type?: (typeof imageTypes)[number];
  readonly python?: string;
  readonly creator?: string;
  readonly role?: (typeof roles)[number];
  readonly sort?: Sort;
};

/** The filter that an address names; what it names wrongly is left out. */
export function imageFilterOf(search: Search): ImageFilter {
  const q = textOf(search, 'q');
  const status = oneOf(search, 'status', statuses);
  const type = oneOf(search, 'type', imageTypes);
  const python = textOf(search, 'python');
  const creator = textOf(search, 'creator');
  const role = oneOf(search, 'role', roles);
  const sort = oneOf(search, 'sort', sorts);
  return {
    ...(q !== undefined && { q }),
    ...(status !== undefined && { status }),
    ...(type !== undefined && { type }),
    ...(python !== undefined && /^\d\.\d+$/.test(python) && { python }),
    ...(creator !== undefined && { creator }),
    ...(role !== undefined && { role }),
    // The first order needs no word in the address.
    ...(sort !== undefined && sort !== firstOrder && { sort }),
  };
}

/** Whether anything is left out of the list. */
export function isFiltered({ sort: _, ...filter }: ImageFilter): boolean {
  return Object.keys(filter).length > 0;
}
