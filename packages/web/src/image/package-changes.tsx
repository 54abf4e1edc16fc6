import { counted, formatSize } from '../format/size.ts';
import { DataTable } from '../parts/data-table.tsx';
import classes from './package-changes.module.css';

/** A package that is there at another version, or only before, or only after. */
export type PackageChange = {
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly note?: string | undefined;
  /** Where it is so, when it is not so everywhere. */
  readonly platforms?: readonly string[] | undefined;
};

/** What is different between two sets of packages. */
export function PackageChanges({
  changes,
  label,
}: {
  readonly changes: readonly PackageChange[];
  readonly label: string;
}) {
  if (changes.length === 0) return <p>The packages are the same.</p>;
  return (
    <DataTable label={label}>
      <thead>
        <tr>
          <th scope="col">Package</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
          <th scope="col">Change</th>
        </tr>
      </thead>
      <tbody>
        {changes.map((change) => (
          <tr
            key={`${change.name} ${change.before} ${change.after} ${change.platforms?.join()}`}
            data-kind={kindOf(change)}
            className={classes['change']}
          >
            <th scope="row">
              {change.name}
              {change.platforms?.map((platform) => (
                <span key={platform} className={classes['platform']}>
                  {platform} only
                </span>
              ))}
            </th>
            <td className="number">{change.before ?? '–'}</td>
            <td className="number">{change.after ?? '–'}</td>
            <td>{change.note ?? kindOf(change)}</td>
          </tr>
        ))}
      </tbody>
    </DataTable>
  );
}

/** What is different, in one line. */
export function changeWords(changes: readonly PackageChange[], bytes?: number): string {
  // What differs by platform is one package all the same.
  const count = (kind: string) => new Set(changes.filter((one) => kindOf(one) === kind).map(({ name }) => name)).size;
  const parts = [
    [count('added'), 'added'],
    [count('taken out'), 'taken out'],
    [count('changed'), 'changed'],
  ] as const;
  const words = parts.filter(([number]) => number > 0).map(([number, word]) => `${counted(number, 'package')} ${word}`);
  if (words.length === 0) words.push('The same packages');
  if (bytes !== undefined && bytes !== 0) words.push(`${formatSize(Math.abs(bytes))} ${bytes > 0 ? 'more' : 'less'}`);
  return words.join(', ');
}

function kindOf({ before, after }: PackageChange): 'added' | 'taken out' | 'changed' {
  return before === null ? 'added' : after === null ? 'taken out' : 'changed';
}
