import { useConnection } from './connection.ts';
import classes from './connection-banner.module.css';

/** Says that the instance does not answer, for as long as it does not. */
export function ConnectionBanner() {
  const isLost = useConnection() === 'lost';
  return (
    <div role="status" aria-live="polite" data-connection={isLost ? 'lost' : undefined} className={classes['place']}>
      {isLost && (
        <p className={classes['banner']}>
          <span className={classes['dot']} aria-hidden="true" />
          The connection to the instance is lost. What you see may be old; it is tried again by itself.
        </p>
      )}
    </div>
  );
}
