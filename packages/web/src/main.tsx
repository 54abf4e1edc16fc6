import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createQueryClient } from './api/queries.ts';
import { createViewRouter } from './router.ts';
import './theme/styles.ts';
import { colorSchemes, theme } from './theme/theme.ts';

const root = document.getElementById('root');
if (root === null) throw new TypeError('the page has no place for the application');
const queryClient = createQueryClient(() => {
  const { pathname, href } = router.latestLocation;
  if (pathname !== '/sign-in') void router.navigate({ to: '/sign-in', search: { next: href } });
});
const router = createViewRouter(queryClient);
createRoot(root).render(
  <StrictMode>
    {/* Styles come as files alone: the page's policy refuses those that a script writes. */}
    <MantineProvider
      theme={theme}
      colorSchemeManager={colorSchemes}
      defaultColorScheme="auto"
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
