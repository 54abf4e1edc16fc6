import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { addressOf } from '../api/call.ts';
import type { ImageSummary, JobDetails, Operations } from '../api/types.ts';
import { useEvents } from '../connection/use-events.ts';

type Page = Operations['searchImages']['answer'];
type Count = Operations['countImages']['answer'];
type Told = { readonly name: string; readonly image: ImageSummary | null };
type Builds = ReadonlyMap<string, JobDetails>;
type Queue = {
  readonly waiting: number;
  readonly builds: readonly Pick<JobDetails, 'jobId' | 'queuePosition' | 'expectedStart'>[];
};

/** What is being built. */
export type LiveBuilds = {
  /** The builds that run, and those that wait in front of the others, by the name of the image. */
  readonly byImage: Builds;
  /** An image that is to be built and is not among them waits behind so many; undefined when none does. */
  readonly behind: number | undefined;
};

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
  return useLiveBuilds().byImage;
}

/** As {@link useLiveImages}; says as well how many builds wait before those that are not told. */
export function useLiveBuilds(): LiveBuilds {
  const queryClient = useQueryClient();
  const [builds, setBuilds] = useState<Builds>(new Map());
  const [queue, setQueue] = useState<Queue>();
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
      queue: (data) => {
        const told = data as Queue;
        setQueue(told);
        if (gathered.current === undefined) setBuilds((known) => withPlaces(known, told));
      },
      image: (data) => {
        const { name, image } = data as Told;
        void queryClient.invalidateQueries({ queryKey: ['image', name] });
        if (image === null) return askAgain();
        let [isShown, isMissing] = [false, false];
        for (const query of queryClient.getQueryCache().findAll({ queryKey: ['images'] })) {
          const answer = query.state.data as Page | Count | undefined;
          if (answer !== undefined && !('images' in answer)) continue;
          const changed = answer === undefined ? undefined : withImage(answer, image);
          if (changed !== undefined) queryClient.setQueryData(query.queryKey, changed);
          if (query.isActive() && changed !== undefined) isShown = true;
          else if (query.isActive()) isMissing = true;
        }
        // Of a long list a few pages are looked at: what is on one of them is missing on the others, and that is right.
        if (isMissing && !isShown) askAgain(isNew(image) ? refreshMilliseconds : seldomMilliseconds);
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
  return { byImage: builds, behind: behindOf(queue) };
}

function withJob(known: Builds, job: JobDetails): Builds {
  const next = new Map(known);
  for (const { name } of job.images) {
    if (job.finishedAt === null) next.set(name, job);
    else if (next.get(name)?.jobId === job.jobId) next.delete(name);
  }
  return next;
}

/** The builds with their places as they are now. What waits no longer in front is not known any more. */
function withPlaces(known: Builds, { builds }: Queue): Builds {
  const places = new Map(builds.map((one) => [one.jobId, one]));
  return new Map(
    [...known].flatMap(([name, job]) => {
      if (job.status !== 'QUEUED') return [[name, job]];
      const place = places.get(job.jobId);
      return place === undefined ? [] : [[name, { ...job, ...place }]];
    }),
  );
}

function behindOf(queue: Queue | undefined): number | undefined {
  return queue === undefined || queue.waiting <= queue.builds.length ? undefined : queue.builds.length;
}

/** A page with an image as it is now; undefined when it does not have that image. */
function withImage(page: Page, image: ImageSummary): Page | undefined {
  if (!page.images.some(({ name }) => name === image.name)) return;
  return { ...page, images: page.images.map((one) => (one.name === image.name ? image : one)) };
}

function isNew({ createdAt, updatedAt }: ImageSummary): boolean {
  return Date.parse(updatedAt) - Date.parse(createdAt) < newMilliseconds;
}
