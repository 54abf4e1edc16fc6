import { Link } from '@tanstack/react-router';
import type { ImageDetails } from '../api/types.ts';
import { counted } from '../format/size.ts';
import classes from './family.module.css';

const shown = 8;

/** What an image is made from, and what is made from it. */
export function Family({ image, count }: { readonly image: ImageDetails; readonly count: number }) {
  const children = image.children.slice(0, shown);
  return (
    <div className={classes['family']}>
      <ul aria-label="Made from">
        <li>
          {image.parent === null ? (
            <span className={classes['box']}>{image.base ?? 'the standard base'}</span>
          ) : (
            <Link to="/images/$name" params={{ name: image.parent }} className={classes['box']}>
              {image.parent}
            </Link>
          )}
        </li>
      </ul>
      <span className={classes['arrow']} aria-hidden="true" />
      <strong className={classes['box']} data-self="true">
        {image.name}
      </strong>
      {children.length > 0 && (
        <>
          <span className={classes['arrow']} aria-hidden="true" />
          <ul aria-label="Images made from it">
            {children.map((name) => (
              <li key={name}>
                <Link to="/images/$name" params={{ name }} className={classes['box']}>
                  {name}
                </Link>
              </li>
            ))}
            {count > children.length && <li>and {counted(count - children.length, 'image')} more</li>}
          </ul>
        </>
      )}
    </div>
  );
}
