/** Lists of a hundred thousand images are sorted by what they show, and gone through from anywhere. */
export const ordersOfImagesMigration = {
  name: '0007-orders-of-images',
  sql: `
-- Processes of the release before may be at work: whoever waits for whom is settled before anything is done.
lock table versions, jobs, images in access exclusive mode;

-- What lists show of an image and know of others: its size and packages from its shown version, its creator from the accounts, whose
-- names never change. An index needs them in one place.
alter table images
  add column shown_size_bytes bigint,
  add column shown_packages integer not null default 0,
  add column creator_name text collate "C";

update images set shown_size_bytes = versions.size_bytes,
  shown_packages = coalesce(jsonb_array_length(versions.libraries), 0),
  creator_name = users.name
from images as same
  left join versions on versions.id = coalesce(same.current_version_id, same.latest_version_id)
  left join users on users.id = same.creator_id
where same.id = images.id;

-- No way of changing an image can forget them.
create function note_what_is_shown() returns trigger language plpgsql as $$
declare
  shown record;
begin
  new.creator_name := (select name from users where id = new.creator_id);
  select size_bytes, coalesce(jsonb_array_length(libraries), 0) as packages into shown
  from versions where id = coalesce(new.current_version_id, new.latest_version_id);
  if found then
    new.shown_size_bytes := shown.size_bytes;
    new.shown_packages := shown.packages;
  end if;
  return new;
end $$;
create trigger images_show before insert or update of creator_id, current_version_id, latest_version_id on images
  for each row execute function note_what_is_shown();

create function show_on_image() returns trigger language plpgsql as $$
begin
  update images set shown_size_bytes = new.size_bytes, shown_packages = coalesce(jsonb_array_length(new.libraries), 0)
  where id = new.image_id and coalesce(current_version_id, latest_version_id) = new.id;
  return null;
end $$;
create trigger versions_show after update of size_bytes, libraries on versions
  for each row execute function show_on_image();

-- 3.9 comes before 3.11; what is no Python, before both.
create function order_of_python(version text) returns integer language sql immutable parallel safe as $$
  select coalesce(substring(version from '^(\\d{1,3})\\.\\d')::integer * 1000 + substring(version from '^\\d{1,3}\\.(\\d{1,3})')::integer, 0)
$$;

-- One for each order. With what their expressions are made of in them, places far down a list are found without reading the images before them.
drop index images_by_update;
create index images_by_update on images (date_trunc('milliseconds', updated_at at time zone 'utc'), id) include (updated_at)
  where removed_at is null;
create index images_by_making on images (id) where removed_at is null;
create index images_in_order_of_names on images (name, id) where removed_at is null;
create index images_by_status on images ((status collate "C"), id) include (status) where removed_at is null;
create index images_by_type on images ((case when role = 'SYSTEM' then 'system' else coalesce(image_type, '') end collate "C"), id)
  include (role, image_type) where removed_at is null;
create index images_by_python on images (order_of_python(python_version), id) include (python_version) where removed_at is null;
create index images_by_packages on images (shown_packages, id) where removed_at is null;
create index images_by_size on images (coalesce(shown_size_bytes, -1), id) include (shown_size_bytes) where removed_at is null;
create index images_by_creator on images (coalesce(creator_name, ''), id) include (creator_name) where removed_at is null;

-- Whoever follows test runs is told which ones changed, by the job of each.
create function notify_of_runs() returns trigger language plpgsql as $$
begin
  perform pg_notify('mir_runs', new.id::text);
  return null;
end $$;
create trigger runs_changed after insert or update of state, cancel_requested_at on jobs
  for each row when (new.kind = 'run') execute function notify_of_runs();
`,
} as const;
