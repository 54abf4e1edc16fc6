import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { copyHome, warmHome } from './support/home.ts';
import { build, mir } from './support/mir.ts';
import { pathWithoutBubblewrap } from './support/without-bubblewrap.ts';

// Its script asks for an alternative that no handler of ours gives: dpkg itself has to configure it.
const words = ['--python', '3.11', '-p', 'six==1.16.0', '--os-package', 'mariadb-common', '--platform', 'linux/amd64'];

const cleanup = cleanupOf({ after });
let template: string;

before(async () => {
  template = await warmHome(cleanup);
});

test('what no handler can configure is configured by dpkg itself, the same on every machine', async () => {
  const [home, other] = [await copyHome(template, cleanup), await copyHome(template, cleanup)];
  const built = await build([...words, '-t', 'team/tool:1'], { home });
  assert.ok(built.layers.some((one) => JSON.stringify(one.annotations).includes('configuration by dpkg')));
  const again = await build([...words, '-t', 'team/tool:1'], { home: other });
  assert.equal(again.digest, built.digest);
  const smoke = `sh -c 'test -z "$(dpkg --audit)" && test "$(readlink -f /etc/mysql/my.cnf)" = /etc/mysql/mariadb.cnf'`;
  const probed = await mir(['probe', 'team/tool:1', '--smoke', smoke], { home });
  assert.equal(probed.status, 0, probed.output + probed.errors);
});

test('without a sandbox such a package is refused by name, and nothing else is', async () => {
  const home = await copyHome(template, cleanup);
  const environment = { PATH: await pathWithoutBubblewrap(cleanup) };
  const refused = await mir(['build', ...words, '-t', 'team/tool:1'], { home, environment });
  assert.equal(refused.status, 1);
  assert.match(refused.errors, /mariadb-common \(postinst: .*\)/);
  assert.match(refused.errors, /bwrap|bubblewrap/);
  const others = await mir(
    ['build', '--python', '3.11', '-p', 'six==1.16.0', '--os-package', 'libgomp1', '-t', 'team/tool:2'],
    { home, environment },
  );
  assert.equal(others.status, 0, others.errors);
});
