import { Button, NativeSelect, SegmentedControl, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/call.ts';
import type { Operations, Update } from '../api/types.ts';
import { counted } from '../format/size.ts';
import { DataTable } from '../parts/data-table.tsx';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import { Pane } from '../parts/pane.tsx';
import { Time } from '../parts/time.tsx';
import classes from './administration.module.css';

type Declaration = Operations['applyUpdate']['body'];
type Preview = Operations['previewUpdate']['answer'];

const shownImages = 100;
const stateWords = { APPLYING: 'Applying', APPLIED: 'Applied', HALTED: 'Halted', REVERTED: 'Taken back' } as const;

/** Platform releases and base updates: what all images get, seen before it is done, and taken back when it was wrong. */
export function Updates() {
  const queryClient = useQueryClient();
  const updates = useQuery({ queryKey: ['updates'], queryFn: ({ signal }) => call('listUpdates', { signal }) });
  const refresh = () => queryClient.invalidateQueries({ queryKey: ['updates'] });
  return (
    <>
      <Heading
        order={2}
        title="Updates"
        about={
          updates.data?.release == null
            ? 'No platform release is declared.'
            : `The platform release is ${updates.data.release}.`
        }
      >
        Updates
      </Heading>
      <NewUpdate onApplied={refresh} />
      <Pane query={updates} height={200}>
        {({ updates: known }) =>
          known.length === 0 ? <p>No update has been applied yet.</p> : <Past updates={known} onDone={refresh} />
        }
      </Pane>
    </>
  );
}

function NewUpdate({ onApplied }: { readonly onApplied: () => Promise<void> }) {
  const [kind, setKind] = useState<'base' | 'platform'>('base');
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [label, setLabel] = useState('');
  const [requirements, setRequirements] = useState('');
  const bases = useQuery({ queryKey: ['bases'], queryFn: ({ signal }) => call('listBases', { signal }) });
  const names = bases.data?.bases.map(({ name }) => name) ?? [];
  const declaration: Declaration =
    kind === 'base'
      ? { kind, from: from || (names[0] ?? ''), to: to.trim() || from || (names[0] ?? '') }
      : { kind, label: label.trim(), requirements: requirements.split('\n').flatMap((line) => line.trim() || []) };
  const preview = useMutation({
    mutationFn: (asked: Declaration) => call('previewUpdate', { body: { ...asked, limit: shownImages } }),
  });
  const applying = useMutation({
    mutationFn: (asked: Declaration) => call('applyUpdate', { body: asked }),
    onSuccess: async () => {
      preview.reset();
      await onApplied();
    },
  });
  return (
    <>
      <form
        className={classes['form']}
        onSubmit={(event) => {
          event.preventDefault();
          applying.reset();
          preview.mutate(declaration);
        }}
      >
        <SegmentedControl
          aria-label="Kind of update"
          value={kind}
          onChange={(chosen) => {
            setKind(chosen);
            preview.reset();
          }}
          data={[
            { value: 'base', label: 'Base' },
            { value: 'platform', label: 'Platform release' },
          ]}
        />
        {kind === 'base' ? (
          <>
            <NativeSelect
              label="Images on"
              value={from}
              onChange={(event) => setFrom(event.currentTarget.value)}
              data={names}
            />
            <TextInput
              label="Go onto"
              description="Empty: the same base as the archive has it now, with its fixes"
              placeholder={from || names[0] || ''}
              value={to}
              onChange={(event) => setTo(event.currentTarget.value)}
            />
          </>
        ) : (
          <>
            <TextInput
              label="Label"
              description="It becomes part of tags"
              placeholder="2026.11"
              value={label}
              onChange={(event) => setLabel(event.currentTarget.value)}
              required
            />
            <Textarea
              label="Every image must carry"
              description="One requirement a line"
              placeholder="test-engine>=4"
              value={requirements}
              onChange={(event) => setRequirements(event.currentTarget.value)}
              minRows={3}
              autosize
            />
          </>
        )}
        <div className={classes['actions']}>
          <Button type="submit" loading={preview.isPending}>
            Preview
          </Button>
        </div>
        {preview.isError && <FaultMessage fault={preview.error} />}
        {applying.isError && <FaultMessage fault={applying.error} />}
      </form>
      {preview.isSuccess && (
        <PreviewView
          preview={preview.data}
          isApplying={applying.isPending}
          onApply={() => applying.mutate(preview.variables)}
          onLeave={() => preview.reset()}
        />
      )}
    </>
  );
}

type PreviewViewProps = {
  readonly preview: Preview;
  readonly isApplying: boolean;
  readonly onApply: () => void;
  readonly onLeave: () => void;
};

function PreviewView({ preview: { counts, images, bases }, isApplying, onApply, onLeave }: PreviewViewProps) {
  const changed = counts.rebase + counts.rebuild;
  const packages = bases.flatMap((base) => base.packages);
  return (
    <section className={classes['preview']} aria-label="Preview">
      <p>
        <strong>{counted(counts.rebase, 'image')}</strong> rebased, <strong>{counted(counts.rebuild, 'image')}</strong>{' '}
        rebuilt, {counted(counts.none, 'image')} left as they are.
        {packages.length > 0 && ` ${counted(packages.length, 'package')} of the base change.`}
      </p>
      {images.length > 0 && (
        <DataTable label="What would happen" minWidth={480}>
          <thead>
            <tr>
              <th scope="col">Image</th>
              <th scope="col">What happens</th>
              <th scope="col">Why</th>
            </tr>
          </thead>
          <tbody>
            {images.map(({ name, action, why, missing }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{action === 'none' ? 'nothing' : action}</td>
                <td>
                  {why}
                  {missing.length > 0 && `; it lacks ${missing.map(({ requirement }) => requirement).join(', ')}`}
                </td>
              </tr>
            ))}
          </tbody>
        </DataTable>
      )}
      <div className={classes['actions']}>
        <Button onClick={onApply} loading={isApplying}>
          Apply to {counted(changed, 'image')}
        </Button>
        <Button variant="default" onClick={onLeave}>
          Leave it
        </Button>
      </div>
    </section>
  );
}

function Past({ updates, onDone }: { readonly updates: readonly Update[]; readonly onDone: () => Promise<void> }) {
  const acting = useMutation({
    mutationFn: ({ id, act }: { readonly id: string; readonly act: 'haltUpdate' | 'resumeUpdate' | 'revertUpdate' }) =>
      call(act, { params: { id } }),
    onSettled: onDone,
  });
  const button = (one: Update, act: 'haltUpdate' | 'resumeUpdate' | 'revertUpdate', word: string) => (
    <Button
      size="compact-sm"
      variant="default"
      aria-label={`${word} ${titleOf(one)}`}
      loading={acting.isPending && acting.variables.id === one.id && acting.variables.act === act}
      onClick={() => acting.mutate({ id: one.id, act })}
    >
      {word}
    </Button>
  );
  return (
    <>
      {acting.isError && <FaultMessage fault={acting.error} />}
      <DataTable label="Updates" minWidth={640}>
        <thead>
          <tr>
            <th scope="col">Update</th>
            <th scope="col">State</th>
            <th scope="col">Images</th>
            <th scope="col">By</th>
            <th scope="col">Applied</th>
            <th scope="col">Actions</th>
          </tr>
        </thead>
        <tbody>
          {updates.map((one) => (
            <tr key={one.id}>
              <th scope="row">{titleOf(one)}</th>
              <td>{stateWords[one.state]}</td>
              <td data-number>
                {one.images.ready} of {one.images.total} ready
                {one.images.failed > 0 && `, ${one.images.failed} failed`}
              </td>
              <td>{one.createdBy ?? '–'}</td>
              <td>
                <Time at={one.createdAt} />
              </td>
              <td>
                <div className={classes['actions']}>
                  {one.state === 'APPLYING' && button(one, 'haltUpdate', 'Halt')}
                  {one.state === 'HALTED' && button(one, 'resumeUpdate', 'Resume')}
                  {one.state !== 'REVERTED' && button(one, 'revertUpdate', 'Take back')}
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </DataTable>
    </>
  );
}

function titleOf({ kind, label, from, to }: Update): string {
  if (kind === 'platform') return `Platform release ${label}`;
  return from === to ? `${to} with its fixes` : `${from} to ${to}`;
}
