import { Menu } from '@mantine/core';
import { useSuspenseQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { isAdministrator, meQuery } from '../api/queries.ts';
import type { ImageSummary } from '../api/types.ts';
import { Icon } from '../icons/icon.tsx';
import { useOpenedAtOnce } from '../parts/use-opened-at-once.ts';
import { RowButton } from './row-button.tsx';

type RowActionsProps = {
  readonly image: ImageSummary;
  readonly onRemove: (image: ImageSummary) => void;
};

/** What can be done with an image, by who looks at it. */
export function RowActions({ image, onRemove }: RowActionsProps) {
  const { data: me } = useSuspenseQuery(meQuery);
  const { target, menu } = useOpenedAtOnce();
  const mayRemove = isAdministrator(me) && image.roleType !== 'SYSTEM';
  return (
    <Menu {...menu} position="bottom-end" width={180} withinPortal>
      <Menu.Target>
        <RowButton ref={target} name={image.name} />
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          component={Link}
          to={`/images/${encodeURIComponent(image.name)}`}
          leftSection={<Icon name="image" />}
        >
          Open
        </Menu.Item>
        {mayRemove && (
          <Menu.Item c="var(--bad-text)" leftSection={<Icon name="trash" />} onClick={() => onRemove(image)}>
            Remove
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
