/** What the instance has in registries that make no repository by themselves, and how fast it may ask them. */
export const registriesMigration = {
  name: '0005-registries',
  sql: `
-- Below which its repositories lie; null for an instance that was made before this was kept.
alter table instance add column repository_prefix text;

-- Repositories that this instance has asked a registry for. What is not here was never its own.
create table registry_repositories (
  registry text not null,
  -- Below the prefix.
  repository text not null,
  asked_at timestamptz not null default now(),
  -- When it was there, and ours.
  made_at timestamptz,
  -- When it was found to have gone behind our back.
  lost_at timestamptz,
  removed_at timestamptz,
  primary key (registry, repository)
);

-- Requests that a registry counts: what is left of each rate, for all processes of the instance.
create table registry_buckets (
  name text primary key,
  tokens double precision not null,
  updated_at timestamptz not null default clock_timestamp()
);

-- What a person waits for goes first; among equals the workspace for which nothing was done for the longest time.
alter table outbox add column priority smallint not null default 0;
alter table outbox add column workspace_id bigint references workspaces on delete set null;
drop index outbox_open;
create index outbox_open on outbox (kind, priority, run_after) where done_at is null;
create index outbox_done on outbox (workspace_id, kind, done_at) where done_at is not null;
`,
} as const;
