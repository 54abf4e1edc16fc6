import { Button, Group, NativeSelect } from '@mantine/core';
import { useState } from 'react';

type RoleChoiceProps<Role extends string> = {
  /** Whose role it is. */
  readonly of: string;
  readonly role: Role;
  readonly roles: readonly { readonly value: Role; readonly label: string }[];
  readonly isDisabled?: boolean;
  readonly isSaving: boolean;
  readonly onSave: (role: Role) => void;
};

/** The role of somebody. Another one is given by a button: the arrow keys choose in a closed list already. */
export function RoleChoice<Role extends string>({
  of,
  role,
  roles,
  isDisabled = false,
  isSaving,
  onSave,
}: RoleChoiceProps<Role>) {
  const [chosen, setChosen] = useState<Role>();
  const shown = chosen ?? role;
  return (
    <Group gap="xs" wrap="nowrap">
      <NativeSelect
        size="xs"
        miw={132}
        maw={160}
        aria-label={`Role of ${of}`}
        value={shown}
        data={[...roles]}
        disabled={isDisabled}
        onChange={(event) => setChosen(roles.find(({ value }) => value === event.currentTarget.value)?.value)}
      />
      {shown !== role && (
        <Button
          size="xs"
          variant="default"
          aria-label={`Save the role of ${of}`}
          loading={isSaving}
          onClick={() => onSave(shown)}
        >
          Save
        </Button>
      )}
    </Group>
  );
}
