import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { call } from '../api/call.ts';
import { DataTable } from '../parts/data-table.tsx';
import { Heading } from '../parts/heading.tsx';
import { Pane } from '../parts/pane.tsx';

/** What images are made on, and the sets of packages for use cases. */
export function Bases() {
  const bases = useQuery({ queryKey: ['bases'], queryFn: ({ signal }) => call('listBases', { signal }) });
  const types = useQuery({ queryKey: ['image-types'], queryFn: ({ signal }) => call('listImageTypes', { signal }) });
  return (
    <>
      <Heading order={2} title="Bases and image types" about="The file of the settings says which there are.">
        Bases and image types
      </Heading>
      <Pane query={bases} height={160}>
        {({ bases: known, registries }) => (
          <>
            <DataTable label="Bases" minWidth={360}>
              <thead>
                <tr>
                  <th scope="col">Base</th>
                  <th scope="col">Python</th>
                  <th scope="col">Used when nothing is said</th>
                </tr>
              </thead>
              <tbody>
                {known.map(({ name, pythonVersion, isDefault }) => (
                  <tr key={name}>
                    <th scope="row">{name}</th>
                    <td>{pythonVersion}</td>
                    <td>{isDefault ? 'Yes' : ''}</td>
                  </tr>
                ))}
              </tbody>
            </DataTable>
            <p>
              {registries.length === 0
                ? 'Other images may not be bases here: no registry is listed in base_registries.'
                : `Images of these registries may be bases as well: ${registries.join(', ')}.`}
            </p>
          </>
        )}
      </Pane>
      <Pane query={types} height={200}>
        {({ imageTypes }) => (
          <DataTable label="Image types" minWidth={560}>
            <thead>
              <tr>
                <th scope="col">Image type</th>
                <th scope="col">For</th>
                <th scope="col">Packages</th>
                <th scope="col">System images</th>
              </tr>
            </thead>
            <tbody>
              {imageTypes.map(({ name, summary, requirements, osPackages, systemImages }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{summary}</td>
                  <td>{[...requirements, ...osPackages].join(', ')}</td>
                  <td>
                    {systemImages.map(({ name: image }) => (
                      <div key={image} style={{ whiteSpace: 'nowrap' }}>
                        <Link to="/images/$name" params={{ name: image }}>
                          {image}
                        </Link>
                      </div>
                    ))}
                  </td>
                </tr>
              ))}
            </tbody>
          </DataTable>
        )}
      </Pane>
    </>
  );
}
