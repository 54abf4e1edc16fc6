import classes from './code-block.module.css';
import { CopyButton } from './copy-button.tsx';

/** Something to be copied into a program or a terminal. */
export function CodeBlock({ text, name }: { readonly text: string; readonly name: string }) {
  return (
    <div className={classes['block']}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what may scroll has to be reached by the keyboard, too. */}
      <section tabIndex={0} aria-label={name}>
        <pre className="code">{text}</pre>
      </section>
      <CopyButton text={text} name={`Copy: ${name}`} />
    </div>
  );
}
