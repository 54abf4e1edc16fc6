import { type InfiniteData, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { addressOf } from '../api/call.ts';
import type { ImageSummary, JobDetails, Operations } from '../api/types.ts';
import { useEvents } from '../connection/use-events.ts';

type Page = Operations['searchImages']['answer'];
type Told = { readonly name: string; readonly image: ImageSummary | null };
type Builds = ReadonlyMap<string, JobDetails>;

/** Lists are asked for anew at most so often, however many images are made and removed. */
const refreshMilliseconds = 3_000;
/** An image that no list shows has changed: it may belong into one now, and mostly does not. */
const seldomMilliseconds = 15_000;
/** What was made so shortly before it changed may be in no list yet. */
const newMilliseconds = 60_000;

/**
 * Keeps lists of images as they are now: changes are written into what is shown, new and removed images make the lists be asked for
 * again. Gives the builds that are under way, by the name of the image.
 */
export function useLiveImages(): Builds {
  const queryClient = useQueryClient();
  const [builds, setBuilds] = useState<Builds>(new Map());
  /** What a stream tells before it is ready: all builds that are under way. Undefined when it is. */
  const gathered = useRef<Builds>(undefined);
  const refresh = useRef<{ readonly due: number; readonly timer: ReturnType<typeof setTimeout> }>(undefined);
  const isReady = useRef(false);
  const askAgain = (milliseconds = refreshMilliseconds) => {
    const due = Date.now() + milliseconds;
    if (refresh.current !== undefined && refresh.current.due <= due) return;
    clearTimeout(refresh.current?.timer);
    const timer = setTimeout(() => {
      refresh.current = undefined;
      // A page that is on its way is let come: cancelled, it would have to be fetched twice.
      if (queryClient.isFetching({ queryKey: ['images'], type: 'active' }) > 0) return askAgain();
      void queryClient.invalidateQueries({ queryKey: ['images'] }, { cancelRefetch: false });
    }, milliseconds);
    refresh.current = { due, timer };
  };
  const askForShown = () => void queryClient.invalidateQueries({ queryKey: ['image'] }, { cancelRefetch: false });
  useEvents(
    addressOf('followImages'),
    {
      build: (data) => {
        const job = data as JobDetails;
        if (gathered.current === undefined) setBuilds((known) => withJob(known, job));
        else gathered.current = withJob(gathered.current, job);
      },
      image: (data) => {
        const { name, image } = data as Told;
        void queryClient.invalidateQueries({ queryKey: ['image', name] });
        if (image === null) return askAgain();
        let isMissing = false;
        for (const query of queryClient.getQueryCache().findAll({ queryKey: ['images'] })) {
          const list = query.state.data as InfiniteData<Page> | Page | undefined;
          const changed = list === undefined ? undefined : withImage(list, image);
          if (changed !== undefined) queryClient.setQueryData(query.queryKey, changed);
          else if (query.isActive()) isMissing = true;
        }
        if (isMissing) askAgain(isNew(image) ? refreshMilliseconds : seldomMilliseconds);
      },
      many: () => {
        askAgain();
        askForShown();
      },
      ready: () => {
        // Builds that ended while nobody listened are not told again: what is not told is over.
        if (gathered.current !== undefined) setBuilds(gathered.current);
        gathered.current = undefined;
        // What else happened meanwhile is seen by asking again.
        if (isReady.current) askAgain(0);
        isReady.current = true;
        askForShown();
      },
    },
    () => {
      gathered.current = new Map();
    },
  );
  return builds;
}

function withJob(known: Builds, job: JobDetails): Builds {
  const next = new Map(known);
  for (const { name } of job.images) {
    if (job.finishedAt === null) next.set(name, job);
    else if (next.get(name)?.jobId === job.jobId) next.delete(name);
  }
  return next;
}

/** A list with an image as it is now; undefined when it does not have that image. */
function withImage(list: InfiniteData<Page> | Page, image: ImageSummary): InfiniteData<Page> | Page | undefined {
  if ('images' in list) {
    if (!list.images.some(({ name }) => name === image.name)) return;
    return { ...list, images: list.images.map((one) => (one.name === image.name ? image : one)) };
  }
  const pages = list.pages.map((page) => withImage(page, image) as Page | undefined);
  if (pages.every((page) => page === undefined)) return;
  return { ...list, pages: list.pages.map((page, at) => pages[at] ?? page) };
}

function isNew({ createdAt, updatedAt }: ImageSummary): boolean {
  return Date.parse(updatedAt) - Date.parse(createdAt) < newMilliseconds;
}
