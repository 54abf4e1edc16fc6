/** Whoever follows images is told which ones changed, by the database: no way of changing one can forget to. */
export const imageNotificationsMigration = {
  name: '0006-image-notifications',
  sql: `
-- Who removes an image asks who used it.
create index image_uses_by_image on image_uses (image_id, created_at);

-- Lists of a hundred thousand images begin with what changed last.
create index images_by_update on images (date_trunc('milliseconds', updated_at at time zone 'utc'), id)
  where removed_at is null;

-- One notification per image and transaction; one without a name where a statement changed many.
create function notify_of_images() returns trigger language plpgsql as $$
declare
  names text[];
begin
  names := array(select distinct name from changed limit 21);
  if cardinality(names) > 20 then
    perform pg_notify('mir_images', '');
  else
    perform pg_notify('mir_images', name) from unnest(names) as name;
  end if;
  return null;
end $$;

create trigger images_made after insert on images
  referencing new table as changed for each statement execute function notify_of_images();
create trigger images_changed after update on images
  referencing new table as changed for each statement execute function notify_of_images();
`,
} as const;
