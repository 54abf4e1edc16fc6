import { useQuery } from '@tanstack/react-query';
import { faultOfFailure } from '../api/fault.ts';
import { versionQuery } from '../api/image-queries.ts';
import type { ProbeReport } from '../api/types.ts';
import { counted, formatSize } from '../format/size.ts';
import { formatDuration } from '../format/time.ts';
import { DataTable } from '../parts/data-table.tsx';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import { Pane } from '../parts/pane.tsx';
import classes from './sections.module.css';
import { useShownVersion } from './shown-version.ts';

const outcomes = { passed: 'passed', failed: 'failed', 'not-probed': 'was not tried' } as const;

/** What happened when the packages of a version were imported, before its name moved. */
export function Probe() {
  const { image, number } = useShownVersion();
  const version = useQuery(versionQuery(image.name, number));
  return (
    <>
      <Heading
        order={2}
        title={`${image.name} · probe`}
        about="Before a version is ready, what was asked for is imported in it, in a sandbox."
      >
        Probe of version {number}
      </Heading>
      <Pane query={version} height={320}>
        {({ version: found }) =>
          found.probes.length === 0 ? (
            <p>This version was not probed{found.probe?.note == null ? '' : `: ${found.probe.note}`}.</p>
          ) : (
            found.probes.map((report) => <Report key={report.platform} report={report} />)
          )
        }
      </Pane>
    </>
  );
}

function Report({ report }: { readonly report: ProbeReport }) {
  const modules = report.packages.flatMap(({ name, modules: of }) => of.map((one) => ({ ...one, package: name })));
  const broken = report.scripts.filter(({ error }) => error !== undefined);
  return (
    <section aria-label={`Probe on ${report.platform}`}>
      <p>
        On {report.platform} it {outcomes[report.outcome]}
        {report.why === undefined ? '' : `: ${report.why}`}.{' '}
        {report.python !== undefined &&
          `Python ${report.python.version} imported ${counted(modules.length, 'module')} in ${formatDuration(report.seconds)}.`}
      </p>
      {report.failures.map((failure) => (
        <FaultMessage key={`${failure.code} ${failure.what}`} fault={faultOfFailure(failure)} />
      ))}
      {report.problems.map(({ message, fix }) => (
        <p key={message}>
          {message}. {fix}
        </p>
      ))}
      {report.dependencies.length > 0 && (
        <details className={classes['more']}>
          <summary>{counted(report.dependencies.length, 'requirement')} of packages not met</summary>
          <ul>
            {report.dependencies.map(({ name, requirement, found }) => (
              <li key={`${name} ${requirement}`}>
                {name} wants {requirement}; there is {found ?? 'none'}
              </li>
            ))}
          </ul>
        </details>
      )}
      {modules.length > 0 && (
        <DataTable label={`Modules on ${report.platform}`} minWidth={480}>
          <thead>
            <tr>
              <th scope="col">Module</th>
              <th scope="col">Package</th>
              <th scope="col">Outcome</th>
              <th scope="col" data-number>
                Time
              </th>
              <th scope="col" data-number>
                Peak memory
              </th>
            </tr>
          </thead>
          <tbody>
            {modules.map((one) => (
              <tr key={`${one.package} ${one.module}`}>
                <th scope="row">{one.module}</th>
                <td>{one.package}</td>
                <td>
                  {one.outcome}
                  {one.error !== undefined && <pre className="code">{one.error}</pre>}
                  {one.warnings.length > 0 && `, ${counted(one.warnings.length, 'warning')}`}
                </td>
                <td data-number>{one.outcome === 'skipped' ? '–' : formatDuration(one.seconds)}</td>
                <td data-number>{one.peakMemoryBytes === 0 ? '–' : formatSize(one.peakMemoryBytes)}</td>
              </tr>
            ))}
          </tbody>
        </DataTable>
      )}
      {report.scripts.length > 0 && (
        <details className={classes['more']} open={broken.length > 0}>
          <summary>
            {counted(report.scripts.length, 'command')}
            {broken.length > 0 && `, ${broken.length} of them broken`}
          </summary>
          <p className="code">
            {report.scripts.map(({ name, error }) => (error === undefined ? name : `${name} (${error})`)).join(', ')}
          </p>
        </details>
      )}
      {report.smoke !== undefined && (
        <details className={classes['more']} open={report.smoke.status !== 0}>
          <summary>
            The smoke test ended with {report.smoke.status ?? 'no status'} after {formatDuration(report.smoke.seconds)}
          </summary>
          <pre className="code">{`$ ${report.smoke.command.join(' ')}\n${report.smoke.output}`}</pre>
        </details>
      )}
    </section>
  );
}
