/** Versions know their Python, names have one order everywhere. */
export const versionsAndOrderMigration = {
  name: '0002-versions-and-order',
  sql: `
-- The Python that a version holds, X.Y: an image that goes back to it is of that Python again. Null where it is not known.
alter table versions add column python_version text;
update versions set python_version = found.python_version
from (
  select version_id, min(substring(text from '\\npython-version = "([0-9]+\\.[0-9]+)')) as python_version
  from version_locks group by version_id
) as found
where found.version_id = versions.id;
update versions set python_version = images.python_version
from images where images.current_version_id = versions.id and versions.python_version is null;

-- By bytes, whatever collation the database was made with: pages of a list and their tokens then mean the same on every instance.
alter table images alter column name type text collate "C";
alter table users alter column name type text collate "C";
alter table workspaces alter column name type text collate "C";
alter table packages alter column name type text collate "C";
alter table os_packages alter column name type text collate "C";
`,
} as const;
