import { type InfiniteData, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { addressOf } from '../api/call.ts';
import type { ImageSummary, JobDetails, Operations } from '../api/types.ts';
import { useEvents } from '../connection/use-events.ts';

type Page = Operations['searchImages']['answer'];
type Told = { readonly name: string; readonly image: ImageSummary | null };

/** Lists are asked for anew at most so often, however much happens. */
const refreshMilliseconds = 3_000;

/**
 * Keeps lists of images as they are now: changes are written into what is shown, new and removed images make the lists be asked for
 * again. Gives the builds that are under way, by the name of the image.
 */
export function useLiveImages(): ReadonlyMap<string, JobDetails> {
  const queryClient = useQueryClient();
  const [builds, setBuilds] = useState<ReadonlyMap<string, JobDetails>>(new Map());
  const refresh = useRef<ReturnType<typeof setTimeout>>(undefined);
  const isReady = useRef(false);
  const askAgain = () => {
    refresh.current ??= setTimeout(() => {
      refresh.current = undefined;
      void queryClient.invalidateQueries({ queryKey: ['images'] });
    }, refreshMilliseconds);
  };
  useEvents(addressOf('followImages'), {
    build: (data) => {
      const job = data as JobDetails;
      setBuilds((known) => {
        const next = new Map(known);
        for (const { name } of job.images) {
          if (job.finishedAt === null) next.set(name, job);
          else if (next.get(name)?.jobId === job.jobId) next.delete(name);
        }
        return next;
      });
    },
    image: (data) => {
      const { name, image } = data as Told;
      void queryClient.invalidateQueries({ queryKey: ['image', name] });
      let isShown = false;
      queryClient.setQueriesData<InfiniteData<Page>>({ queryKey: ['images', 'list'] }, (list) => {
        if (list === undefined || image === null) return list;
        const pages = list.pages.map((page) => {
          if (!page.images.some((one) => one.name === name)) return page;
          isShown = true;
          return { ...page, images: page.images.map((one) => (one.name === name ? image : one)) };
        });
        return isShown ? { ...list, pages } : list;
      });
      if (!isShown) askAgain();
    },
    many: askAgain,
    // What happened while nobody listened is seen by asking again.
    ready: () => {
      if (isReady.current) void queryClient.invalidateQueries({ queryKey: ['images'] });
      isReady.current = true;
    },
  });
  return builds;
}
