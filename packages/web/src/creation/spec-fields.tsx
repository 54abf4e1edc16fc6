import { Checkbox, NativeSelect, TagsInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useId } from 'react';
import { basesQuery, imageTypesQuery } from '../api/queries.ts';
import type { Draft } from './draft.ts';
import classes from './spec-fields.module.css';
import type { PythonChoice } from './wanted-python.ts';

const allPlatforms = ['linux/amd64', 'linux/arm64'] as const;

type SpecFieldsProps = {
  readonly draft: Draft;
  readonly onChange: (changed: Partial<Draft>) => void;
  readonly python: PythonChoice;
  /** What the choice of a Python says while nobody has made one. */
  readonly unchosenPython: string;
  /** Those that the instance builds for by itself, where they are known: whoever chooses one more has to choose them, too. */
  readonly unchosenPlatforms?: readonly string[];
};

/** All that a spec has besides Python packages. */
export function SpecFields({ draft, onChange, python, unchosenPython, unchosenPlatforms = [] }: SpecFieldsProps) {
  const types = useQuery(imageTypesQuery);
  const bases = useQuery(basesQuery);
  const chosenType = types.data?.imageTypes.find(({ name }) => name === draft.imageType);
  const known = bases.data?.bases ?? [];
  const isOther = draft.pythonVersion !== '' && !known.some((one) => one.pythonVersion === draft.pythonVersion);
  return (
    <>
      <div className={classes['pair']}>
        <NativeSelect
          label="Image type"
          description={chosenType?.summary || 'Packages for a use case'}
          value={draft.imageType}
          onChange={(event) => onChange({ imageType: event.currentTarget.value })}
          // What a draft says is there before it is known what could be chosen instead.
          data={[
            { value: '', label: 'None' },
            ...(draft.imageType !== '' && chosenType === undefined ? [draft.imageType] : []),
            ...(types.data?.imageTypes ?? []).map(({ name }) => name),
          ]}
        />
        <NativeSelect
          label="Python"
          description={draft.base === undefined ? 'Its base comes with it' : `That of its base, ${draft.base}`}
          value={draft.pythonVersion}
          onChange={(event) => onChange({ pythonVersion: event.currentTarget.value })}
          disabled={draft.base !== undefined}
          data={[
            { value: '', label: python.isOfFile ? `${python.version}, as the file asks` : unchosenPython },
            ...(isOther ? [draft.pythonVersion] : []),
            ...known.map(({ name, pythonVersion }) => ({
              value: pythonVersion,
              label: `${pythonVersion} (${name})`,
            })),
          ]}
        />
      </div>
      <TagsInput
        label="OS packages"
        description="Debian packages, such as libgomp1; Enter after each"
        value={[...draft.osPackages]}
        onChange={(osPackages) => onChange({ osPackages })}
        splitChars={[',', ' ']}
        acceptValueOnBlur
      />
      <Platforms draft={draft} onChange={onChange} unchosenPlatforms={unchosenPlatforms} />
      <Checkbox
        label="Build packages from their sources where they have no wheel"
        description="In the sandbox, without network; takes longer"
        checked={draft.allowSdist}
        onChange={(event) => onChange({ allowSdist: event.currentTarget.checked })}
      />
    </>
  );
}

function Platforms({
  draft,
  onChange,
  unchosenPlatforms,
}: Required<Pick<SpecFieldsProps, 'draft' | 'onChange' | 'unchosenPlatforms'>>) {
  const id = useId();
  return (
    <fieldset className={classes['platforms']} aria-describedby={`${id}-said`}>
      <legend>Platforms</legend>
      {allPlatforms.map((platform) => (
        <Checkbox
          key={platform}
          label={platform}
          checked={draft.platforms.includes(platform)}
          onChange={(event) =>
            onChange({
              platforms: allPlatforms.filter((one) =>
                one === platform ? event.currentTarget.checked : draft.platforms.includes(one),
              ),
            })
          }
        />
      ))}
      <p id={`${id}-said`}>
        None chosen: those that the instance builds for by itself
        {unchosenPlatforms.length > 0 && ` (${unchosenPlatforms.join(', ')})`}.
      </p>
    </fieldset>
  );
}
