import { Button, PasswordInput, Stack } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useLocation, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../api/call.ts';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import { Entrance } from './entrance.tsx';

/** The password of the administrator has to be so long; the instance checks it again. */
const shortest = 8;

/** What the one-time link of a first start opens: the administrator's password is chosen here. */
export function SetUp() {
  const code = new URLSearchParams(useLocation().hash).get('code') ?? '';
  const opened = useQuery({
    queryKey: ['set-up', code],
    queryFn: () => call('openSetUp', { body: { code } }),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  return (
    <Entrance>
      <Heading title="Set up" about="This instance is new. Its first account is its administrator's.">
        Choose the password of “admin”
      </Heading>
      {opened.isError ? (
        <FaultMessage fault={opened.error}>
          <Link to="/sign-in" search={{}}>
            Sign in instead
          </Link>
        </FaultMessage>
      ) : (
        <PasswordForm code={code} isReady={opened.isSuccess} />
      )}
    </Entrance>
  );
}

function PasswordForm({ code, isReady }: { readonly code: string; readonly isReady: boolean }) {
  const [first, setFirst] = useState('');
  const [second, setSecond] = useState('');
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const setUp = useMutation({
    mutationFn: () => call('setUp', { body: { code, password: first } }),
    onSuccess: async () => {
      queryClient.clear();
      await navigate({ to: '/workspaces', replace: true });
    },
  });
  const isTooShort = first !== '' && first.length < shortest;
  const isOther = second !== '' && second !== first;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (first.length >= shortest && first === second) setUp.mutate();
      }}
    >
      <Stack gap="md">
        <input type="text" name="username" autoComplete="username" value="admin" readOnly hidden />
        <PasswordInput
          label="Password"
          description={`At least ${shortest} characters`}
          name="password"
          autoComplete="new-password"
          value={first}
          onChange={(event) => setFirst(event.currentTarget.value)}
          error={isTooShort && second !== '' ? `It has ${first.length} of at least ${shortest} characters` : undefined}
          required
          autoFocus
        />
        <PasswordInput
          label="Password again"
          name="again"
          autoComplete="new-password"
          value={second}
          onChange={(event) => setSecond(event.currentTarget.value)}
          error={isOther ? 'The two are different' : undefined}
          required
          visibilityToggleButtonProps={{ 'aria-label': 'Show the repeated password' }}
        />
        {setUp.isError && <FaultMessage fault={setUp.error} />}
        <Button
          type="submit"
          loading={setUp.isPending}
          disabled={!isReady || first.length < shortest || first !== second}
          fullWidth
        >
          Make the account and sign in
        </Button>
      </Stack>
    </form>
  );
}
