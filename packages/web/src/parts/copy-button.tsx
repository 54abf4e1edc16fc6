import { ActionIcon, Tooltip } from '@mantine/core';
import { useEffect, useState } from 'react';
import { Icon } from '../icons/icon.tsx';

/** So long a button says that it has copied. */
const saidMilliseconds = 2_000;

/** Copies a text; `name` says which: "Copy the digest". */
export function CopyButton({ text, name }: { readonly text: string; readonly name: string }) {
  const [outcome, setOutcome] = useState<'copied' | 'refused'>();
  useEffect(() => {
    if (outcome === undefined) return;
    const timer = setTimeout(() => setOutcome(undefined), saidMilliseconds);
    return () => clearTimeout(timer);
  }, [outcome]);
  const label = outcome === 'copied' ? 'Copied' : outcome === 'refused' ? 'Select it and copy it by hand' : name;
  return (
    <Tooltip label={label} {...(outcome !== undefined && { opened: true })}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={() => copy(text).then(setOutcome)}>
        <Icon name={outcome === 'copied' ? 'check' : 'copy'} />
      </ActionIcon>
    </Tooltip>
  );
}

async function copy(text: string): Promise<'copied' | 'refused'> {
  // Browsers give the clipboard to pages that came by https or from this machine, and to no others.
  if (navigator.clipboard === undefined) return copyOldly(text);
  return navigator.clipboard.writeText(text).then(
    () => 'copied',
    () => copyOldly(text),
  );
}

function copyOldly(text: string): 'copied' | 'refused' {
  const area = document.createElement('textarea');
  area.value = text;
  area.style.position = 'fixed';
  area.style.opacity = '0';
  document.body.append(area);
  area.select();
  const isDone = document.execCommand('copy');
  area.remove();
  return isDone ? 'copied' : 'refused';
}
