import { Button } from '@mantine/core';
import type { ComponentProps } from 'react';
import { Icon } from '../icons/icon.tsx';

/** Who is signed in, as the button of a menu. */
export function AccountButton({
  name,
  ...button
}: Omit<ComponentProps<'button'>, 'color' | 'style' | 'disabled'> & { readonly name: string }) {
  return (
    <Button
      variant="subtle"
      color="gray"
      size="compact-sm"
      leftSection={<Icon name="person" />}
      rightSection={<Icon name="down" size={14} />}
      {...button}
    >
      {name}
    </Button>
  );
}
