import { organizationRoles } from '@mir/core';
import { z } from 'zod';
import { checkedHash, createUser, findUser, requireAdministrator, shownUser } from '../../accounts/users.ts';
import { audit } from '../../audit/audit.ts';
import { transaction } from '../../database/transaction.ts';
import { disownFilesOfRuns } from '../../files/file-set.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { type Route, routesOf } from '../route.ts';

const route = routesOf('accounts');
const named = z.object({ name: z.string() });

export const password = z.string().max(1024);

export const user = z
  .object({
    name: z.string(),
    role: z.enum(organizationRoles),
    isActive: z.boolean(),
    hasPassword: z.boolean(),
    createdAt: z.string(),
  })
  .meta({ id: 'User' });

/** Accounts, for administrators. */
export function userRoutes({ db }: InstanceContext): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/users',
      id: 'listUsers',
      summary: 'Listing accounts',
      access: 'administer',
      answer: z.object({ users: z.array(user) }),
      handle: async () => ({
        users: (await db.selectFrom('users').orderBy('name').selectAll().execute()).map(shownUser),
      }),
    }),
    route({
      method: 'POST',
      path: '/v1/users',
      id: 'createUser',
      summary: 'Making an account',
      access: 'administer',
      body: z.object({
        name: z.string(),
        role: z.enum(organizationRoles).default('member'),
        password: password.nullish(),
      }),
      answer: z.object({ user }),
      handle: async ({ body, caller, trace }) => {
        const name = body.name.toLowerCase();
        await transaction(db, async (trx) => {
          await createUser(trx, { name, role: body.role, ...(body.password != null && { password: body.password }) });
          await audit(trx, { caller, trace, action: 'user.create', subject: name, new: { role: body.role } });
        });
        return { user: shownUser(await findUser(db, name)) };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/users/{name}',
      id: 'getUser',
      summary: 'Looking at an account',
      access: 'administer',
      params: named,
      answer: z.object({ user }),
      handle: async ({ params }) => ({ user: shownUser(await findUser(db, params.name)) }),
    }),
    route({
      method: 'PATCH',
      path: '/v1/users/{name}',
      id: 'alterUser',
      summary: 'Altering an account',
      access: 'administer',
      params: named,
      body: z.object({
        role: z.enum(organizationRoles).optional(),
        isActive: z.boolean().optional(),
        password: password.optional(),
      }),
      answer: z.object({ user }),
      handle: async ({ params, body, caller, trace }) => {
        const hash = body.password === undefined ? undefined : await checkedHash(body.password);
        await transaction(db, async (trx) => {
          const old = await findUser(trx, params.name);
          await trx
            .updateTable('users')
            .set({
              role: body.role ?? old.role,
              is_active: body.isActive ?? old.is_active,
              ...(hash !== undefined && { password_hash: hash }),
            })
            .where('id', '=', old.id)
            .execute();
          // Whoever knew the old password, or was let in before, is out.
          if (hash !== undefined || body.isActive === false)
            await trx.deleteFrom('sessions').where('user_id', '=', old.id).execute();
          await requireAdministrator(trx);
          await audit(trx, {
            caller,
            trace,
            action: 'user.alter',
            subject: params.name,
            old: { role: old.role, isActive: old.is_active },
            new: {
              role: body.role ?? old.role,
              isActive: body.isActive ?? old.is_active,
              password: hash !== undefined,
            },
          });
        });
        return { user: shownUser(await findUser(db, params.name)) };
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/users/{name}',
      id: 'deleteUser',
      summary: 'Deleting an account',
      access: 'administer',
      params: named,
      answer: z.object({}),
      handle: async ({ params, caller, trace }) => {
        await transaction(db, async (trx) => {
          const old = await findUser(trx, params.name);
          await disownFilesOfRuns(trx, old.id);
          await trx.deleteFrom('users').where('id', '=', old.id).execute();
          await requireAdministrator(trx);
          await audit(trx, { caller, trace, action: 'user.delete', subject: params.name, old: { role: old.role } });
        });
        return {};
      },
    }),
  ];
}
