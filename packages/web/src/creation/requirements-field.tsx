import { Button, FileButton, Input } from '@mantine/core';
import { type DragEvent, useId, useRef, useState } from 'react';
import { Icon } from '../icons/icon.tsx';
import classes from './requirements-field.module.css';
import { kindNames, type LineFault, type Requested } from './requirements-text.ts';

/** A list of packages is smaller; what is larger was dropped by mistake. */
const fileLimitBytes = 1 << 20;

type RequirementsFieldProps = {
  readonly text: string;
  readonly onChange: (text: string) => void;
  readonly requested: Requested;
  readonly faults: readonly LineFault[];
};

/** Where requirements are typed, pasted or dropped; what is wrong is said at its line. */
export function RequirementsField({ text, onChange, requested, faults }: RequirementsFieldProps) {
  const id = useId();
  const gutter = useRef<HTMLDivElement>(null);
  const [isOver, setIsOver] = useState(false);
  const [refused, setRefused] = useState<string>();
  const take = async (file: File | null | undefined) => {
    if (file == null) return;
    if (file.size > fileLimitBytes)
      return setRefused(`${file.name} is larger than 1 MB, which no list of packages is.`);
    setRefused(undefined);
    onChange(await file.text());
  };
  const drop = (event: DragEvent) => {
    setIsOver(false);
    const [file] = event.dataTransfer.files;
    if (file === undefined) return;
    event.preventDefault();
    void take(file);
  };
  const wrong = new Set(faults.map(({ line }) => line));
  const count = Math.max(8, text.split('\n').length);
  return (
    <div>
      <div className={classes['head']}>
        <Input.Label htmlFor={id}>Packages</Input.Label>
        <FileButton onChange={take} accept=".txt,.toml,.yml,.yaml,.in,.lock">
          {(given) => (
            <Button {...given} size="compact-xs" variant="subtle" leftSection={<Icon name="download" size={14} />}>
              Open a file
            </Button>
          )}
        </FileButton>
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is one more way; the button does the same for the keyboard. */}
      <div
        className={classes['field']}
        data-over={isOver}
        data-wrong={faults.length > 0}
        onDragOver={(event) => {
          event.preventDefault();
          setIsOver(true);
        }}
        onDragLeave={() => setIsOver(false)}
        onDrop={drop}
      >
        <div ref={gutter} className={classes['gutter']} aria-hidden="true">
          {Array.from({ length: count }, (_, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name than their number.
            <div key={at} data-wrong={wrong.has(at + 1)}>
              {at + 1}
            </div>
          ))}
        </div>
        <textarea
          id={id}
          className={classes['text']}
          value={text}
          rows={Math.min(count, 18)}
          spellCheck={false}
          autoCapitalize="none"
          autoCorrect="off"
          placeholder={
            'pandas<3\nscikit-learn\nlightgbm==4.5.0\n\nor drop a file here: requirements.txt,\npyproject.toml, environment.yml, a lock'
          }
          aria-invalid={faults.length > 0}
          aria-describedby={`${id}-said`}
          onChange={(event) => onChange(event.currentTarget.value)}
          onScroll={(event) => {
            if (gutter.current !== null) gutter.current.scrollTop = event.currentTarget.scrollTop;
          }}
        />
      </div>
      <div id={`${id}-said`} className={classes['said']} role="status">
        {refused !== undefined && <p data-wrong="true">{refused}</p>}
        {faults.slice(0, 8).map(({ line, message }) => (
          <p key={`${line} ${message}`} data-wrong="true">
            <strong>Line {line}:</strong> {message}
          </p>
        ))}
        {faults.length > 8 && <p data-wrong="true">… and {faults.length - 8} more lines</p>}
        {requested.kind !== 'requirements' && faults.length === 0 && <p>Read as {kindNames[requested.kind]}.</p>}
        {requested.notes.map((note) => (
          <p key={note}>{note}</p>
        ))}
      </div>
    </div>
  );
}
