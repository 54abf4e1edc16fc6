import { Tabs } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Heading } from '../parts/heading.tsx';
import { Builds } from './builds.tsx';
import { TestRuns } from './test-runs.tsx';

/** What the instance does, will do and has done: builds, and test runs of one's workspaces. */
export function Jobs() {
  const { kind = 'builds' } = useSearch({ from: '/shell/jobs' });
  const navigate = useNavigate({ from: '/jobs' });
  return (
    <>
      <Heading title="Jobs" about="What runs, what waits in its order, and what ended last.">
        Jobs
      </Heading>
      <Tabs
        value={kind}
        onChange={(chosen) => void navigate({ search: chosen === 'runs' ? { kind: 'runs' } : {} })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="builds">Builds</Tabs.Tab>
          <Tabs.Tab value="runs">Test runs</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="builds">
          <Builds />
        </Tabs.Panel>
        <Tabs.Panel value="runs">
          <TestRuns />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
