import { Title, type TitleOrder } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './heading.module.css';

const product = 'Managed Image Registry';

type HeadingProps = {
  readonly children: ReactNode;
  /** What the browser's tab and history say: the page in a few words. */
  readonly title: string;
  readonly order?: TitleOrder;
  /** What is under the heading: one sentence. */
  readonly about?: ReactNode;
  /** Buttons beside it. */
  readonly actions?: ReactNode;
};

/** The heading of a view. It gives the page its title, and takes the focus after a navigation. */
export function Heading({ children, title, order = 1, about, actions }: HeadingProps) {
  return (
    <header className={classes['header']}>
      <title>{`${title} · ${product}`}</title>
      <div className={classes['words']}>
        <Title order={order} tabIndex={-1} data-view-heading className={classes['title'] ?? ''}>
          {children}
        </Title>
        {about !== undefined && <div className={classes['about']}>{about}</div>}
      </div>
      {actions !== undefined && <div className={classes['actions']}>{actions}</div>}
    </header>
  );
}

/** After a navigation, those who do not see the page are told where they are: the focus goes to the innermost heading. */
export function focusHeading(): void {
  const headings = document.querySelectorAll<HTMLElement>('[data-view-heading]');
  headings[headings.length - 1]?.focus({ preventScroll: true });
}
