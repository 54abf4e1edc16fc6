import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { lockFile, type Plan, requireWritablePath } from '@mir/builder';
import type { Platform } from '@mir/core';

/**
 * Where the lock of a platform goes. One lock goes where `--lock-out` says; of several, each has its platform in its name:
 * `pylock.toml` gives `pylock.linux-arm64.toml`, `pylock.team.toml` gives `pylock.team-linux-arm64.toml` (PEP 751 allows
 * one name between the dots).
 */
function lockPathFor(path: string, platform: Platform, count: number): string {
  if (count === 1) return path;
  const name = platform.replace('/', '-');
  const [, stem = basename(path), extension = ''] = /^(.+?)(\.[^.]*)?$/.exec(basename(path)) ?? [];
  const joint = /^pylock\.[^.]+$/.test(stem) ? '-' : '.';
  return join(dirname(path), `${stem}${joint}${name}${extension}`);
}

/** Refuses, before anything is done, places that no lock can be written to. @throws Fault `output/unwritable` */
export async function checkLockPaths(path: string | undefined, platforms: readonly Platform[]): Promise<void> {
  if (path === undefined) return;
  for (const platform of platforms) await requireWritablePath(lockPathFor(path, platform, platforms.length), 'file');
}

/** Writes the locks of all plans. Gives their paths. */
export async function writeLocks(path: string | undefined, plans: readonly Plan[]): Promise<readonly string[]> {
  if (path === undefined) return [];
  const written = plans.map(async (plan) => {
    const target = lockPathFor(path, plan.base.platform, plans.length);
    await writeFile(target, lockFile(plan));
    return target;
  });
  return Promise.all(written);
}
