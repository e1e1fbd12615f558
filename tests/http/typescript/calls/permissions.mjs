// permissions.*: permissions and roles
import assert from "node:assert/strict";
import { APIError, ConflictErrorResponse, ForbiddenErrorResponse, NotFoundErrorResponse } from "@unkey/api/models/errors";
import { newKey, newPermission, newRole, restricted, unkey, unique, verify } from "../client.mjs";

const { permissions } = unkey;
const getRole = async (role) => (await permissions.getRole({ role })).data;

export const answers = {
    async createPermission() {
        const slug = unique("ts");
        const { permissionId } = (await permissions.createPermission({ name: "Read", slug, description: "Reads" })).data;
        assert.match(permissionId, /^perm_/);
        const { data } = await permissions.getPermission({ permission: slug });
        assert.deepEqual(data, { id: permissionId, name: "Read", slug, description: "Reads" });
    },

    async getPermission() {
        const { slug, id } = await newPermission();
        assert.deepEqual((await permissions.getPermission({ permission: id })).data, { id, slug, name: "Made by a test" });
    },

    async listPermissions() {
        const { slug, id } = await newPermission();
        const { result } = await permissions.listPermissions({ search: slug });
        assert.deepEqual(result.data, [{ id, slug, name: "Made by a test" }]);
        assert.deepEqual(result.pagination, { hasMore: false });
    },

    async deletePermission() {
        const { slug } = await newPermission();
        const { key } = await newKey({ permissions: [slug] });
        assert.deepEqual((await permissions.deletePermission({ permission: slug })).data, {});
        assert.equal((await verify(key, { permissions: slug })).code, "INSUFFICIENT_PERMISSIONS");
    },

    async createRole() {
        const name = unique("ts");
        const { slug, id } = await newPermission();
        const { roleId } = (await permissions.createRole({ name, description: "Reads", permissions: [slug] })).data;
        assert.match(roleId, /^role_/);
        assert.deepEqual(await getRole(name), { id: roleId, name, description: "Reads", permissions: [{ id, slug, name: "Made by a test" }] });
    },

    async getRole() {
        const role = await newRole();
        assert.deepEqual(await getRole(role.id), role);
        assert.deepEqual(await getRole(role.name), role);
    },

    async listRoles() {
        const role = await newRole({ description: "Listed" });
        const { result } = await permissions.listRoles({ search: role.name });
        assert.deepEqual(result.data, [{ ...role, description: "Listed" }]);
        assert.deepEqual(result.pagination, { hasMore: false });
    },

    async setRolePermissions() {
        const role = await newRole({ permissions: ["docs.read"] });
        const { slug, id } = await newPermission();
        const set = async (list) => (await permissions.setRolePermissions({ roleId: role.id, permissions: list })).data;
        assert.deepEqual(await set([slug]), [{ id, slug, name: "Made by a test" }]);
        const { key } = await newKey({ roles: [role.name] });
        assert.deepEqual((await verify(key, { permissions: slug })).code, "VALID");
        assert.deepEqual(await set([]), []);
        assert.deepEqual(await getRole(role.id), role);
    },

    async deleteRole() {
        const role = await newRole({ permissions: ["docs.read"] });
        const { key } = await newKey({ roles: [role.name] });
        assert.deepEqual((await permissions.deleteRole({ role: role.name })).data, {});
        assert.equal((await verify(key, { permissions: "docs.read" })).code, "INSUFFICIENT_PERMISSIONS");
    },
};

const noPermission = (call) => [404, NotFoundErrorResponse, "unkey/data/permission_not_found", call];
const noRole = (call, error = NotFoundErrorResponse) => [404, error, "unkey/data/role_not_found", call];

export const refusals = {
    createPermission: [409, ConflictErrorResponse, "unkey/data/permission_already_exists", async (unkey) => unkey.permissions.createPermission({ name: "Twice", slug: (await newPermission()).slug })],
    getPermission: noPermission((unkey) => unkey.permissions.getPermission({ permission: "perm.unknown" })),
    listPermissions: [403, ForbiddenErrorResponse, "unkey/authorization/insufficient_permissions", (unkey) => unkey.permissions.listPermissions({}), restricted],
    deletePermission: noPermission((unkey) => unkey.permissions.deletePermission({ permission: "perm.unknown" })),
    createRole: [409, ConflictErrorResponse, "unkey/data/role_already_exists", async (unkey) => unkey.permissions.createRole({ name: (await newRole()).name })],
    getRole: noRole((unkey) => unkey.permissions.getRole({ role: "role.unknown" })),
    listRoles: [403, ForbiddenErrorResponse, "unkey/authorization/insufficient_permissions", (unkey) => unkey.permissions.listRoles({}), restricted],
    setRolePermissions: noRole((unkey) => unkey.permissions.setRolePermissions({ roleId: "role.unknown", permissions: [] })),
    // The client's document declares no 404 here.
    deleteRole: noRole((unkey) => unkey.permissions.deleteRole({ role: "role.unknown" }), APIError),
};
