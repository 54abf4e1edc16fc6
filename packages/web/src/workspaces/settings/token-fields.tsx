import { NativeSelect, TextInput } from '@mantine/core';

/** For how long a token may work; the longest is what the instance allows. */
const lifetimes = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '270', label: '270 days' },
] as const;

type FieldProps = { readonly value: string; readonly onChange: (value: string) => void };

/** What a token is called. */
export function TokenName({ value, onChange }: FieldProps) {
  return (
    <TextInput
      label="Name"
      placeholder="What it is for"
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      maxLength={128}
      required
      w={160}
    />
  );
}

/** How many days a token works. */
export function TokenLifetime({ value, onChange }: FieldProps) {
  return (
    <NativeSelect
      label="Works for"
      data={[...lifetimes]}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
