import { useEffect, useRef, useState } from 'react';

/**
 * For a menu that is a part of the application of its own, and loaded when its button is pressed: that press, it cannot hear. It takes
 * the focus over from the button that stood in its place, and opens.
 */
export function useOpenedAtOnce() {
  const target = useRef<HTMLButtonElement>(null);
  const [opened, setOpened] = useState(false);
  useEffect(() => {
    target.current?.focus();
    setOpened(true);
  }, []);
  return { target, menu: { opened, onChange: setOpened } };
}
