import { ActionIcon } from '@mantine/core';
import { useSuspenseQuery } from '@tanstack/react-query';
import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { isAdministrator, meQuery } from '../api/queries.ts';
import { ConnectionBanner } from '../connection/connection-banner.tsx';
import { Icon, type IconName } from '../icons/icon.tsx';
import { AccountMenu } from './account-menu.tsx';
import { Brand } from './brand.tsx';
import { useCurrentWorkspace } from './current-workspace.ts';
import classes from './shell.module.css';

/** What is around every view of who has signed in: where one is, where one can go, and who one is. */
export function Shell() {
  const [isOpen, setIsOpen] = useState(false);
  const { pathname } = useLocation();
  // On a narrow screen the navigation lies over the view, and goes when it has done its work.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it closes whenever the path changes, whatever it is.
  useEffect(() => setIsOpen(false), [pathname]);
  return (
    <div className={classes['shell']}>
      <a className={classes['skip']} href="#view">
        Skip to the content
      </a>
      <header className={classes['top']}>
        <ActionIcon
          className={classes['burger'] ?? ''}
          variant="subtle"
          color="gray"
          aria-label={isOpen ? 'Close the navigation' : 'Open the navigation'}
          aria-expanded={isOpen}
          aria-controls="navigation"
          onClick={() => setIsOpen(!isOpen)}
        >
          <Icon name={isOpen ? 'close' : 'menu'} />
        </ActionIcon>
        <Brand />
        <AccountMenu />
      </header>
      <Navigation isOpen={isOpen} />
      <div className={classes['rest']}>
        <main id="view" tabIndex={-1} className={classes['view']}>
          <Outlet />
        </main>
        <ConnectionBanner />
      </div>
    </div>
  );
}

function Navigation({ isOpen }: { readonly isOpen: boolean }) {
  const workspace = useCurrentWorkspace();
  const { data: me } = useSuspenseQuery(meQuery);
  const { pathname } = useLocation();
  const isAboutImages = /^\/(?:images\/|create-image)|\/settings\/managed-images$/.test(pathname);
  return (
    <nav id="navigation" aria-label="Main" className={classes['navigation']} data-open={isOpen}>
      <ul className={classes['places']}>
        <li>
          <Link to="/workspaces" activeOptions={{ exact: true }} className={classes['place']}>
            <Words icon="workspace">Workspaces</Words>
          </Link>
        </li>
        {workspace !== undefined && (
          <li>
            <Link
              to="/workspaces/$workspace/settings/managed-images"
              params={{ workspace }}
              activeOptions={{ exact: true }}
              data-here={isAboutImages}
              className={classes['place']}
            >
              <Words icon="image">Images</Words>
            </Link>
          </li>
        )}
        <li>
          <Link to="/jobs" className={classes['place']}>
            <Words icon="jobs">Jobs</Words>
          </Link>
        </li>
        {isAdministrator(me) && (
          <li>
            <Link to="/administration" className={classes['place']}>
              <Words icon="shield">Administration</Words>
            </Link>
          </li>
        )}
        {workspace !== undefined && (
          <>
            <li className={classes['group']}>{workspace}</li>
            <li>
              <Link
                to="/workspaces/$workspace"
                params={{ workspace }}
                activeOptions={{ exact: true }}
                className={classes['place']}
              >
                <Words icon="summary">Summary</Words>
              </Link>
            </li>
          </>
        )}
      </ul>
      {workspace !== undefined && (
        <ul className={classes['places']}>
          <li>
            <Link to="/workspaces/$workspace/settings" params={{ workspace }} className={classes['place']}>
              <Words icon="settings">Settings</Words>
            </Link>
          </li>
        </ul>
      )}
    </nav>
  );
}

function Words({ icon, children }: { readonly icon: IconName; readonly children: string }) {
  return (
    <>
      <Icon name={icon} size={18} />
      <span>{children}</span>
    </>
  );
}
