import { createTheme, localStorageColorSchemeManager, type MantineColorsTuple } from '@mantine/core';

/** The one accent: what can be done, and what is chosen. */
const accent: MantineColorsTuple = [
  '#ecf7f3',
  '#d6ece4',
  '#aad9c8',
  '#7bc5aa',
  '#54b491',
  '#3ba981',
  '#1c8a66',
  '#137355',
  '#0d5c44',
  '#054533',
];

/** A little cooler than Mantine's own greys in the dark, so that the accent stands out calmly. */
const dark: MantineColorsTuple = [
  '#d3d7de',
  '#b4bac4',
  '#949ba8',
  '#6d7583',
  '#464d5a',
  '#343a46',
  '#262b34',
  '#1b1f26',
  '#15181e',
  '#0f1216',
];

export const theme = createTheme({
  primaryColor: 'accent',
  primaryShade: 7,
  colors: { accent, dark },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: {
    fontWeight: '650',
    sizes: { h1: { fontSize: '1.5rem' }, h2: { fontSize: '1.125rem' }, h3: { fontSize: '1rem' } },
  },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  // Nearly everything that is asked for is needed; what is not says so.
  components: {
    InputWrapper: { defaultProps: { withAsterisk: false } },
    // What scrolls is the view, which lies under the dialog; the lock would write a style into the page.
    Modal: {
      defaultProps: { radius: 'lg', lockScroll: false, centered: true, closeButtonProps: { 'aria-label': 'Close' } },
      styles: { title: { fontWeight: 650 } },
    },
    PasswordInput: { defaultProps: { visibilityToggleButtonProps: { 'aria-label': 'Show the password' } } },
  },
});

/** The choice that public/color-scheme.js reads before anything is painted. */
export const colorSchemes = localStorageColorSchemeManager({ key: 'mir-color-scheme' });
