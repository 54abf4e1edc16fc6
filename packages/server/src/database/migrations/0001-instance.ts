/** The first tables. Migrations go forward only: what is here is never edited once it was released. */
export const instanceMigration = {
  name: '0001-instance',
  sql: `
create table instance (
  only_row boolean primary key default true check (only_row),
  id uuid not null default gen_random_uuid(),
  -- Signs page tokens; worthless to whoever holds no account.
  secret bytea not null,
  created_at timestamptz not null default now()
);

create table users (
  id bigint generated always as identity primary key,
  name text not null check (name ~ '^[a-z0-9][a-z0-9._@+-]{0,127}$'),
  role text not null check (role in ('admin', 'support', 'member')),
  -- argon2id in PHC form; null for accounts that use tokens only.
  password_hash text,
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  unique (name)
);

create table workspaces (
  id bigint generated always as identity primary key,
  name text not null unique check (name ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
  created_at timestamptz not null default now(),
  -- When a worker last took a job of this workspace: the one that waited longest is next.
  served_at timestamptz not null default '-infinity'
);

create table members (
  workspace_id bigint not null references workspaces on delete cascade,
  user_id bigint not null references users on delete cascade,
  role text not null check (role in ('admin', 'vp', 'member', 'viewer')),
  primary key (workspace_id, user_id)
);
create index members_by_user on members (user_id);

create table api_tokens (
  id uuid primary key default gen_random_uuid(),
  -- SHA-256 of the secret: 256 random bits need no slow hash.
  hash bytea not null unique,
  name text not null,
  user_id bigint not null references users on delete cascade,
  workspace_id bigint not null references workspaces on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  last_used_at timestamptz
);
create index api_tokens_by_user on api_tokens (user_id);

create table sessions (
  hash bytea primary key,
  user_id bigint not null references users on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);

create table set_up_links (
  hash bytea primary key,
  expires_at timestamptz not null,
  -- SHA-256 of what the browser that used it first was given; it alone may go on.
  bound_to bytea,
  used_at timestamptz
);

create table sign_in_failures (
  id bigint generated always as identity primary key,
  subject text not null,
  at timestamptz not null default now()
);
create index sign_in_failures_by_subject on sign_in_failures (subject, at);

create table images (
  id bigint generated always as identity primary key,
  name text not null,
  -- Below the prefix of the instance: the name, or the name with a dot and a number when it was used before.
  repository text not null unique,
  role text not null check (role in ('USER_DEFINED', 'SYSTEM')),
  status text not null check (status in ('BUILDING_FIRST_TIME', 'REBUILDING', 'READY', 'FAILED', 'OUTDATED')),
  image_type text,
  python_version text,
  base_name text,
  parent_id bigint references images,
  creator_id bigint references users on delete set null,
  workspace_id bigint references workspaces on delete set null,
  current_version_id bigint,
  latest_version_id bigint,
  -- Ids of what the current version holds; what search and match look through.
  package_ids integer[] not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  removed_at timestamptz,
  removed_by text
);
create unique index images_by_name on images (name) where removed_at is null;
create index images_by_package on images using gin (package_ids) where removed_at is null;
alter table images alter column package_ids set statistics 400;
create index images_by_parent on images (parent_id) where parent_id is not null;

create table versions (
  id bigint generated always as identity primary key,
  image_id bigint not null references images on delete cascade,
  number integer not null,
  -- The tag that it has in the image's repository.
  tag text not null,
  state text not null check (state in ('QUEUED', 'RESOLVING', 'BUILDING', 'PROBING', 'READY', 'FAILED', 'CANCELLED')),
  spec jsonb not null,
  -- SHA-256 of the spec as the builder sees it: equal keys, equal work.
  spec_key bytea not null,
  reasons jsonb not null,
  digest text,
  lock_digest text,
  base_name text,
  base_digest text,
  libraries jsonb,
  os_packages jsonb,
  layers jsonb,
  size_bytes bigint,
  problems jsonb,
  durations jsonb,
  failure jsonb,
  job_id uuid,
  creator_id bigint references users on delete set null,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  unique (image_id, number)
);
create index versions_by_job on versions (job_id);
create index versions_by_spec_key on versions (spec_key);
create index versions_by_digest on versions (digest);
alter table images
  add foreign key (current_version_id) references versions,
  add foreign key (latest_version_id) references versions;

create table version_locks (
  version_id bigint not null references versions on delete cascade,
  platform text not null,
  text text not null,
  primary key (version_id, platform)
);

create table packages (
  id integer generated always as identity primary key,
  name text not null,
  version text not null,
  unique (name, version)
);

-- Names of the OS packages of a Debian release, so that a wrong one is known before anything is built.
create table os_catalogues (
  suite text primary key,
  read_at timestamptz not null default now()
);

create table os_packages (
  suite text not null references os_catalogues on delete cascade,
  name text not null,
  primary key (suite, name)
);

create table jobs (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (kind in ('build', 'plan', 'catalogue')),
  -- Work that is the same while it waits or runs is one job.
  key bytea not null,
  -- 0 interactive, 1 rebuild, 2 prewarm: a lower one goes first.
  priority smallint not null,
  workspace_id bigint references workspaces on delete set null,
  creator_id bigint references users on delete set null,
  state text not null check (state in ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
  payload jsonb not null,
  result jsonb,
  failure jsonb,
  progress jsonb,
  attempts integer not null default 0,
  -- Not before: faults of the machinery are tried again after a while.
  run_after timestamptz not null default now(),
  worker_id uuid,
  lease_until timestamptz,
  cancel_requested_at timestamptz,
  request_id text,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz
);
create unique index jobs_by_key on jobs (kind, key) where state in ('QUEUED', 'RUNNING') and cancel_requested_at is null;
create index jobs_waiting on jobs (kind, priority, created_at) where state = 'QUEUED';
create index jobs_running on jobs (kind, workspace_id) where state = 'RUNNING';
create index jobs_by_time on jobs (created_at desc, id);

create table job_log (
  job_id uuid not null references jobs on delete cascade,
  number integer not null,
  at timestamptz not null default now(),
  stage text,
  text text not null,
  primary key (job_id, number)
);

create table layer_records (
  name text primary key,
  key jsonb not null,
  record jsonb not null,
  made_at timestamptz not null default now()
);

create table image_uses (
  id uuid primary key default gen_random_uuid(),
  image_id bigint not null references images on delete cascade,
  version_id bigint not null references versions on delete cascade,
  used_by text not null,
  user_id bigint references users on delete set null,
  workspace_id bigint references workspaces on delete set null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz
);
create index image_uses_open on image_uses (image_id) where ended_at is null;

-- Work on registries that has to be done some time after a change was acknowledged.
create table outbox (
  id bigint generated always as identity primary key,
  kind text not null,
  payload jsonb not null,
  attempts integer not null default 0,
  run_after timestamptz not null default now(),
  last_error text,
  created_at timestamptz not null default now(),
  done_at timestamptz
);
create index outbox_open on outbox (run_after) where done_at is null;

-- Changes that an administrator declares for many images: a platform release, or another base.
create table updates (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (kind in ('platform', 'base')),
  -- Of a platform release: its label, and what every image must carry.
  label text unique,
  requirements jsonb not null default '[]',
  base_from text,
  base_to text,
  state text not null check (state in ('APPLYING', 'APPLIED', 'HALTED', 'REVERTED')),
  -- The platform release that it took the place of.
  previous_release_id uuid references updates,
  creator_id bigint references users on delete set null,
  created_at timestamptz not null default now()
);

create table update_images (
  update_id uuid not null references updates on delete cascade,
  image_id bigint not null references images on delete cascade,
  action text not null check (action in ('rebase', 'rebuild')),
  previous_version_id bigint references versions,
  version_id bigint not null references versions,
  primary key (update_id, image_id)
);
create index update_images_by_version on update_images (version_id);

alter table instance add column release_id uuid references updates;

create table idempotent_answers (
  user_id bigint not null references users on delete cascade,
  key text not null,
  request_digest bytea not null,
  status integer,
  body jsonb,
  created_at timestamptz not null default now(),
  primary key (user_id, key)
);

create table audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  user_name text,
  token_id uuid,
  workspace text,
  action text not null,
  subject text,
  outcome text not null check (outcome in ('done', 'refused', 'failed')),
  old jsonb,
  new jsonb,
  request_id text,
  address text
);
create index audit_by_time on audit (at desc, id desc);
create index audit_by_subject on audit (subject, id desc);
create index audit_by_user on audit (user_name, id desc);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is append-only';
end $$;
create trigger audit_is_append_only before update or delete or truncate on audit
  for each statement execute function refuse_change();
`,
} as const;
