//! The decision on a project or repository apart from pull and push: who may see it, change it and share it. The rules
//! are those of `rules.rs`, for all eight kinds of access.

use super::super::access::{AccessKind, AccessSet};
use super::super::facts::{ItemFacts, UserFacts};
use super::super::login::Caller;
use super::super::login_scope::{LoginScope, LoginScopes, Powers};
use super::super::principal::PrincipalId;
use super::super::project::{EntityId, ProjectId};
use super::super::reason::{ReasonCode, with_code};
use super::super::repository::Item;
use super::{AccessPolicy, Certification, has_administrator_power};

/// Why a caller may not do something with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemRefusal {
    /// Nobody is logged in. It is also the answer for an item that does not exist.
    Anonymous,
    /// The item does not exist, the caller lacks READ, or the token is bound to another project: one answer for all
    /// three, so that nobody learns which it is.
    NotVisible {
        /// The project that the caller's token is bound to.
        bound_to: Option<ProjectId>,
    },
    /// The item or its project is in the trash.
    InTrash,
    /// The login lacks a scope.
    TokenScope {
        /// The missing scope.
        needs: LoginScope,
        /// The scopes of the login.
        has: LoginScopes,
    },
    /// A robot account has rights in its own project only.
    RobotProject(ProjectId),
    /// Only certified users may make this change.
    NotCertified,
    /// The caller lacks this kind of access.
    Lacks(AccessKind),
}

impl ItemRefusal {
    /// The stable code; `None` for kinds of access that docker has no use for.
    #[must_use]
    pub const fn code(self) -> Option<ReasonCode> {
        Some(match self {
            Self::Anonymous => ReasonCode::Anonymous,
            Self::NotVisible { .. } | Self::Lacks(AccessKind::Read) => ReasonCode::NotVisible,
            Self::InTrash => ReasonCode::InTrash,
            Self::TokenScope { .. } | Self::RobotProject(_) => ReasonCode::TokenScope,
            Self::NotCertified => ReasonCode::NotCertified,
            Self::Lacks(AccessKind::Download) => ReasonCode::NoDownload,
            Self::Lacks(AccessKind::Update) => ReasonCode::NoUpdate,
            Self::Lacks(AccessKind::Create) => ReasonCode::NoCreate,
            Self::Lacks(AccessKind::Delete) => ReasonCode::NoDelete,
            Self::Lacks(
                AccessKind::ChangePermissions | AccessKind::ChangeSettings | AccessKind::Moderate,
            ) => {
                return None;
            }
        })
    }

    /// One line: what is missing, and who can give it. The sentences about the trash, certification and missing access
    /// begin as those of Synapse do, because programs look for them.
    #[must_use]
    pub fn sentence(self, id: EntityId) -> String {
        let text = match self {
            Self::Anonymous => format!("{id} is not shown without a login; log in first"),
            Self::NotVisible { bound_to: None } => {
                format!("{id} is not found, or you have no access; ask the owner of its project")
            }
            Self::NotVisible { bound_to: Some(project) } => {
                format!("{id} is not found in {project}, the only project of this token, or you have no access to it")
            }
            Self::InTrash => format!(
                "Entity {id} is in trash can. Whoever put it there, or an administrator, can restore it"
            ),
            Self::TokenScope { needs, has } => {
                format!("this login has the scopes '{has}', and this also needs {}", needs.name())
            }
            Self::RobotProject(project) => {
                format!("this robot account has rights in {project} only, and {id} is not in it")
            }
            Self::NotCertified => {
                "Only certified users may create or update content; ask an administrator to certify your account"
                    .to_owned()
            }
            Self::Lacks(kind) => format!(
                "You lack {} access to the requested entity; ask the owner of its project for it",
                kind.name()
            ),
        };
        self.code().map_or(text.clone(), |code| with_code(code, &text))
    }
}

/// The rights of a caller to an item that the caller may see. There is no other way to ask for a right, so that no
/// refusal can tell of an item that the caller may not see.
#[derive(Clone, Copy, Debug)]
pub struct ItemRights<'a> {
    caller: Caller<'a>,
    item: &'a ItemFacts,
    policy: AccessPolicy,
}

impl<'a> ItemRights<'a> {
    /// Decides on READ. `item` is `None` when there is no such item.
    pub fn of(
        caller: Caller<'a>,
        item: Option<&'a ItemFacts>,
        policy: AccessPolicy,
    ) -> Result<Self, ItemRefusal> {
        let not_visible = match caller {
            Caller::Anonymous => ItemRefusal::Anonymous,
            Caller::User(_, powers) => {
                require_scope(powers, LoginScope::View)?;
                ItemRefusal::NotVisible { bound_to: powers.only_in }
            }
        };
        let item = item.filter(|item| is_within_token(&caller, item)).ok_or(not_visible)?;
        let rights = Self { caller, item, policy };
        match rights.given().has(AccessKind::Read) {
            false => Err(not_visible),
            true if item.is_in_trash() => Err(ItemRefusal::InTrash),
            true => Ok(rights),
        }
    }

    /// The item.
    #[must_use]
    pub const fn item(&self) -> &'a ItemFacts {
        self.item
    }

    /// The caller.
    #[must_use]
    pub const fn caller(&self) -> Caller<'a> {
        self.caller
    }

    /// Whether the caller may do what needs this kind of access.
    #[must_use]
    pub fn may(&self, kind: AccessKind) -> bool {
        self.require(kind).is_ok()
    }

    /// Why the caller may not do what needs this kind of access, if so.
    pub fn require(&self, kind: AccessKind) -> Result<(), ItemRefusal> {
        let (user, powers) = match (kind, self.caller) {
            (AccessKind::Read, _) => return Ok(()),
            (AccessKind::Download, _) if self.may_download_as_anybody() => {
                return self.require_download_scope();
            }
            (_, Caller::Anonymous) => return Err(ItemRefusal::Anonymous),
            (_, Caller::User(user, powers)) => (user, powers),
        };
        if let Some(own) = robot_elsewhere(user, self.item.project.id) {
            return Err(ItemRefusal::RobotProject(own));
        }
        require_scope(
            powers,
            if kind == AccessKind::Download { LoginScope::Download } else { LoginScope::Modify },
        )?;
        if self.needs_certification(kind) && !self.is_certified() {
            return Err(ItemRefusal::NotCertified);
        }
        let is_open = kind == AccessKind::Download && self.item.is_open_data();
        if is_open || self.given().has(kind) { Ok(()) } else { Err(ItemRefusal::Lacks(kind)) }
    }

    /// The access that the sharing settings give, whatever the login and the certification allow.
    #[must_use]
    pub fn given(&self) -> AccessSet {
        match self.caller {
            _ if has_administrator_power(&self.caller) => AccessSet::ALL,
            Caller::User(user, _) if robot_elsewhere(user, self.item.project.id).is_some() => {
                self.item.sharing().access_of(None)
            }
            caller => self.item.sharing().access_of(caller.user()),
        }
    }

    /// An administrator counts as certified.
    #[must_use]
    pub fn is_certified(&self) -> bool {
        has_administrator_power(&self.caller)
            || matches!(self.caller, Caller::User(user, _) if user.certified)
    }

    /// Whether every change of what is in projects needs a certified user.
    #[must_use]
    pub const fn requires_certification(&self) -> bool {
        !matches!(self.policy.certification, Certification::Off)
    }

    const fn needs_certification(&self, kind: AccessKind) -> bool {
        match (kind, self.policy.certification) {
            (_, Certification::Off) => false,
            (AccessKind::Create, _) | (AccessKind::ChangeSettings, Certification::Push) => true,
            (AccessKind::Update, Certification::Push) => matches!(self.item.item, Item::Repository(_)),
            _ => false,
        }
    }

    fn may_download_as_anybody(&self) -> bool {
        let public = self.item.sharing().access_of(None);
        self.policy.anonymous_pull && self.item.is_open_data() && public.has(AccessKind::Read)
    }

    fn require_download_scope(&self) -> Result<(), ItemRefusal> {
        match self.caller {
            Caller::Anonymous => Ok(()),
            Caller::User(_, powers) => require_scope(powers, LoginScope::Download),
        }
    }
}

fn require_scope(powers: Powers, needs: LoginScope) -> Result<(), ItemRefusal> {
    match powers.scopes.has(needs) {
        true => Ok(()),
        false => Err(ItemRefusal::TokenScope { needs, has: powers.scopes }),
    }
}

fn is_within_token(caller: &Caller<'_>, item: &ItemFacts) -> bool {
    match caller {
        Caller::User(_, Powers { only_in: Some(project), .. }) => *project == item.project.id,
        _ => true,
    }
}

/// The project of a robot account, if `project` is another one.
fn robot_elsewhere(user: &UserFacts, project: ProjectId) -> Option<ProjectId> {
    user.robot_of.filter(|own| *own != project)
}

/// The part of the decision on READ that depends on the caller alone. A database filters lists by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Sees every project: an administrator.
    pub sees_everything: bool,
    /// The only project that the token is good for.
    pub bound_to: Option<ProjectId>,
    /// The only project in which rows of sharing settings for `principals` count.
    pub robot_of: Option<ProjectId>,
    /// The principals whose rows of sharing settings give access. Those of [`PrincipalId::PUBLIC`] always do.
    pub principals: Vec<PrincipalId>,
}

impl Viewer {
    /// What `caller` sees.
    pub fn of(caller: &Caller<'_>) -> Result<Self, ItemRefusal> {
        let nobody = Self { sees_everything: false, bound_to: None, robot_of: None, principals: Vec::new() };
        let Caller::User(user, powers) = caller else { return Ok(nobody) };
        require_scope(*powers, LoginScope::View)?;
        let teams = user.teams.iter().map(|team| PrincipalId::from(*team));
        Ok(Self {
            sees_everything: has_administrator_power(caller),
            bound_to: powers.only_in,
            robot_of: user.robot_of,
            principals: teams.chain([user.id.into(), PrincipalId::AUTHENTICATED_USERS]).collect(),
        })
    }
}
