/** Images that were removed are found at once. */
export const removedImagesMigration = {
  name: '0004-removed-images',
  sql: `
-- Each new image asks whether its name was used before; administrators page through what was removed last.
create index images_removed_by_name on images (name) where removed_at is not null;
create index images_removed_by_time on images (date_trunc('milliseconds', removed_at at time zone 'utc'), id)
  where removed_at is not null;
`,
} as const;
