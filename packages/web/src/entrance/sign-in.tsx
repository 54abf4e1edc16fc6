import { Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { call } from '../api/call.ts';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import { Entrance } from './entrance.tsx';

/** Signing in with a name and a password. */
export function SignIn() {
  const { next } = useSearch({ from: '/sign-in' });
  const router = useRouter();
  const queryClient = useQueryClient();
  const signIn = useMutation({
    mutationFn: (body: { readonly name: string; readonly password: string }) => call('signIn', { body }),
    onSuccess: async () => {
      queryClient.clear();
      // Going back leads to where somebody came from, not to signing in again.
      router.history.replace(next ?? '/workspaces');
    },
  });
  return (
    <Entrance>
      <Heading title="Sign in" about={next === undefined ? undefined : 'You are taken back to where you were.'}>
        Sign in
      </Heading>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          signIn.mutate({ name: String(form.get('name')), password: String(form.get('password')) });
        }}
      >
        <Stack gap="md">
          <TextInput label="Name" name="name" autoComplete="username" autoCapitalize="none" required autoFocus />
          <PasswordInput label="Password" name="password" autoComplete="current-password" required />
          {signIn.isError && <FaultMessage fault={signIn.error} />}
          <Button type="submit" loading={signIn.isPending} fullWidth>
            Sign in
          </Button>
        </Stack>
      </form>
    </Entrance>
  );
}
