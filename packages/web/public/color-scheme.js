// Before anything is painted: the colours that were chosen in this browser, else those of the system.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem('mir-color-scheme');
  } catch {
    // A browser that keeps nothing follows the system.
  }
  const isDark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', isDark ? 'dark' : 'light');
})();
