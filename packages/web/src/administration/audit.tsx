import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { addressOf, call } from '../api/call.ts';
import { byPageToken } from '../api/paging.ts';
import { Icon } from '../icons/icon.tsx';
import { Chip } from '../images/status-chip.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { Heading } from '../parts/heading.tsx';
import { PagedPane } from '../parts/paged-pane.tsx';
import { Time } from '../parts/time.tsx';
import classes from './administration.module.css';
import { type AuditFilter, auditFilterOf } from './audit-filter.ts';

const pauseMilliseconds = 250;
const tones = { done: 'good', refused: 'warning', failed: 'bad' } as const;

/** Who did what, when, and what it changed. */
export function Audit() {
  const filter = useSearch({ from: '/shell/administration/audit' });
  const navigate = useNavigate({ from: '/administration/audit' });
  const change = (part: AuditFilter) =>
    void navigate({ search: (before) => auditFilterOf({ ...before, ...part }), replace: true, resetScroll: false });
  const type = useDebouncedCallback(change, pauseMilliseconds);
  const query = { ...filter, ...(filter.since !== undefined && { since: new Date(filter.since).toISOString() }) };
  const pages = useInfiniteQuery({
    queryKey: ['audit', filter],
    queryFn: ({ pageParam, signal }) =>
      call('readAudit', {
        query: { ...query, pageSize: 100, pageToken: pageParam },
        signal,
      }),
    ...byPageToken,
  });
  return (
    <>
      <Heading
        order={2}
        title="Audit log"
        about="Every change and every refusal. Nothing in it can be changed."
        actions={
          <Button
            component="a"
            href={addressOf('exportAudit', {}, query)}
            variant="default"
            leftSection={<Icon name="download" />}
          >
            Export as CSV
          </Button>
        }
      >
        Audit log
      </Heading>
      <search className={classes['filter']} aria-label="Audit log">
        <TextInput
          label="Who"
          defaultValue={filter.user}
          onChange={(event) => type({ user: event.currentTarget.value })}
        />
        <TextInput
          label="What"
          placeholder="image.remove"
          defaultValue={filter.action}
          onChange={(event) => type({ action: event.currentTarget.value })}
        />
        <TextInput
          label="On what"
          defaultValue={filter.subject}
          onChange={(event) => type({ subject: event.currentTarget.value })}
        />
        <NativeSelect
          label="Outcome"
          value={filter.outcome ?? ''}
          onChange={(event) => change({ outcome: event.currentTarget.value as AuditFilter['outcome'] })}
          data={[
            { value: '', label: 'Any' },
            { value: 'done', label: 'Done' },
            { value: 'refused', label: 'Refused' },
            { value: 'failed', label: 'Failed' },
          ]}
        />
        <TextInput
          label="Since"
          type="date"
          defaultValue={filter.since}
          onChange={(event) => change({ since: event.currentTarget.value })}
        />
      </search>
      <PagedPane
        pages={pages}
        itemsOf={(page) => page.entries}
        height={400}
        whenEmpty="Nothing in the log is like that."
      >
        {(entries) => (
          <DataTable label="Audit log" minWidth={720}>
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Who</th>
                <th scope="col">What</th>
                <th scope="col">On what</th>
                <th scope="col">Outcome</th>
                <th scope="col">Change</th>
              </tr>
            </thead>
            <tbody>
              {entries.map((entry) => (
                <tr key={entry.id}>
                  <td>
                    <Time at={entry.at} />
                  </td>
                  <td title={entry.address ?? undefined}>{entry.user ?? '–'}</td>
                  <td className="code">{entry.action}</td>
                  <td className={classes['subject'] ?? ''}>{entry.subject ?? '–'}</td>
                  <td>
                    <Chip tone={tones[entry.outcome]}>{entry.outcome}</Chip>
                  </td>
                  <td>
                    <Change before={entry.old} after={entry.new} />
                  </td>
                </tr>
              ))}
            </tbody>
          </DataTable>
        )}
      </PagedPane>
    </>
  );
}

function Change({ before, after }: { readonly before: unknown; readonly after: unknown }) {
  if (before === null && after === null) return null;
  return (
    <details className={classes['change']}>
      <summary>{before === null ? 'New' : after === null ? 'Old' : 'Old and new'}</summary>
      {before !== null && <pre>{JSON.stringify(before, undefined, 1)}</pre>}
      {after !== null && <pre>{JSON.stringify(after, undefined, 1)}</pre>}
    </details>
  );
}
