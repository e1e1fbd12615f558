//! What a verification answers, by the rules and nothing else.

/// A key and what belongs to it alone, its own role included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Whether there is a row.
    pub exists: bool,
    pub deleted: bool,
    pub enabled: bool,
    pub expired: bool,
    /// Whether its allow-list keeps the clients of this test out.
    pub blocked: bool,
    /// Its name is a number; 0 for none.
    pub name: u32,
    /// Its limit, far too high to be reached; 0 for none.
    pub limit: u32,
    /// Bits of [`PERMISSIONS`] it has itself.
    pub direct: u8,
    pub has_own_role: bool,
    pub has_shared_role: bool,
    /// Permissions of its own role.
    pub own_role: u8,
}

impl Key {
    /// A row with nothing but what it must have.
    pub fn bare(name: u32, own_role: u8) -> Self {
        Self {
            exists: true,
            deleted: false,
            enabled: true,
            expired: false,
            blocked: false,
            name,
            limit: 0,
            direct: 0,
            has_own_role: false,
            has_shared_role: false,
            own_role,
        }
    }
}

/// The API of all keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Api {
    pub enabled: bool,
    pub blocked: bool,
}

pub const PERMISSIONS: [&str; 4] = ["torture.p0", "torture.p1", "torture.p2", "torture.p3"];
pub const SHARED_ROLE: &str = "torture.shared";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    Valid,
    NotFound,
    Forbidden,
    InsufficientPermissions,
    Disabled,
    Expired,
}

impl Code {
    pub const ALL: [(Self, &str); 6] = [
        (Self::Valid, "VALID"),
        (Self::NotFound, "NOT_FOUND"),
        (Self::Forbidden, "FORBIDDEN"),
        (Self::InsufficientPermissions, "INSUFFICIENT_PERMISSIONS"),
        (Self::Disabled, "DISABLED"),
        (Self::Expired, "EXPIRED"),
    ];
}

/// What an answer says of all this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    pub code: Code,
    pub name: u32,
    pub permissions: u8,
    pub has_own_role: bool,
    pub has_shared_role: bool,
    /// The limit that was counted; 0 for none.
    pub limit: u32,
    /// A number in the identity's meta.
    pub meta: u32,
}

const NOT_FOUND: Answer = Answer {
    code: Code::NotFound,
    name: 0,
    permissions: 0,
    has_own_role: false,
    has_shared_role: false,
    limit: 0,
    meta: 0,
};

/// The answer for a key of an identity with this meta, if this permission is asked for.
pub fn answer(key: &Key, shared_role: u8, api: Api, meta: u32, asked: Option<u8>) -> Answer {
    if !key.exists || key.deleted {
        return NOT_FOUND;
    }
    let own = if key.has_own_role { key.own_role } else { 0 };
    let shared = if key.has_shared_role { shared_role } else { 0 };
    let permissions = key.direct | own | shared;
    let code = if !api.enabled {
        Code::Forbidden
    } else if !key.enabled {
        Code::Disabled
    } else if key.expired {
        Code::Expired
    } else if api.blocked || key.blocked {
        Code::Forbidden
    } else if asked.is_some_and(|asked| permissions & (1 << asked) == 0) {
        Code::InsufficientPermissions
    } else {
        Code::Valid
    };
    Answer {
        code,
        name: key.name,
        permissions,
        has_own_role: key.has_own_role,
        has_shared_role: key.has_shared_role,
        limit: if code == Code::Valid { key.limit } else { 0 },
        meta,
    }
}
