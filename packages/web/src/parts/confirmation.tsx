import { Button, Group, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { FaultMessage } from './fault-message.tsx';

type ConfirmationProps = {
  /** What is asked; undefined while nothing is. */
  readonly title: string | undefined;
  /** What follows from it. */
  readonly children: ReactNode;
  /** What the button says that does it. */
  readonly action: string;
  readonly isPending: boolean;
  readonly fault: unknown;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
};

/** Asks before something is done that cannot be taken back. Why it could not be done is said in it. */
export function Confirmation({ title, children, action, isPending, fault, onConfirm, onClose }: ConfirmationProps) {
  return (
    <Modal opened={title !== undefined} onClose={onClose} title={title}>
      {children}
      {fault !== null && fault !== undefined && <FaultMessage fault={fault} />}
      <Group justify="flex-end" gap="xs" mt="lg">
        <Button variant="default" onClick={onClose} data-autofocus>
          Cancel
        </Button>
        <Button color="red.9" loading={isPending} onClick={onConfirm}>
          {action}
        </Button>
      </Group>
    </Modal>
  );
}
