import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import classes from './no-images.module.css';

/** In place of an empty list: what to do next. */
export function NoImages({ isFiltered, onClear }: { readonly isFiltered: boolean; readonly onClear: () => void }) {
  if (isFiltered) {
    return (
      <div className={classes['empty']}>
        <p className={classes['title']}>No image is like that</p>
        <p>Look for less, or create an image with what you need.</p>
        <Button variant="default" size="xs" onClick={onClear}>
          Show all images
        </Button>
      </div>
    );
  }
  return (
    <div className={classes['empty']}>
      <p className={classes['title']}>There are no managed images yet</p>
      <p>
        A managed image holds exactly the Python packages that you name. Everybody on this instance can use it in test
        runs, or pull it.
      </p>
      <Button component={Link} to="/create-image">
        Create the first image
      </Button>
    </div>
  );
}
