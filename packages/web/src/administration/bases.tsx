import { Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { call } from '../api/call.ts';
import { Heading } from '../parts/heading.tsx';
import { Pane } from '../parts/pane.tsx';
import classes from '../workspaces/settings/members.module.css';

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
            <Table.ScrollContainer minWidth={360} className={classes['frame'] ?? ''}>
              <Table>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Base</Table.Th>
                    <Table.Th>Python</Table.Th>
                    <Table.Th>Used when nothing is said</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {known.map(({ name, pythonVersion, isDefault }) => (
                    <Table.Tr key={name}>
                      <Table.Th scope="row">{name}</Table.Th>
                      <Table.Td>{pythonVersion}</Table.Td>
                      <Table.Td>{isDefault ? 'Yes' : ''}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
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
          <Table.ScrollContainer minWidth={560} className={classes['frame'] ?? ''}>
            <Table verticalSpacing="sm">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Image type</Table.Th>
                  <Table.Th>For</Table.Th>
                  <Table.Th>Packages</Table.Th>
                  <Table.Th>System images</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {imageTypes.map(({ name, summary, requirements, osPackages, systemImages }) => (
                  <Table.Tr key={name}>
                    <Table.Th scope="row">{name}</Table.Th>
                    <Table.Td>{summary}</Table.Td>
                    <Table.Td>{[...requirements, ...osPackages].join(', ')}</Table.Td>
                    <Table.Td>
                      {systemImages.map(({ name: image }) => (
                        <div key={image} style={{ whiteSpace: 'nowrap' }}>
                          <Link to="/images/$name" params={{ name: image }}>
                            {image}
                          </Link>
                        </div>
                      ))}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Pane>
    </>
  );
}
