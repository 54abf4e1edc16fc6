import { MantineProvider } from '@mantine/core';
import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import type { Plugin } from 'vite';
import { theme } from '../src/theme/theme.ts';

const name = 'virtual:theme-variables.css';
const place = '/theme-variables.css';

/**
 * The variables of the theme as a file of styles. Mantine would write them into the page when it starts, for which the policy of the
 * page had to allow every style that stands in it.
 */
export function themeVariables(): Plugin {
  return {
    name: 'theme-variables',
    resolveId: (id) => (id === name ? place : undefined),
    load: (id) => (id === place ? variablesOfTheme() : undefined),
  };
}

function variablesOfTheme(): string {
  const page = renderToStaticMarkup(createElement(MantineProvider, { theme, withGlobalClasses: false }));
  const [, styles] = /<style[^>]*>(.*?)<\/style>/s.exec(page) ?? [];
  if (styles === undefined) throw new TypeError('Mantine gave no variables of the theme');
  return styles;
}
