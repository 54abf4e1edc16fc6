import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { call } from '../api/call.ts';
import type { Plan } from '../api/types.ts';
import { counted, formatSize } from '../format/size.ts';
import { Pane } from '../parts/pane.tsx';
import { type LockChanges, lockChanges } from './lock-changes.ts';
import { readPins } from './lock-pins.ts';
import { changeWords, PackageChanges } from './package-changes.tsx';

type LockChangeProps = {
  readonly name: string;
  /** The version that the plan is compared with. */
  readonly number: number;
  readonly plan: Plan;
};

/** What a plan would change in the locks of an image, of all its platforms. */
export function LockChange({ name, number, plan }: LockChangeProps) {
  const changes = useQuery({
    queryKey: ['image', name, 'lock-changes', number, plan.platforms.map(({ lockDigest }) => lockDigest)],
    queryFn: async ({ signal }) => {
      const params = { name, number: String(number) };
      const { version } = await call('getVersion', { params, signal });
      const [before, after] = await Promise.all([
        Promise.all(
          version.lockPlatforms.map(async (platform) =>
            readPins(platform, await call('getLock', { params, query: { platform }, signal })),
          ),
        ),
        Promise.all(plan.platforms.map(({ platform, lock }) => readPins(platform, lock))),
      ]);
      return before.length === 0 ? null : lockChanges(before, after);
    },
    placeholderData: keepPreviousData,
  });
  return (
    <Pane query={changes}>
      {(found) =>
        found === null ? (
          <p>Version {number} has no lock yet, so there is nothing to compare with.</p>
        ) : (
          <Changes changes={found} number={number} plan={plan} />
        )
      }
    </Pane>
  );
}

function Changes({
  changes: { changes, base, addedPlatforms, droppedPlatforms },
  number,
  plan,
}: {
  readonly changes: LockChanges;
  readonly number: number;
  readonly plan: Plan;
}) {
  const ofPython = changes.filter(({ kind }) => kind === 'wheel');
  const ofSystem = changes.filter(({ kind }) => kind === 'os-package');
  const others = [
    ...(base === undefined ? [] : [baseWords(base)]),
    ...plan.platforms
      .filter(({ platform }) => addedPlatforms.includes(platform))
      .map((one) => `${one.platform} is new: ${platformWords(one)}.`),
    ...droppedPlatforms.map((platform) => `${platform} is no longer built; version ${number} keeps it.`),
  ];
  return (
    <>
      <p>
        {changes.length === 0 && others.length > 0
          ? `The same packages as in version ${number}.`
          : ofPython.length === 0 && ofSystem.length > 0
            ? `Only OS packages change, compared with version ${number}.`
            : `${changeWords(ofPython)}, compared with version ${number}.`}
      </p>
      {others.map((words) => (
        <p key={words}>{words}</p>
      ))}
      {ofPython.length > 0 && <PackageChanges changes={ofPython} label="What would change in the lock" />}
      {ofSystem.length > 0 && (
        <>
          <p>OS packages: {changeWords(ofSystem)}.</p>
          <PackageChanges changes={ofSystem} label="What would change among the OS packages" />
        </>
      )}
    </>
  );
}

function baseWords({ before, after }: NonNullable<LockChanges['base']>): string {
  return before === after ? `The base ${after} is newer by its fixes.` : `The base: ${before} → ${after}.`;
}

function platformWords({ packages, bytesToMove, bytesShared }: Plan['platforms'][number]): string {
  return `${counted(packages.length, 'package')}, ${formatSize(bytesToMove + bytesShared)}`;
}
