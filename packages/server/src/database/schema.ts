import type { ProbeReport } from '@mir/builder';
import type { ChangeReason, FaultData, ImageStatus, OrganizationRole, VersionState, WorkspaceRole } from '@mir/core';
import type { ColumnType, Generated, GeneratedAlways, JSONColumnType } from 'kysely';
import type { Spec } from '../images/spec.ts';
import type { JobKind, JobPriority, JobProgress, JobState } from '../jobs/job.ts';
import type { RunOutcome } from '../runs/test-run.ts';
import type { UpdateKind, UpdateState } from '../updates/update.ts';

/** Set by the database when the row is made. */
type MadeAt = ColumnType<Date, Date | undefined, never>;
/** A document; written as its JSON text, read as data. */
type Json<Data extends object> = JSONColumnType<Data, string, string>;
type OptionalJson<Data extends object> = ColumnType<Data | null, string | null | undefined, string | null>;

/** A package as a version lists it. */
export type NamedVersion = { readonly name: string; readonly version: string };

/** A layer as a version lists it. */
export type VersionLayer = { readonly digest: string; readonly sizeBytes: number; readonly role: string };

/** How long a stage of a build took. */
export type StageDuration = { readonly stage: string; readonly seconds: number };

/** Something that was noticed while building. */
export type VersionProblem = { readonly code: string; readonly message: string; readonly fix: string };

/** The tables of the instance. */
export type Tables = {
  instance: {
    only_row: Generated<boolean>;
    id: Generated<string>;
    secret: Buffer;
    created_at: MadeAt;
    release_id: string | null;
    repository_prefix: string | null;
  };
  updates: {
    id: Generated<string>;
    kind: UpdateKind;
    label: string | null;
    requirements: Json<readonly string[]>;
    base_from: string | null;
    base_to: string | null;
    state: UpdateState;
    previous_release_id: string | null;
    creator_id: number | null;
    created_at: MadeAt;
  };
  update_images: {
    update_id: string;
    image_id: number;
    action: 'rebase' | 'rebuild';
    previous_version_id: number | null;
    version_id: number;
  };
  users: {
    id: GeneratedAlways<number>;
    name: string;
    role: OrganizationRole;
    password_hash: string | null;
    is_active: Generated<boolean>;
    created_at: MadeAt;
  };
  workspaces: { id: GeneratedAlways<number>; name: string; created_at: MadeAt; served_at: Generated<Date> };
  members: { workspace_id: number; user_id: number; role: WorkspaceRole };
  api_tokens: {
    id: Generated<string>;
    hash: Buffer;
    name: string;
    user_id: number;
    workspace_id: number;
    created_at: MadeAt;
    expires_at: Date;
    revoked_at: Date | null;
    last_used_at: Date | null;
  };
  sessions: { hash: Buffer; user_id: number; created_at: MadeAt; expires_at: Date };
  set_up_links: { hash: Buffer; expires_at: Date; bound_to: Buffer | null; used_at: Date | null };
  sign_in_failures: { id: GeneratedAlways<number>; subject: string; at: MadeAt };
  images: {
    id: GeneratedAlways<number>;
    name: string;
    repository: string;
    role: 'USER_DEFINED' | 'SYSTEM';
    status: ImageStatus;
    image_type: string | null;
    python_version: string | null;
    base_name: string | null;
    parent_id: number | null;
    creator_id: number | null;
    workspace_id: number | null;
    current_version_id: number | null;
    latest_version_id: number | null;
    package_ids: Generated<number[]>;
    /** What lists show, kept by the database: of the current version, before there is one of the latest. */
    shown_size_bytes: Generated<number | null>;
    shown_packages: Generated<number>;
    creator_name: Generated<string | null>;
    created_at: MadeAt;
    updated_at: Generated<Date>;
    removed_at: Date | null;
    removed_by: string | null;
  };
  versions: {
    id: GeneratedAlways<number>;
    image_id: number;
    number: number;
    tag: string;
    state: VersionState;
    spec: Json<Spec>;
    spec_key: Buffer;
    reasons: Json<readonly ChangeReason[]>;
    digest: string | null;
    lock_digest: string | null;
    base_name: string | null;
    base_digest: string | null;
    python_version: string | null;
    libraries: OptionalJson<readonly NamedVersion[]>;
    os_packages: OptionalJson<readonly NamedVersion[]>;
    layers: OptionalJson<readonly VersionLayer[]>;
    size_bytes: number | null;
    problems: OptionalJson<readonly VersionProblem[]>;
    durations: OptionalJson<readonly StageDuration[]>;
    failure: OptionalJson<FaultData>;
    probes: OptionalJson<readonly ProbeReport[]>;
    job_id: string | null;
    creator_id: number | null;
    created_at: MadeAt;
    finished_at: Date | null;
  };
  version_locks: { version_id: number; platform: string; text: string };
  packages: { id: GeneratedAlways<number>; name: string; version: string };
  os_catalogues: { suite: string; read_at: Generated<Date> };
  os_packages: { suite: string; name: string };
  jobs: {
    id: Generated<string>;
    kind: JobKind;
    key: Buffer;
    priority: JobPriority;
    workspace_id: number | null;
    creator_id: number | null;
    state: JobState;
    payload: Json<object>;
    result: OptionalJson<object>;
    failure: OptionalJson<FaultData>;
    progress: OptionalJson<JobProgress>;
    attempts: Generated<number>;
    run_after: Generated<Date>;
    worker_id: string | null;
    lease_until: Date | null;
    cancel_requested_at: Date | null;
    request_id: string | null;
    created_at: MadeAt;
    started_at: Date | null;
    finished_at: Date | null;
  };
  job_log: { job_id: string; number: number; at: MadeAt; stage: string | null; text: string };
  layer_records: { name: string; key: Json<readonly string[]>; record: Json<object>; made_at: MadeAt };
  image_uses: {
    id: Generated<string>;
    image_id: number;
    version_id: number;
    used_by: string;
    user_id: number | null;
    workspace_id: number | null;
    created_at: MadeAt;
    expires_at: Date;
    ended_at: Date | null;
  };
  file_sets: {
    id: Generated<string>;
    user_id: number | null;
    is_whole: Generated<boolean>;
    files: Generated<number>;
    size_bytes: Generated<number>;
    /** Set anew when a run takes them. */
    created_at: ColumnType<Date, never, Date>;
  };
  files: { set_id: string; number: number; path: string; is_executable: boolean; size_bytes: number };
  file_pieces: { set_id: string; file_number: number; number: number; bytes: Buffer };
  pull_secrets: {
    name: string;
    registry: string;
    sealed: Buffer;
    creator_id: number | null;
    created_at: MadeAt;
  };
  pull_secret_workspaces: { secret_name: string; workspace_id: number };
  test_runs: {
    id: Generated<string>;
    job_id: string;
    image_id: number | null;
    version_id: number | null;
    use_id: string | null;
    image_name: string;
    is_external: boolean;
    digest: string | null;
    pull_secret: string | null;
    workspace_id: number | null;
    creator_id: number | null;
    command: Json<readonly string[]>;
    variable_names: Json<readonly string[]>;
    sealed_variables: Buffer | null;
    time_limit_seconds: number;
    memory_bytes: number;
    wants_network: boolean;
    files_id: string | null;
    results_id: string | null;
    outcome: OptionalJson<RunOutcome>;
    created_at: MadeAt;
  };
  outbox: {
    id: GeneratedAlways<number>;
    kind: string;
    payload: Json<object>;
    priority: Generated<number>;
    workspace_id: number | null;
    attempts: Generated<number>;
    run_after: Generated<Date>;
    last_error: string | null;
    created_at: MadeAt;
    done_at: Date | null;
  };
  registry_repositories: {
    registry: string;
    repository: string;
    asked_at: Generated<Date>;
    made_at: Date | null;
    lost_at: Date | null;
    removed_at: Date | null;
  };
  registry_buckets: { name: string; tokens: number; updated_at: Generated<Date> };
  idempotent_answers: {
    user_id: number;
    key: string;
    request_digest: Buffer;
    status: number | null;
    body: OptionalJson<object>;
    created_at: MadeAt;
  };
  audit: {
    id: GeneratedAlways<number>;
    at: MadeAt;
    user_name: string | null;
    token_id: string | null;
    workspace: string | null;
    action: string;
    subject: string | null;
    outcome: 'done' | 'refused' | 'failed';
    old: OptionalJson<object>;
    new: OptionalJson<object>;
    request_id: string | null;
    address: string | null;
  };
};
