import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { MoreButton } from './more-button.tsx';
import { Pane } from './pane.tsx';

type PagedPaneProps<Page, Item> = {
  readonly pages: UseInfiniteQueryResult<InfiniteData<Page>>;
  readonly itemsOf: (page: Page) => readonly Item[];
  /** As high as what is expected, so that nothing jumps when it comes. */
  readonly height: number;
  readonly whenEmpty: ReactNode;
  readonly children: (items: readonly Item[]) => ReactNode;
};

/** A list that comes page by page: what is there of it, and a way to more. */
export function PagedPane<Page, Item>({ pages, itemsOf, height, whenEmpty, children }: PagedPaneProps<Page, Item>) {
  return (
    <Pane query={pages} height={height}>
      {(data) => {
        const items = data.pages.flatMap(itemsOf);
        if (items.length === 0) return <p>{whenEmpty}</p>;
        return (
          <>
            {children(items)}
            <MoreButton pages={pages} />
          </>
        );
      }}
    </Pane>
  );
}
