/**
 * What runs between this process and bubblewrap, in the shell of the machine. Everything here runs without any right on the
 * machine: as ids that are nobody, or as the user who asked, in a user namespace and a mount namespace of its own.
 *
 * The file descriptors: 0 standard input, 1 standard output, 2 complaints of these scripts, 3 talk with this process, 4 arguments for
 * bubblewrap, 5 its filter, 6 what it reports, 7 results as a tar archive, 8 standard error, 9 the word to begin.
 */

/** Waits for its ids, then becomes the script that it is given: who executes as uid 0 has the rights of its namespace. */
const idsScript = `
echo ids >&3
read -r word <&3
exec setpriv --pdeathsig KILL sh -eu -c "$@"`;

/**
 * Joins the layers, has bubblewrap run the command, and hands out the results. Whoever started it may have died before it
 * could notice: then it has another parent by now. What a command left in a folder is read without following links, when nothing
 * of it runs any more.
 */
const rootScript = `
[ "$PPID" = "$1" ] || exit 1
mount -t tmpfs -o "$2" tmpfs /tmp
mkdir /tmp/root /tmp/upper /tmp/overlay /tmp/scratch
mount -t overlay -o "$3" overlay /tmp/root
cp -R --preserve=mode ../scratch/. /tmp/scratch/
[ "$4" = 0 ] || chown -R "$4:$4" /tmp/scratch
chmod 1777 /tmp/scratch/tmp /tmp/scratch/shm
shift 4
status=0
"$@" || status=$?
exec 0<&- 1>&- 8>&- 6>&- 5<&- 4<&- 9<&-
echo "ended $status" >&3
read -r folder <&3
[ "$folder" = - ] || tar -c -f - --format=pax --numeric-owner --hard-dereference --sort=name -C "/tmp/$folder" . >&7
exec 7>&-
echo taken >&3`;

/** Becomes bubblewrap, as long as its parent lives, with nothing open that the command is not to have. */
const commandScript = `
[ "$PPID" = "$1" ] || exit 1
shift
exec 2>&8 3>&- 7>&- 8>&-
exec "$@"`;

/** What to start for a sandbox. */
export type Launch = {
  /** This process, whose death ends it. */
  readonly processId: number;
  /** Words that take an unprivileged id, before anything else. */
  readonly dropping: readonly string[];
  /** Words that take the id of the command, for a sandbox that has several. */
  readonly becoming: readonly string[];
  readonly scratchOptions: string;
  readonly overlayOptions: string;
  /** Who owns what the command may write to. */
  readonly owner: number;
  /** Words that set limits. */
  readonly limiting: readonly string[];
  readonly command: readonly string[];
};

/** The program and its words that start a sandbox. */
export function launchWords(launch: Launch): readonly [string, ...string[]] {
  // $$ is known to the shell alone, so the last script gets it from there.
  const run = `set -- "$1" "$2" "$3" "$4" setpriv ${quoted(launch.becoming)} --pdeathsig KILL sh -eu -c ${quote(commandScript)} sh "$$" ${quoted(
    [...launch.limiting, ...launch.command],
  )}`;
  const words = [String(launch.processId), launch.scratchOptions, launch.overlayOptions, String(launch.owner)];
  return [
    'setpriv',
    ...launch.dropping,
    '--pdeathsig',
    'KILL',
    'unshare',
    '--user',
    '--mount',
    'sh',
    '-eu',
    '-c',
    idsScript,
    'sh',
    `${run}\n${rootScript}`,
    'sh',
    ...words,
  ];
}

function quoted(words: readonly string[]): string {
  return words.map(quote).join(' ');
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
