import { CopyButton } from '../../parts/copy-button.tsx';
import classes from './made-token.module.css';

type MadeTokenProps = { readonly name: string; readonly owner?: string; readonly secret: string };

/** A token that was made a moment ago; nobody is told its secret again. */
export function MadeToken({ name, owner, secret }: MadeTokenProps) {
  return (
    <div className={classes['made']}>
      <p>
        The token “{name}”{owner !== undefined && ` of ${owner}`} is shown once, here and now. Copy it to where it is
        needed.
      </p>
      <div className={classes['secret']}>
        <code className="code">{secret}</code>
        <CopyButton text={secret} name="Copy the token" />
      </div>
    </div>
  );
}
