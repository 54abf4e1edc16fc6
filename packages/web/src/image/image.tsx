import { useSuspenseQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { imageQuery } from '../api/image-queries.ts';
import { StatusChip } from '../images/status-chip.tsx';
import { Heading } from '../parts/heading.tsx';

/** An image: what is in it, how to use it, how it came to be. */
export function Image() {
  const { name } = useParams({ from: '/shell/images/$name' });
  const { data } = useSuspenseQuery(imageQuery(name));
  return (
    <Heading title={name} actions={<StatusChip status={data.image.status} />}>
      {name}
    </Heading>
  );
}
