import { Icon } from '../icons/icon.tsx';
import { orderAfter, type Sort, type SortKey } from './image-order.ts';
import classes from './image-table.module.css';

type SortableHeadProps = {
  readonly name: string;
  readonly by: SortKey;
  readonly sort: Sort;
  readonly onSort: (sort: Sort) => void;
  readonly className: string | undefined;
};

/** The head of a column that sorts the list: its way first, then the other, then the order that the list began with. */
export function SortableHead({ name, by, sort, onSort, className }: SortableHeadProps) {
  const direction = sort === by ? 'ascending' : sort === `-${by}` ? 'descending' : 'none';
  return (
    <th scope="col" className={className} aria-sort={direction}>
      <button type="button" className={classes['sort']} onClick={() => onSort(orderAfter(sort, by))}>
        {name}
        {direction !== 'none' && <Icon name={direction === 'ascending' ? 'up' : 'down'} size={12} />}
      </button>
    </th>
  );
}
