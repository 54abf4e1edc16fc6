import { ActionIcon } from '@mantine/core';
import type { ComponentProps } from 'react';
import { Icon } from '../icons/icon.tsx';

/** The three dots at the right of an image's row. */
export function RowButton({
  name,
  ...button
}: Omit<ComponentProps<'button'>, 'color' | 'style' | 'disabled'> & { readonly name: string }) {
  return (
    <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${name}`} data-menu-of={name} {...button}>
      <Icon name="dots" />
    </ActionIcon>
  );
}
