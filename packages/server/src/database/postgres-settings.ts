import { socketPort } from './socket-folder.ts';

/**
 * The settings of the embedded PostgreSQL, as the text of its settings file: for one machine, a few clients, up to some hundred
 * thousand images, and little memory.
 */
export function postgresSettings(places: { readonly socketFolder: string; readonly accessFile: string }): string {
  const settings: Readonly<Record<string, string>> = {
    // No other machine and no other user can reach it: there is only a socket, in a folder that only its owner may enter.
    listen_addresses: '',
    unix_socket_directories: `"${places.socketFolder.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    port: String(socketPort),
    hba_file: places.accessFile,
    max_connections: '100',
    shared_buffers: '192MB',
    // What the system keeps of the files is far more than the buffers; the planner should know.
    effective_cache_size: '512MB',
    work_mem: '8MB',
    maintenance_work_mem: '64MB',
    huge_pages: 'off',
    // Reading ahead in processes of their own is for disks and databases that are larger than this.
    io_method: 'sync',
    max_worker_processes: '4',
    max_parallel_workers: '2',
    autovacuum_max_workers: '2',
    jit: 'off',
    // What was acknowledged survives kill -9 and a power cut. These are the defaults; no setting of ours may ever say otherwise.
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    // Nothing is replicated; so the log holds only what a restart needs, and a restart reads at most this much.
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_wal_size: '256MB',
    min_wal_size: '64MB',
    random_page_cost: '1.1',
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    // To us, who bound its size; values that users have sent stay out of it.
    log_destination: 'stderr',
    logging_collector: 'off',
    log_line_prefix: '%m [%p] ',
    log_checkpoints: 'off',
    log_min_error_statement: 'panic',
    log_parameter_max_length_on_error: '0',
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${quoted(value)}\n`)
    .join('');
}

/**
 * Who may connect: whoever reaches the socket, with no password. To reach it one has to enter a folder with mode 0700: that is its
 * owner, and root, who could read the data folder just as well. A password would have to lie beside it. `peer` would ask the system who is
 * calling, and inside a user namespace that is nobody it knows.
 */
export const postgresAccess = 'local all all trust\n';

function quoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
