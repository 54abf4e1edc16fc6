/** Test runs, the files they take and leave, the secrets they pull with; what probes of versions said. */
export const testRunsMigration = {
  name: '0003-test-runs',
  sql: `
alter table jobs drop constraint jobs_kind_check;
alter table jobs add constraint jobs_kind_check check (kind in ('build', 'plan', 'catalogue', 'run'));

-- One report for each platform.
alter table versions add column probes jsonb;

-- Files that somebody has sent for test runs, and those that runs have left. The server may not push into registries, so they are here;
-- they are small, and go after a while.
create table file_sets (
  id uuid primary key default gen_random_uuid(),
  user_id bigint references users on delete cascade,
  is_whole boolean not null default false,
  files integer not null default 0,
  size_bytes bigint not null default 0,
  created_at timestamptz not null default now()
);
create index file_sets_by_time on file_sets (created_at);

create table files (
  set_id uuid not null references file_sets on delete cascade,
  number integer not null,
  path text not null,
  is_executable boolean not null,
  size_bytes bigint not null,
  primary key (set_id, number),
  unique (set_id, path)
);

-- Those of a large file are there before the file is known to be whole.
create table file_pieces (
  set_id uuid not null references file_sets on delete cascade,
  file_number integer not null,
  number integer not null,
  bytes bytea not null,
  primary key (set_id, file_number, number)
);

-- What images that are not managed here are pulled with. Sealed: the database alone does not open them.
create table pull_secrets (
  name text primary key check (name ~ '^[a-z0-9][a-z0-9._-]{0,127}$'),
  registry text not null,
  sealed bytea not null,
  creator_id bigint references users on delete set null,
  created_at timestamptz not null default now()
);

create table pull_secret_workspaces (
  secret_name text not null references pull_secrets on delete cascade,
  workspace_id bigint not null references workspaces on delete cascade,
  primary key (secret_name, workspace_id)
);

create table test_runs (
  id uuid primary key default gen_random_uuid(),
  job_id uuid not null unique references jobs,
  image_id bigint references images on delete set null,
  version_id bigint references versions on delete set null,
  use_id uuid references image_uses on delete set null,
  -- What was named: a managed image as it was called then, or a reference.
  image_name text not null,
  is_external boolean not null,
  -- Of a managed image from the start, of another one from when it was first pulled.
  digest text,
  pull_secret text,
  workspace_id bigint references workspaces on delete set null,
  creator_id bigint references users on delete set null,
  command jsonb not null,
  variable_names jsonb not null,
  sealed_variables bytea,
  time_limit_seconds integer not null,
  memory_bytes bigint not null,
  wants_network boolean not null,
  files_id uuid references file_sets on delete set null,
  results_id uuid references file_sets on delete set null,
  outcome jsonb,
  created_at timestamptz not null default now()
);
create index test_runs_by_image on test_runs (image_id, created_at desc);
create index test_runs_by_time on test_runs (created_at desc, id);
`,
} as const;
